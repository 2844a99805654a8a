# machine.I2S of an ESP32 as an output; the bench has its DMA memory (../i2s_ports.py). Loaded by
# machine when a program asks for it.
# SPDX-License-Identifier: Apache-2.0
import struct
from array import array

import _link
from micropython import const

_OP_I2S_INIT = const(43)
_OP_I2S_WRITE = const(44)
_OP_I2S_QUEUE = const(45)
_OP_I2S_SEEN = const(46)
_OP_I2S_DEINIT = const(47)

_FOREVER = const(-1)
_FIRST_BIT = const(13)  # of the inputs
_MORE = const(0x100)
_PIECE = const(960)  # whole frames, and what a request has room for


class I2S:
    RX, TX = 1, 2
    MONO, STEREO = 0, 1

    def __init__(self, id, **options):
        if id not in (0, 1):
            raise ValueError("invalid id")
        self._id = id
        self._mask = 1 << _FIRST_BIT + id
        self.init(**options)

    def init(self, *, sck, ws, sd, mode, bits, format, rate, ibuf):
        if mode != self.TX:
            raise ValueError("invalid mode" if mode != self.RX else "the virtual board is deaf")
        if bits not in (16, 32):
            raise ValueError("invalid bits")
        if format not in (self.MONO, self.STEREO):
            raise ValueError("invalid format")
        if rate <= 0 or ibuf <= 0:
            raise ValueError("invalid rate" if rate <= 0 else "invalid ibuf")
        self._handler = None
        self._is_stream = False
        pins = [pin if isinstance(pin, int) else pin.id for pin in (sck, ws, sd)]
        settings = struct.pack("<BBBBBII", *pins, bits, format, rate, ibuf)
        _link.call(_OP_I2S_INIT, self._id, settings)

    def deinit(self):
        self._waits(None)
        _link.call(_OP_I2S_DEINIT, self._id)

    # Whoever asks for it is going to poll, as asyncio does: writing never blocks from now on.
    @property
    def wait_mask(self):
        self._is_stream = True
        return self._mask

    def buffered(self):
        return False

    def irq(self, handler):
        self._handler = handler
        self._is_stream = False

    def write(self, buf):
        view = memoryview(buf)
        if self._handler:
            return self._queue(view)
        at = 0
        while at < len(view):
            piece = view[at : at + _PIECE]
            taken = _link.call(_OP_I2S_WRITE, self._id, piece)
            at += taken
            if taken < len(piece):
                if self._is_stream:
                    break
                _link.wait(_FOREVER, self._mask)
        return at

    # The bench has a copy; on a chip the buffer must stay as it is until the callback.
    def _queue(self, view):
        self._waits(self._call)
        for at in range(0, len(view), _PIECE):
            more = _MORE if at + _PIECE < len(view) else 0
            _link.call(_OP_I2S_QUEUE, self._id | more, view[at : at + _PIECE])
        return len(view)

    # For its buffer to be empty. Only who has a callback needs the module.
    def _waits(self, call):
        if self._handler:
            import _callbacks

            _callbacks.waiting.pop(self._mask, None)
            if call:
                _callbacks.waiting[self._mask] = call

    def _call(self):
        self._waits(None)
        _link.post(_OP_I2S_SEEN, self._id)
        self._handler(self)

    @staticmethod
    def shift(*, buf, bits, shift):
        top = 1 << bits - 1
        samples = array("h" if bits == 16 else "i", bytes(buf))
        for i, sample in enumerate(samples):
            if shift < 0:
                samples[i] = sample >> -shift
            else:  # what leaves at the top is lost
                samples[i] = ((sample << shift) + top & 2 * top - 1) - top
        buf[:] = bytes(samples)
