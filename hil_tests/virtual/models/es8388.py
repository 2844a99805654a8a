"""Everest ES8388, an audio codec, as far as a DAC needs it: its registers and when it sounds.

User guide ES8388. Not modelled: recording, the analogue bypass, volumes (they are kept), clocks.
"""

from __future__ import annotations

from ..scene import Scene
from ..world import World
from .i2c import I2CDevice, filled
from .i2s_sink import Gate, I2sSink

# register: value after a reset, where it is not 0
RESET = {0x00: 0x06, 0x01: 0x5C, 0x02: 0xC3, 0x03: 0xFC, 0x04: 0xC0, 0x08: 0x80, 0x19: 0x32}
RESET |= {0x1A: 0xC0, 0x1B: 0xC0, 0x27: 0x38, 0x2A: 0x38}
# register, mask, what is needed there so that I2S of 16 bits is heard at both outputs
NEEDED = (
    *((0x02, 0xFF, 0x00), (0x01, 0x08, 0x00), (0x08, 0x80, 0x00), (0x04, 0xFC, 0x3C)),
    *((0x17, 0x3E, 0x18), (0x18, 0x1F, 0x02), (0x19, 0x04, 0x00)),
    *((0x27, 0x80, 0x80), (0x2A, 0x80, 0x80), (0x2B, 0xC0, 0x80)),
)


class ES8388(I2CDevice):
    """`gate` is when the DAC came through; faults are those of every I2C model."""

    DEAF_WHILE_BUSY = False

    def __init__(self, world: World, scene: Scene, address: int, sink: I2sSink) -> None:
        super().__init__(world, scene, address)
        self.registers = dict(RESET)
        self.pointer = 0
        self.gate = sink.codec = Gate(world)

    def command(self, data: bytes) -> None:
        self.pointer = data[0]
        for value in data[1:]:
            self.registers[self.pointer] = value
            self.pointer += 1
        self.gate.set(all(self.registers.get(r, 0) & mask == v for r, mask, v in NEEDED))

    def answer(self, n: int) -> bytes:
        return filled(bytes([self.registers.get(self.pointer, 0)]), n)
