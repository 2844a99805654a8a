# A contact at an input: mains present, a door, a tamper switch. What bounces is waited for.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from .errors import SensorError

_POLL_MS = const(5)
_LIMIT_MS = const(2000)  # what bounces longer is broken, or alternating current


class Contact:
    CHANNELS = (("active", "1", 1),)

    # active: the level of the pin that counts as 1.
    def __init__(self, pin, active=1, debounce_ms=50):
        self._pin = pin
        self._active = active
        self._debounce_ms = debounce_ms

    # As it is now, bouncing or not.
    def is_active(self):
        return self._pin.value() == self._active

    async def probe(self):
        pass

    # The state that has lasted for debounce_ms.
    async def read(self):
        state, lasted_ms = self.is_active(), 0
        for _ in range(_LIMIT_MS // _POLL_MS):
            await asyncio.sleep_ms(_POLL_MS)
            lasted_ms += _POLL_MS
            if self.is_active() != state:
                state, lasted_ms = not state, 0
            elif lasted_ms >= self._debounce_ms:
                return (int(state),)
        raise SensorError("sensor_range", "the contact does not come to rest")
