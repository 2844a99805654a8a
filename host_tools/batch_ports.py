"""Where units may be plugged in: this machine's USB serial ports, or the ports that are named.

Many adapters (CP2102, CH340) have the same serial number, or none. What tells them apart is their
position: 1-1.3 is bus 1, socket 1 of the root hub, socket 3 of the hub in it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from .errors import CannotTry
from .language import tr
from .unit_plan import SLOT, SLOT_RULE


@dataclass(frozen=True)
class Place:
    """A port, and its USB position if one is known."""

    port: str
    slot: str = ""

    @property
    def told(self) -> str:
        """What a person is told: the position, which is written on the hub, or else the port."""
        return self.slot or self.port

    def is_in(self, slot: str) -> bool:
        """Tell whether a plan's slot is this one; it need not name the adapter's interface."""
        return bool(slot) and slot in (self.slot, self.slot.partition(":")[0])


Finder = Callable[[], list[Place]]


def usb(slots: frozenset[str] = frozenset()) -> list[Place]:
    """Return the USB serial ports that are plugged in now, in the order of their sockets.

    With `slots` only those in one of them: what else is plugged in may be no unit at all.
    """
    from serial.tools import list_ports

    found = [port for port in list_ports.comports() if port.vid is not None]
    places = [Place(port.device, port.location or "") for port in found]
    wanted = [place for place in places if not slots or any(map(place.is_in, slots))]
    return sorted(wanted, key=_by_numbers)


def named(given: list[str]) -> Finder:
    """Return what finds the named ports that are there now.

    A name is a device, a pattern ('/dev/serial/by-path/*') or a URL; after an '@' it may say which
    slot it is, as in '/dev/pts/7@1-1.3'.

    Raises:
        CannotTry: a slot is none, or two ports have one.
    """
    pairs = [_split(text) for text in given]
    slots = [slot for _, slot in pairs if slot]
    if double := next((slot for slot in slots if slots.count(slot) > 1), ""):
        message = tr("--port: two ports are said to be in slot {slot}").format(slot=double)
        raise CannotTry(message, tr("give each its own slot"))

    def find() -> list[Place]:
        places: dict[str, Place] = {}
        for name, slot in pairs:
            for port in _present(name):
                places.setdefault(os.path.realpath(port), Place(port, slot))
        return list(places.values())

    return find


def _split(text: str) -> tuple[str, str]:
    port, at, slot = text.rpartition("@")
    if not at:
        return text, ""
    if not re.match(SLOT, slot):
        message = tr("--port {text}: '{slot}' is no slot").format(text=text, slot=slot)
        raise CannotTry(message, tr("after '@' give {rule}").format(rule=SLOT_RULE))
    return port, slot


def _present(name: str) -> list[str]:
    if "://" in name:
        return [name]
    if glob.has_magic(name):
        return sorted(glob.glob(name))
    return [name] if os.path.exists(name) else []


def _by_numbers(place: Place) -> tuple[list[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", place.slot)], place.port
