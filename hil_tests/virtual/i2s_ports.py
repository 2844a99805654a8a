"""The I2S outputs of a chip: DMA memory that empties at the sample rate into the DAC on the pins.

As the ESP32 port has it: memory in descriptors of 256 frames, all of them sent in a circle; one
that nobody has filled is silence. So what is written into idle DMA memory is heard one descriptor
later. Does not model the master clock (the port does not put it out), reception, or the error of
the sample rate, which the chip divides from its PLL.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Any

from .world import Event

if TYPE_CHECKING:
    from .hardware import Hardware

FIRST_BIT = 13  # of the inputs: 13 and 14
PORTS = 2
DESCRIPTOR_FRAMES = 256
STEREO = 1
ESP_ERR_INVALID_STATE = -0x103
MORE = 0x100  # in the argument of a queue: another piece of the buffer follows

_INIT = struct.Struct("<BBBBBII")  # sck, ws, sd, bits, format, rate, ibuf


class Output:
    """One port between its init and its deinit."""

    def __init__(self, hardware: Hardware, number: int, payload: bytes) -> None:
        sck, ws, sd, self.bits, self.format, self.rate_hz, ibuf = _INIT.unpack(payload)
        self.world = hardware.world
        self.buses = hardware.buses
        self.mask = 1 << FIRST_BIT + number
        self.sink: Any = self.buses.i2s_sink(sck, ws, sd)
        self.frame_bytes = self.bits // 8 * (2 if self.format == STEREO else 1)
        descriptors = max(2, ibuf // (DESCRIPTOR_FRAMES * self.frame_bytes))
        self.frames_room = descriptors * DESCRIPTOR_FRAMES
        self.begin_us = self.frames = 0  # of what has been written without a pause
        self.queued = bytearray()  # a buffer that is taken piece by piece, for a callback
        self._next: Event | None = None
        if self.sink is not None:
            self.sink.clock(True)
        self._tell_room()

    @property
    def end_us(self) -> int:
        """When the last frame will have left."""
        return self.begin_us + self.duration_us(self.frames)

    def duration_us(self, frames: int) -> int:
        """How long so many frames take."""
        return frames * 1_000_000 // self.rate_hz

    def room(self) -> int:
        """Frames that fit now."""
        left_us = max(0, self.end_us - self.world.now_us)
        return self.frames_room + (-left_us * self.rate_hz) // 1_000_000

    def write(self, data: bytes) -> int:
        """Takes what fits; returns its bytes."""
        taken = self._put(data)
        self._tell_room()
        return taken

    def _put(self, data: bytes) -> int:
        if self.end_us <= self.world.now_us:
            self.begin_us = self.world.now_us + self.duration_us(DESCRIPTOR_FRAMES)
            self.frames = 0
        frames = min(len(data) // self.frame_bytes, max(0, self.room()))
        if frames:
            if self.sink is not None:
                samples = self.mono(data[: frames * self.frame_bytes])
                self.sink.play(self.end_us, self.rate_hz, samples)
            self.frames += frames
        return frames * self.frame_bytes

    def mono(self, data: bytes) -> array[int]:
        """The samples as one channel of 16 bits."""
        samples = array("h", data)
        if self.bits == 32:  # the upper halves
            samples = samples[1::2]
        if self.format == STEREO:
            both = zip(samples[::2], samples[1::2], strict=True)
            samples = array("h", [(left + right) // 2 for left, right in both])
        return samples

    def _tell_room(self) -> None:
        """Goes on when a descriptor is free, which may be now."""
        if self._next is not None:
            self._next.cancel()
        missing = DESCRIPTOR_FRAMES - self.room()
        if missing <= 0:
            self._has_room()
        else:
            self.buses.set_input(self.mask, False)
            self._next = self.world.call_after(self.duration_us(missing) + 1, self._has_room)

    def _has_room(self) -> None:
        if self.queued:
            del self.queued[: self._put(bytes(self.queued))]
        if self.queued:
            self._tell_room()
        else:
            self.buses.set_input(self.mask, True)

    def queue(self, data: bytes, more: bool) -> None:
        """Takes a whole buffer; its mask is set when the last byte is in DMA memory."""
        self.queued += data
        self.buses.set_input(self.mask, False)
        if not more:
            self._tell_room()

    def stop(self) -> None:
        """No clock any more; what has not left yet never does."""
        if self._next is not None:
            self._next.cancel()
        self.buses.set_input(self.mask, False)
        if self.sink is not None:
            self.sink.cut(self.world.now_us)
            self.sink.clock(False)


class I2sPorts:
    """What the class I2S of the board's modules asks for; see op_..."""

    def __init__(self, hardware: Hardware) -> None:
        self.hardware = hardware
        self.outputs: dict[int, Output] = {}

    def reset(self) -> None:
        """Stops all of them, as a reset does."""
        for number in [*self.outputs]:
            self.op_i2s_deinit(number, b"")

    def op_i2s_init(self, number: int, payload: bytes) -> None:
        self.op_i2s_deinit(number, b"")
        self.outputs[number] = Output(self.hardware, number, payload)

    def op_i2s_deinit(self, number: int, _payload: bytes) -> None:
        output = self.outputs.pop(number, None)
        if output is not None:
            output.stop()

    def op_i2s_write(self, number: int, payload: bytes) -> int:
        """Takes what fits, at once."""
        if number not in self.outputs:
            raise OSError(ESP_ERR_INVALID_STATE, "it was closed")
        return self.outputs[number].write(payload)

    def op_i2s_queue(self, number_more: int, payload: bytes) -> None:
        """Takes a piece of a buffer, for a callback when it is empty."""
        output = self.outputs.get(number_more & 0xFF)
        if output is not None:
            output.queue(payload, bool(number_more & MORE))

    def op_i2s_seen(self, number: int, _payload: bytes) -> None:
        """The callback has been called."""
        output = self.outputs.get(number)
        if output is not None:
            self.hardware.buses.set_input(output.mask, False)
