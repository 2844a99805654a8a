"""Numbers that a device file repeats as constants of its own are those of the file it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def numbers(path: Path) -> dict[str, int]:
    """The constants of a file; whether it begins with an underscore does not matter."""
    found = re.findall(r"^_?([A-Z]\w+) = (?:const\()?(\d+)\b", path.read_text(), re.M)
    return {name: int(number) for name, number in found}


@pytest.mark.parametrize(
    "original, files, least",
    [
        ("protocols/event.py", ["firmware/*events.py", "protocols/event_writer.py"], 34),
        ("protocols/smp_codes.py", ["firmware/smp_*.py"], 20),
        (
            "protocols/control_rules.py",
            ["protocols/control_engine.py", "firmware/control_look.py"],
            13,
        ),
        ("protocols/actuator.py", ["protocols/actuator_engine.py", "firmware/actuators.py"], 12),
        ("protocols/ack.py", ["protocols/ack_writer.py", "firmware/uplink.py"], 6),
        ("protocols/rice.py", ["protocols/bit_reader.py"], 2),
        ("protocols/cbor.py", ["protocols/cbor_*.py"], 15),
        ("firmware/outbox.py", ["firmware/outbox_files.py"], 3),
        ("firmware/boot.py", ["firmware/set_up.py"], 1),
        ("firmware/energy.py", ["firmware/*e*.py"], 13),
    ],
)
def test_a_repeated_number_is_that_of_the_original(original, files, least):
    known = numbers(ROOT / original)
    compared = 0
    for path in [path for pattern in files for path in ROOT.glob(pattern)]:
        for name, number in numbers(path).items():
            if name in known:
                assert number == known[name], (path.name, name)
                compared += 1
    assert compared >= least
