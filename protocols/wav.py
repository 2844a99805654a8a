# The head of a WAV file: how its samples are coded and where they lie.
# SPDX-License-Identifier: Apache-2.0
#
#   "RIFF"    u32 size   "WAVE"
#   then chunks: 4 letters, u32 size, that many bytes, and one more if they are odd in number
#   "fmt "    u16 codec, u16 channels, u32 rate, u32 bytes a second, u16 bytes a block,
#             u16 bits a sample, and of IMA ADPCM u16 2, u16 samples a block
#   "data"    the samples
#
# A clip is mono, at 8 or 16 kHz, and both chunks begin in its head. What else is in there is
# passed over. Sizes are only ever compared: a claim costs no memory.
from collections import namedtuple
from struct import unpack_from

from .compat import const

PCM = const(1)  # 16 bit
ALAW = const(6)
ULAW = const(7)
IMA_ADPCM = const(17)

RATES_HZ = (8000, 16000)
BLOCK_MAX = const(2048)  # bytes of an ADPCM block: the player has room for one

_FMT_SIZE = const(16)
_BITS = {PCM: 16, ALAW: 8, ULAW: 8, IMA_ADPCM: 4}
_BLOCK_HEAD = const(4)  # bytes of an ADPCM block before its codes

Format = namedtuple(
    "Format",
    ("codec", "rate_hz", "channels", "bits", "block_align", "data_offset", "data_size"),
)


class WavError(ValueError):
    # reason: riff, head, fmt, codec, channels, rate, bits, align or data
    def __init__(self, reason):
        super().__init__("WAV file refused: " + reason)
        self.reason = reason


def parse(head, file_size=None):
    # head: as many of the first bytes as may hold what comes before the samples, 512 or so.
    # With file_size, all of the samples have to be in the file.
    if len(head) < 12 or bytes(head[:4]) != b"RIFF" or bytes(head[8:12]) != b"WAVE":
        raise WavError("riff")
    fields = None
    at = 12
    while at + 8 <= len(head):
        name = bytes(head[at : at + 4])
        size = unpack_from("<I", head, at + 4)[0]
        at += 8
        if name == b"fmt ":
            if fields is not None or size < _FMT_SIZE or at + size > len(head):
                raise WavError("fmt")
            fields = unpack_from("<HHIIHH", head, at)
            _check(fields, head, at + _FMT_SIZE, size - _FMT_SIZE)
        elif name == b"data":
            if fields is None:
                raise WavError("fmt")
            return _format(fields, at, size, file_size)
        at += size + (size & 1)
    raise WavError("head")


def _check(fields, head, at, size):
    codec, channels, rate_hz, _, block_align, bits = fields
    if codec not in _BITS:
        raise WavError("codec")
    if channels != 1:
        raise WavError("channels")
    if rate_hz not in RATES_HZ:
        raise WavError("rate")
    if bits != _BITS[codec]:
        raise WavError("bits")
    if codec != IMA_ADPCM:
        if block_align != bits // 8:
            raise WavError("align")
        return
    if not _BLOCK_HEAD < block_align <= BLOCK_MAX or block_align & 3:
        raise WavError("align")
    samples = 2 * (block_align - _BLOCK_HEAD) + 1
    if size < 4 or unpack_from("<HH", head, at) != (2, samples):
        raise WavError("align")


def _format(fields, at, size, file_size):
    codec, channels, rate_hz, _, block_align, bits = fields
    if not size or (file_size is not None and at + size > file_size):
        raise WavError("data")
    # The last block of ADPCM may be a short one, but it has a head and whole words of codes.
    rest = size % block_align
    if rest and (codec != IMA_ADPCM or rest & 3):
        raise WavError("data")
    return Format(codec, rate_hz, channels, bits, block_align, at, size)
