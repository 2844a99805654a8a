"""The flight recorder of a unit: what `firmware/flight.py` keeps, as lines for the rules.

The file is a sequence of CBOR items (RFC 8742), the oldest first: [code, seconds of the RTC,
value] and [code, text]. An item that cannot be read ends it: the ring may be torn.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

BOOT, STEP, CRASH, LATE, SAFE, WAKE, RAIL = 24, 25, 26, 27, 28, 29, 30
SENT, HEARD = 32, 33
RTC_KEPT = 0x100  # of BOOT's value: the RTC's memory was still there
HELD = "held in its boot window"  # as safe mode begins when `doctor` has reset the unit
# machine.reset_cause() of the ESP32 port.
CAUSES = {1: "power", 2: "hard", 3: "watchdog", 4: "deep sleep", 5: "soft"}
STEPS = {
    0x200: "starting the modem",
    0x201: "attaching to the network",
    0x202: "opening the socket",
    0x203: "sending",
    0x204: "waiting for the answer",
    0x300: "setting up",
}
READING = 0x100  # of a step: and the number of the part


@dataclass
class Flight:
    """What the ring tells, the oldest first."""

    story: list[str] = field(default_factory=list)  # 'ended watchdog while sending', 'rail 3600'
    dialogue: list[tuple[bool, str]] = field(default_factory=list)  # AT lines: sent or heard


def items(data: bytes) -> Iterator[list]:
    """Yield the items of a ring, as far as they can be read."""
    import cbor2

    file = io.BytesIO(data)
    while file.tell() < len(data):
        try:
            item = cbor2.load(file)
        except (cbor2.CBORDecodeError, ValueError):
            return
        if not isinstance(item, list) or not item or not isinstance(item[0], int):
            return
        yield item


def read(data: bytes) -> Flight:
    """Return what a ring tells; a boot that somebody has held for a look is no event."""
    flight = Flight()
    told = [list(item) for item in items(data)]
    step = ""
    for n, item in enumerate(told):
        code, value = item[0], item[-1]
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else ""
        if code == STEP:
            step = _step(value)
        elif code == BOOT:
            if not _is_held(told[n + 1 : n + 2]):
                flight.story.append(_boot(value, step))
            step = ""
        elif code == CRASH:
            flight.story.append(f"crash {value:04x}")
        elif code == LATE:
            flight.story.append(f"late {text}")
        elif code == SAFE and not text.startswith(HELD[:10]):
            flight.story.append(f"safe mode {text}")
        elif code == WAKE:
            flight.story.append(f"wake {text}")
        elif code == RAIL:
            flight.story.append(f"rail {value}")
        elif code in (SENT, HEARD):
            flight.dialogue.append((code == SENT, text))
    return flight


def _is_held(following: list[list]) -> bool:
    return bool(following) and following[0][0] == SAFE and bytes(following[0][-1])[:4] == b"held"


def _boot(value: int, step: str) -> str:
    cause = CAUSES.get(value & 255, "unknown")
    if cause == "power" and value & RTC_KEPT:
        cause = "dip"
    return f"ended {cause} while {step}" if step else f"boot {cause}"


def _step(value: int) -> str:
    if value & 0xFF00 == READING:
        return f"reading part {value & 0xFF}"
    return STEPS.get(value, f"in step {value:#x}")
