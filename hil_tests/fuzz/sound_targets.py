# What a pole reads of sound: clips, codecs, streams. On both interpreters, see targets.py.
# SPDX-License-Identifier: Apache-2.0
import io

from hil_tests.fuzz.mutate import getrandbits
from hil_tests.fuzz.targets import refusing
from protocols.tests.test_wav import chunk, file, fmt

_BLOCK = 64  # bytes of ADPCM
_CANARY = b"\xa5\x5a"


def wav_files():
    # Every codec at both rates, with 200 bytes of samples.
    from struct import pack

    extra = pack("<HH", 2, 2 * (_BLOCK - 4) + 1)
    samples = chunk(b"data", bytes(range(0, 96, 8)) + bytes(_BLOCK * 3 - 12))
    heads = []
    for rate_hz in (8000, 16000):
        heads += [fmt(1, 1, rate_hz, 2, 16), fmt(6, 1, rate_hz, 1, 8), fmt(7, 1, rate_hz, 1, 8)]
        heads.append(fmt(17, 1, rate_hz, _BLOCK, 4, extra))
    return [file(head, chunk(b"LIST", bytes(3)), samples) for head in heads]


def wavs():
    from protocols import wav

    def parse(data):
        form = wav.parse(data, len(data))
        if not 0 < form.data_size <= len(data) - form.data_offset or form.channels != 1:
            raise AssertionError("samples that are not in the file")
        if form.block_align > wav.BLOCK_MAX or form.rate_hz not in wav.RATES_HZ:
            raise AssertionError("a clip that no pole plays")

    return wav_files(), refusing(wav.WavError, parse)


def clips():
    # The reader itself, to the end, of a file in memory.
    from firmware import clip

    at_hand = [b""]

    class Files:
        @staticmethod
        def stat(path):
            return (0,) * 6 + (len(at_hand[0]),)

    clip.open = lambda path, mode: io.BytesIO(at_hand[0])
    clip.os = Files
    dst = bytearray(256)

    def parse(data):
        at_hand[0] = data
        one = clip.Clip("")
        left = 4 * len(data) + 4  # samples: of ADPCM two a byte, and twice as many at 8 kHz
        n = one.fill(dst)
        while n:
            left -= n
            if not 0 < n <= len(dst) // 2 or left < 0:
                raise AssertionError("more samples than there can be")
            n = one.fill(dst)
        one.close()

    return wav_files(), refusing(ValueError, parse)


def adpcm_blocks():
    from protocols import ima_adpcm

    decoder = ima_adpcm.Decoder(_BLOCK)
    room = 2 * decoder.samples
    dst = bytearray(room + len(_CANARY))
    dst[room:] = _CANARY

    def parse(data):
        n = decoder.block(data, dst)
        if n != 2 * (len(data) - 4) + 1 or dst[room:] != _CANARY:
            raise AssertionError("not the samples of its block")

    seeds = [bytes((n & 255, n >> 8, n % 89, 0)) + bytes((n,)) * 60 for n in range(0, 255, 17)]
    return seeds + [b"\xff\x7f\x58\0" + b"\x77" * 60], refusing(ima_adpcm.AdpcmError, parse)


def g711_codes():
    from protocols import g711
    from protocols.resample import Doubler

    tables = g711.ulaw_table(), g711.alaw_table()
    dst = bytearray(4 * 4000 + len(_CANARY))

    def work(data):
        table = tables[getrandbits(1)]
        doubles = getrandbits(1)
        size = (4 if doubles else 2) * len(data)
        dst[size : size + 2] = _CANARY
        if doubles:
            n = Doubler().expand(table, data, dst)
        else:
            n = g711.expand(table, data, dst)
        if 2 * n != size or dst[size : size + 2] != _CANARY:
            raise AssertionError("not the samples of its codes")
        return bool(data)

    return [bytes(range(256)), bytes(160)], work


def rtp_packets():
    from protocols import rtp
    from protocols.tests.stream import datagram

    def parse(data):
        packet = rtp.parse(data)
        if len(packet.payload) > len(data) - 12 or not 0 <= packet.payload_type < 128:
            raise AssertionError("more than there is")

    seeds = [datagram(n, size=16) for n in range(3)]
    head = seeds[0][1:12]
    seeds.append(b"\xb2" + head + bytes(8) + b"\xbe\xde\0\1" + bytes(8) + b"\0\0\0\4")
    return seeds, refusing(rtp.RtpError, parse)


def rtcp_packets():
    # A BYE that it finds is there, byte for byte.
    from protocols import rtcp
    from protocols.tests import test_rtcp as made

    ssrc = 0x86DCE42D
    wanted = ssrc.to_bytes(4, "big")

    def parse(data):
        if rtcp.says_bye(data, ssrc) and (wanted not in data or b"\xcb" not in data):
            raise AssertionError("a goodbye that nobody said")

    seeds = [made.FFMPEG, made.bye(ssrc), made.RECEIVER + made.bye(5, ssrc, rest=b"\3end")]
    seeds.append(made.RECEIVER + made.bye(ssrc, rest=b"\0\0\0\4", first=0xA0))
    return seeds, refusing(rtcp.RtcpError, parse)


def jitters():
    # A stream of damaged packets, and a frame asked for now and then.
    from protocols import rtp
    from protocols.jitter import JitterBuffer
    from protocols.tests.stream import datagram

    buffer = JitterBuffer(60, 20, 8000, rtp.PCMA)
    dst = bytearray(2 * buffer.samples + len(_CANARY))
    dst[-2:] = _CANARY
    now_ms = [0]
    puts = [0]

    def parse(data):
        now_ms[0] += getrandbits(5)
        packet = rtp.parse(data)
        puts[0] += 1
        heard = buffer.put(packet, now_ms[0])
        for _ in range(getrandbits(2)):
            if not 0 <= buffer.get(dst) <= 3 or dst[-2:] != _CANARY:
                raise AssertionError("no frame")
        if buffer.received + buffer.duplicate + buffer.refused != puts[0]:
            raise AssertionError("a packet that was not counted")
        if not 0 <= buffer.buffered_ms() <= 640 or heard and buffer.late > buffer.received:
            raise AssertionError("more than its ring holds")

    seeds = [datagram(n, size=160, timestamp=(1 << 28) - 800) for n in range(24)]
    seeds.append(datagram(3, ssrc=9, size=160))
    return seeds, refusing(rtp.RtpError, parse)


SOUND_TARGETS = {
    "wav": wavs,
    "clip": clips,
    "adpcm": adpcm_blocks,
    "g711": g711_codes,
    "rtp": rtp_packets,
    "rtcp": rtcp_packets,
    "jitter": jitters,
}
