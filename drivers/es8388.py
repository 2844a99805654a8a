# ES8388, an audio codec, as a DAC (Everest Semiconductor, datasheet and user guide ES8388).
# SPDX-License-Identifier: Apache-2.0
#
# It needs a master clock of 256 times the sample rate, in step with the bit clock. MicroPython's
# builds for ESP32 do not put one out (`mck` is left out of them): a board with this codec needs a
# build that does, or GPIO 0 as CLK_OUT1.
from protocols.compat import const

from .errors import SensorError
from .i2c import I2CDevice

_DAC_MUTE = const(0x19)
_DAC_FORMAT = const(0x17)
_DAC_POWER = const(0x04)
_MUTED = const(0x04)
_I2S_16_BITS = const(0x18)

# Register and value, in the order of the user guide's example.
_SETUP = const(
    b"\x19\x04"  # DAC muted while all this is set
    b"\x01\x50\x02\x00"  # bias, digital blocks and state machines on
    b"\x08\x00"  # clocks are given to it
    b"\x04\xc0"  # DAC and outputs off
    b"\x00\x12"  # play mode, VMID at 50 kOhm
    b"\x17\x18"  # I2S, 16 bits
    b"\x18\x02"  # master clock / sample rate = 256
    b"\x1a\x00\x1b\x00"  # digital volume 0 dB
    b"\x26\x00\x27\x90\x2a\x90"  # each DAC to its mixer at 0 dB, nothing else
    b"\x2b\x80\x2d\x00"  # one word clock for both directions; 1.5 kOhm at the outputs
    b"\x2e\x1e\x2f\x1e\x30\x1e\x31\x1e"  # both pairs of outputs 0 dB
    b"\x04\x3c"  # DAC and outputs on
    b"\x19\x00"  # unmuted
)
_STOP = const(b"\x19\x04\x04\xc0")


class ES8388(I2CDevice):
    CHANNELS = ()

    def __init__(self, bus, address=0x10):
        super().__init__(bus, address)
        self._pair = bytearray(2)
        self._byte = bytearray(1)

    # With the clocks running.
    async def start(self):
        self._write_all(_SETUP)

    def stop(self):
        self._write_all(_STOP)

    def _write_all(self, pairs):
        for at in range(0, len(pairs), 2):
            self._pair[:] = pairs[at : at + 2]
            self._write(self._pair)

    # There is no identity register: what it is set to must come back.
    async def probe(self):
        self._write_all(bytes((_DAC_FORMAT, _I2S_16_BITS)))
        self._write(bytes((_DAC_FORMAT,)))
        self._readinto(self._byte)
        if self._byte[0] != _I2S_16_BITS:
            raise SensorError("sensor_identity", "register 17 is %02x" % self._byte[0])

    async def read(self):
        return ()
