# An amplifier with a mute input and a relay in its supply: switched so that nothing clicks.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from .errors import DriverError

# Hypothesis: class-D amplifiers ramp down within this time after MUTE.
_MUTE_MS = const(20)


class Amplifier:
    CHANNELS = (("on", "1", 1),)

    # output: an I2SOutput, whose clocks an amplifier wants before it is unmuted. mute, relay:
    # outputs, 1 = muted, supplied. fault: an input, 1 = it failed. codec: see es8388.py.
    # settle_ms: from the relay on until the supply stands and the input has settled.
    def __init__(self, output, mute, relay, settle_ms=100, fault=None, codec=None):
        self._output = output
        self._mute = mute
        self._relay = relay
        self.settle_ms = settle_ms
        self._fault = fault
        self._codec = codec
        self.is_on = False
        output.stop()

    async def on(self):
        if self.is_on:
            return
        self._mute.value(1)
        self._relay.value(1)
        self._output.start()
        if self._codec:
            await self._codec.start()
        await asyncio.sleep_ms(self.settle_ms)
        self.check()
        self._mute.value(0)
        self.is_on = True

    # Silent at once; whoever wants the last samples to be heard awaits output.drain() before.
    async def off(self):
        self.is_on = False
        self._mute.value(1)
        try:
            await asyncio.sleep_ms(_MUTE_MS)
            if self._codec:
                self._codec.stop()
        finally:
            self._output.stop()
            self._relay.value(0)

    def check(self):
        if self._fault and self._fault.value():
            raise DriverError("amp_fault", "it reports a short, heat or no supply")

    async def probe(self):
        self.check()

    async def read(self):
        return (int(self.is_on),)
