# The head of a WAV file: what is read, and what is refused.
# SPDX-License-Identifier: Apache-2.0
from struct import pack

from protocols import wav
from protocols.tests.support import raises
from protocols.wav import ALAW, IMA_ADPCM, PCM, ULAW, WavError


def chunk(name, body):
    return name + pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def fmt(codec=PCM, channels=1, rate_hz=16000, align=2, bits=16, rest=b""):
    return chunk(b"fmt ", pack("<HHIIHH", codec, channels, rate_hz, 0, align, bits) + rest)


def file(*chunks):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + pack("<I", len(body)) + body


DATA = chunk(b"data", bytes(8))


def reason(head, size=None):
    return raises(WavError, wav.parse, head, size).reason


def test_every_codec():
    assert wav.parse(file(fmt(), DATA)) == (PCM, 16000, 1, 16, 2, 44, 8)
    extra = pack("<H", 0)
    data = file(fmt(ULAW, 1, 8000, 1, 8, extra), chunk(b"fact", bytes(4)), DATA)
    assert wav.parse(data) == (ULAW, 8000, 1, 8, 1, 58, 8)
    assert wav.parse(file(fmt(ALAW, 1, 8000, 1, 8), DATA)).codec == ALAW
    extra = pack("<HH", 2, 505)
    data = file(fmt(IMA_ADPCM, 1, 16000, 256, 4, extra), chunk(b"data", bytes(256 + 12)))
    assert wav.parse(data, len(data)) == (IMA_ADPCM, 16000, 1, 4, 256, 48, 268)


def test_any_buffer_and_only_the_head():
    data = file(fmt(), chunk(b"data", bytes(1000)))
    for head in (bytearray(data), memoryview(data), data[:44]):
        assert wav.parse(head, len(data)).data_size == 1000


def test_odd_chunks_are_passed_over():
    data = file(chunk(b"LIST", b"odd"), fmt(), b"xyz " + bytes(4), DATA)
    assert wav.parse(data).data_offset == len(data) - 8


def test_refused():
    for head in (b"", b"RIFF", file()[:11], b"RIFX" + file(fmt(), DATA)[4:], bytes(64)):
        assert reason(head) == "riff"
    assert reason(file()) == "head"
    assert reason(file(fmt())) == "head"
    assert reason(file(fmt(), DATA)[:40]) == "head"
    assert reason(file(DATA)) == "fmt"
    assert reason(file(DATA, fmt())) == "fmt"
    assert reason(file(fmt(), fmt(), DATA)) == "fmt"
    assert reason(file(chunk(b"fmt ", bytes(14)), DATA)) == "fmt"
    assert reason(file(fmt())[:30]) == "fmt"
    for codec in (0, 2, 3, 0x55, 0xFFFE):
        assert reason(file(fmt(codec), DATA)) == "codec"
    for channels in (0, 2, 0xFFFF):
        assert reason(file(fmt(channels=channels), DATA)) == "channels"
    for rate_hz in (0, 11025, 44100, 0xFFFFFFFF):
        assert reason(file(fmt(rate_hz=rate_hz), DATA)) == "rate"
    for bits in (0, 8, 24, 32):
        assert reason(file(fmt(bits=bits), DATA)) == "bits"
    for align in (0, 1, 4, 0xFFFF):
        assert reason(file(fmt(align=align), DATA)) == "align"
    assert reason(file(fmt(ULAW, 1, 8000, 0, 8), DATA)) == "align"


def test_adpcm_refused():
    def adpcm(align, rest):
        return file(fmt(IMA_ADPCM, 1, 16000, align, 4, rest), DATA)

    for align in (8, 12, 2048):
        assert wav.parse(adpcm(align, pack("<HH", 2, 2 * align - 7))).block_align == align
    for align in (0, 1, 3, 4, 6, 10, 2052, 0xFFFC):
        samples = max(2 * (align - 4) + 1, 0) & 0xFFFF
        assert reason(adpcm(align, pack("<HH", 2, samples))) == "align", align
    for rest in (b"", b"\2\0", pack("<HH", 2, 10), pack("<HH", 0, 9)):
        assert reason(adpcm(8, rest)) == "align", rest
    # What the next chunk is called belongs to the next chunk.
    assert reason(adpcm(8, b"")[:-16] + chunk(b"\2\0\x09\0", b"") + DATA) == "align"


def test_what_the_data_chunk_claims():
    assert reason(file(fmt(), chunk(b"data", b""))) == "data"
    assert reason(file(fmt(), chunk(b"data", b"odd"))) == "data"
    data = file(fmt(), DATA)
    assert wav.parse(data, len(data)).data_size == 8
    assert reason(data, len(data) - 1) == "data"
    endless = data[:40] + b"\xff\xff\xff\xff" + data[44:]
    assert reason(endless, len(data)) == "data"
    adpcm = fmt(IMA_ADPCM, 1, 8000, 16, 4, pack("<HH", 2, 25))
    assert reason(file(adpcm, chunk(b"data", bytes(16 + 6)))) == "data"


def test_a_huge_chunk_costs_nothing():
    for size in (0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 500):
        assert reason(file(fmt(), b"LIST" + pack("<I", size)) + DATA) == "head"
        assert reason(file(b"fmt " + pack("<I", size)) + bytes(100)) == "fmt"
