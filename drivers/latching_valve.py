# A latching solenoid valve: a pulse opens it, another one closes it, in between it needs nothing.
# SPDX-License-Identifier: Apache-2.0
#
# Two coils, or one coil in a bridge whose inputs these two pins are. A coil stands its pulse of 20
# to 100 ms (data of the valve) and burns out when it stays on, so the pulse is waited for here
# and nothing comes in between. A valve stays as it is when the power goes: it is closed by the
# first pulse after the start, since nobody knows how it stands.
import time

from .output import Output


class LatchingValve(Output):
    # open, close: outputs, 1 is on.
    def __init__(self, open, close, pulse_ms):
        self._open = open
        self._close = close
        self._pulse_ms = pulse_ms

    async def put(self, value):
        self._pulse(self._open if value else self._close)
        self.value = value

    def off(self):
        self._pulse(self._close)
        self.value = 0

    def _pulse(self, pin):
        # Both at once would be a short through the bridge.
        self._open.value(0)
        self._close.value(0)
        try:
            pin.value(1)
            time.sleep_ms(self._pulse_ms)
        finally:
            pin.value(0)
