# A relay or a transistor at a pin.
# SPDX-License-Identifier: Apache-2.0
#
# Relay boards with optocouplers close at a low level (`active` 0): their input hangs on their own
# 5 V, so that a pin that floats during a reset leaves them open. A bare transistor closes at a
# high level and needs a resistor to ground for the same.
from .output import Output


class Relay(Output):
    def __init__(self, pin, active=1):
        self._pin = pin
        self._active = active

    async def put(self, value):
        self._pin.value(self._active if value else 1 - self._active)
        self.value = value

    def off(self):
        self._pin.value(1 - self._active)
        self.value = 0
