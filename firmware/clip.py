# A clip on flash as samples of 16 bits at 16 kHz, piece by piece.
# SPDX-License-Identifier: Apache-2.0
import os
from array import array

from protocols import g711, ima_adpcm, wav
from protocols.compat import const
from protocols.resample import Doubler

_HEAD = const(512)
_RATE_HZ = const(16000)
_SAMPLES = const(1024)  # of what is read at a time from a clip at 8 kHz


# Raises OSError if there is none, ValueError for what is no clip.
class Clip:
    silent = False

    def __init__(self, path):
        self._file = open(path, "rb")
        try:
            self.format = form = wav.parse(self._file.read(_HEAD), os.stat(path)[6])
            self._file.seek(form.data_offset)
        except ValueError:
            self._file.close()
            raise
        self._left = form.data_size
        self._doubler = Doubler()
        self._is_8_khz = form.rate_hz != _RATE_HZ
        self._table = {wav.ULAW: g711.ulaw_table, wav.ALAW: g711.alaw_table}.get(form.codec)
        self._table = self._table() if self._table else None
        if form.codec == wav.IMA_ADPCM:
            self._decoder = ima_adpcm.Decoder(form.block_align)
            self._block = bytearray(form.block_align)
            samples = self._decoder.samples
            self._decoded = array("h", bytes(2 * samples))
            self._ready = self._taken = 0
            self.fill = self._fill_adpcm
        elif self._table:
            self._codes = bytearray(_SAMPLES)
            self.fill = self._fill_g711
        elif self._is_8_khz:
            self._decoded = array("h", bytes(2 * _SAMPLES))
            self.fill = self._fill_pcm_8
        else:
            self.fill = self._fill_pcm

    def close(self):
        self._file.close()

    # fill(dst): dst has room for an even number of samples -> how many were written, 0 at the end

    def _read(self, buffer, size):
        # -> how many bytes of a memoryview of bytes were filled
        size = self._file.readinto(buffer[: min(size, self._left)]) or 0
        self._left -= size
        return size

    def _fill_pcm(self, dst):
        return self._read(memoryview(dst), len(dst)) // 2

    def _fill_pcm_8(self, dst):
        samples = min(len(dst) // 4, _SAMPLES, self._left // 2)
        if not samples:
            return 0
        source = memoryview(self._decoded)[:samples]
        size = self._file.readinto(source) or 0
        self._left -= size
        return self._doubler.double(source[: size // 2], dst)

    def _fill_g711(self, dst):
        room = len(dst) // (4 if self._is_8_khz else 2)
        codes = memoryview(self._codes)
        codes = codes[: self._read(codes, min(room, len(codes)))]
        if self._is_8_khz:
            return self._doubler.expand(self._table, codes, dst)
        return g711.expand(self._table, codes, dst)

    def _fill_adpcm(self, dst):
        if self._taken == self._ready:
            block = memoryview(self._block)
            size = self._read(block, len(block))
            if not size:
                return 0
            self._ready = self._decoder.block(block[:size], self._decoded)
            self._taken = 0
        take = min(self._ready - self._taken, len(dst) // (4 if self._is_8_khz else 2))
        source = memoryview(self._decoded)[self._taken : self._taken + take]
        self._taken += take
        if self._is_8_khz:
            return self._doubler.double(source, dst)
        memoryview(dst)[: 2 * take] = bytes(source)
        return take
