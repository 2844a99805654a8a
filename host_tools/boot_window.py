"""A unit held in its boot window: reset, and kept from its work, so that it can be read.

While a chip starts, what arrives at its port waits there; an app that finds Ctrl-U in it runs its
console, SMP and the watchdog, and nothing else (`firmware/flight_file.py`).
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
import time
from collections.abc import Callable

from .flight_records import HELD
from .language import tr
from .smp_link import SmpLink

HOLD = b"\x15"  # Ctrl-U; a running unit and the REPL take it for an empty line
EVERY_S = 0.005
RESET_S = 0.1
QUIET_S = 0.3  # what it still answers to what was typed
START_S = 6.0  # from a reset by the lines to the app
# What the boot loader of a chip says that finds nothing to start; an ESP32 says it for ever.
_NO_PROGRAM = re.compile(
    rb"invalid header: 0x[0-9a-f]{8}|flash read err, 1000"
    rb"|load partition table error!|No bootable app partitions"
)
PERSON_S = 30.0  # until a person has pressed a button


class HeldLink(SmpLink):
    """A link that can hold the unit. `said` is what it said meanwhile, without SMP; `empty`: its
    boot loader has found no program."""

    said = b""
    held = False
    empty = False

    def hold(self, ask: Callable[[str], None]) -> bool:
        """Reset the unit and keep it in its boot window; return whether it is there.

        A port without reset lines needs a person, who is asked.

        Raises:
            OSError: the port is gone.
        """
        if self._reset_by_lines() and self._type(START_S):
            return True
        if self.empty:
            return False
        ask(
            tr(
                "press the button EN of the unit now, or take its power away and give it back"
                " ({seconds:.0f} s)"
            ).format(seconds=PERSON_S)
        )
        return self._type(PERSON_S)

    def _reset_by_lines(self) -> bool:
        port = self._transport._conn
        try:
            port.dtr = False  # IO0 high: it is to run, and not to load
            port.rts = True  # EN low
            time.sleep(RESET_S)
            port.rts = False
        except OSError:  # a PTY has no such lines
            return False
        return True

    def _type(self, seconds: float) -> bool:
        """Type Ctrl-U until the unit says that it is held, or its chip that there is none."""
        port = self._transport._conn
        give_up_s = time.monotonic() + seconds
        heard = b""
        while time.monotonic() < give_up_s and not (self.held or self.empty):
            port.write(HOLD)
            time.sleep(EVERY_S)
            heard += port.read(port.in_waiting) if port.in_waiting else b""
            self.held = HELD.encode() in heard
            self.empty = _NO_PROGRAM.search(heard) is not None
        self.said += heard
        time.sleep(QUIET_S)
        port.reset_input_buffer()
        return self.held
