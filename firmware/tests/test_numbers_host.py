"""Numbers that a device file repeats as constants of its own are those of the file it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from protocols import event, smp_codes

FIRMWARE = Path(__file__).parents[1]
WRITER = Path(event.__file__).with_name("event_writer.py")


@pytest.mark.parametrize(
    "module, files",
    [(event, [FIRMWARE / "events.py", WRITER]), (smp_codes, FIRMWARE.glob("smp_*.py"))],
)
def test_a_repeated_number_is_that_of_the_original(module, files):
    compared = 0
    for path in files:
        for name, number in re.findall(r"^_(\w+) = const\((\d+)\)", path.read_text(), re.M):
            if hasattr(module, name):
                assert getattr(module, name) == int(number), (path.name, name)
                compared += 1
    assert compared > 15
