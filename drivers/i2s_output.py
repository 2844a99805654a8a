# Samples to a DAC through machine.I2S: no gap, and no other task is held up.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

# ESP32 port: DMA memory goes out in a circle of descriptors of 256 frames; what comes into idle
# memory may have to wait for two of them.
_DESCRIPTOR_FRAMES = const(256)
_FRAME = const(2)  # bytes: 16 bits, mono


class I2SOutput:
    CHANNELS = ()  # nothing to measure

    # settings: what the I2S was made with, so that it can be opened again.
    def __init__(self, i2s, settings):
        self._i2s = i2s
        self._settings = settings
        self._stream = asyncio.StreamWriter(i2s)
        self._is_open = True
        self.rate_hz = settings["rate"]
        # How much later than its write a sample may leave.
        frames = settings["ibuf"] // _FRAME + 2 * _DESCRIPTOR_FRAMES
        self.delay_ms = frames * 1000 // self.rate_hz

    # The clocks run, and give silence where nothing is written.
    def start(self):
        if not self._is_open:
            self._i2s.init(**self._settings)
            self._is_open = True

    # What has not left yet never does.
    def stop(self):
        if self._is_open:
            self._i2s.deinit()
            self._is_open = False

    # 16 bits little-endian, mono. Returns when the last sample is in DMA memory: there is time to
    # make the next ones until that is empty, and `samples` may be changed.
    async def write(self, samples):
        self.start()
        self._stream.out_buf = samples  # type: ignore[attr-defined]
        await self._stream.drain()

    # Until the last sample has left.
    async def drain(self):
        await asyncio.sleep_ms(self.delay_ms)

    async def probe(self):
        pass

    async def read(self):
        return ()
