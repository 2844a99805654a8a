# Attention tones: pieces of 10 ms, copied one after the other.
# SPDX-License-Identifier: Apache-2.0
#
#   steady      1000 Hz
#   two-tone    700 and 900 Hz in turn, half a second each
#   sweep       400 to 1200 Hz in two seconds, over and over
#
# A piece holds whole cycles of any frequency that is a multiple of 100 Hz, so the next one goes on
# where it ends, and a change of frequency falls on a zero. The pieces of the sweep are made one
# by one and keep the phase. The first and the last 10 ms are faded.
from array import array
from math import pi, sin
from struct import pack_into

from .compat import const
from .gain import FULL, ramp

STEADY = const(0)
TWO_TONE = const(1)
SWEEP = const(2)

_FREQUENCIES_HZ = {STEADY: (1000,), TWO_TONE: (700, 900), SWEEP: ()}
_PIECES_EACH = const(50)  # of one frequency

_SWEEP_FROM_HZ = const(400)
_SWEEP_STEP_HZ = const(4)
_SWEEP_PIECES = const(200)
_FRACTION = const(7)  # bits of the phase below an entry of the sine


class Tone:
    silent = False

    def __init__(self, pattern, rate_hz, level, ms=None):
        # level: of the peak, 0..32767. ms: how long; else until stop()
        if pattern not in _FREQUENCIES_HZ:
            raise ValueError("no tone has the pattern %r" % pattern)
        if not 0 <= level <= 32767:
            raise ValueError("a level is 0..32767, not %d" % level)
        if rate_hz % 400:
            raise ValueError("10 ms at %d Hz are not so many times 4 samples" % rate_hz)
        self._size = size = rate_hz // 100  # samples of a piece
        # One cycle of 25 Hz: every n-th entry is one of n * 25 Hz.
        turn = 2 * pi / (4 * size)
        self._sine = array("h", [round(level * sin(turn * i)) for i in range(4 * size)])
        self._pieces = [self._cycles(hz) for hz in _FREQUENCIES_HZ[pattern]]
        self._piece = self._pieces[0] if self._pieces else memoryview(bytearray(2 * size))
        self._phase = 0
        self._count = 0  # pieces that were begun
        self._at = size  # in the piece
        self._done = 0  # samples
        self._end = None if ms is None else rate_hz * ms // 1000

    def stop(self):
        # Fade out from here.
        end = self._done + self._size
        if self._end is None or self._end > end:
            self._end = end

    def fill(self, dst):
        # dst: bytes, for little-endian samples of 16 bits. -> how many were written, 0 at the end
        out = memoryview(dst)
        n = len(out) // 2
        if self._end is not None:
            n = min(n, self._end - self._done)
        size = self._size
        done = 0
        while done < n:
            if self._at == size:
                self._next_piece()
            take = min(size - self._at, n - done)
            source = self._piece[2 * self._at : 2 * (self._at + take)]
            out[2 * done : 2 * (done + take)] = source
            self._at += take
            done += take
        self._fade(out, n)
        self._done += n
        return n

    def _fade(self, out, n):
        size = self._size
        step = FULL // size
        begun = self._done
        if begun < size:
            ramp(out, 0, min(n, size - begun), begun * step, step)
        if self._end is not None:
            left = self._end - begun
            if left - n < size:
                first = max(0, left - size)
                ramp(out, first, n - first, (left - first) * step, -step)

    def _next_piece(self):
        if self._pieces:
            self._piece = self._pieces[self._count // _PIECES_EACH % len(self._pieces)]
        else:
            hz = _SWEEP_FROM_HZ + _SWEEP_STEP_HZ * (self._count % _SWEEP_PIECES)
            self._render(hz)
        self._count += 1
        self._at = 0

    def _cycles(self, hz):
        size = self._size
        sine = self._sine
        piece = bytearray(2 * size)
        for i in range(size):
            pack_into("<h", piece, 2 * i, sine[hz // 25 * i % (4 * size)])
        return memoryview(piece)

    def _render(self, hz):
        sine = self._sine
        entries = len(sine)
        phase = self._phase
        step = (hz << _FRACTION) // 25
        pack = pack_into
        piece = self._piece
        for at in range(0, len(piece), 8):
            b = phase + step
            c = b + step
            d = c + step
            pack(
                "<4h",
                piece,
                at,
                sine[(phase >> _FRACTION) % entries],
                sine[(b >> _FRACTION) % entries],
                sine[(c >> _FRACTION) % entries],
                sine[(d >> _FRACTION) % entries],
            )
            phase = d + step
        self._phase = phase % (entries << _FRACTION)
