# RTP packets: what is read, and lengths beyond the packet.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify
from struct import pack

from protocols import rtp
from protocols.rtp import RtpError
from protocols.tests.support import raises


def packet(first=0x80, rest=b"", kind=0, sequence=1, timestamp=160, ssrc=7):
    return pack(">BBHII", first, kind, sequence, timestamp, ssrc) + rest


def reason(data):
    return raises(RtpError, rtp.parse, data).reason


def test_of_ffmpeg():
    # The first packet of `ffmpeg -f lavfi -i sine ... -c:a pcm_mulaw -f rtp`, cut short.
    data = unhexlify("80801c8e6f9f4a82b1eecf2bfffebcb4")
    kind, marker, sequence, timestamp, ssrc, payload = rtp.parse(data)
    assert (kind, marker) == (rtp.PCMU, 1)
    assert (sequence, timestamp, ssrc) == (0x1C8E, 0x6F9F4A82, 0xB1EECF2B)
    assert bytes(payload) == b"\xff\xfe\xbc\xb4"


def test_numbers_at_their_limits():
    data = packet(0x80, b"x", 0xFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    assert rtp.parse(data)[:5] == (127, 1, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    assert rtp.parse(packet(0x80, b"", 0, 0, 0, 0))[:5] == (0, 0, 0, 0, 0)


def test_the_payload_is_no_copy():
    data = bytearray(packet(rest=b"abcd"))
    payload = rtp.parse(data).payload
    data[12] = 0x7A
    assert bytes(payload) == b"zbcd"
    assert bytes(rtp.parse(memoryview(data)[:14]).payload) == b"zb"


def test_what_lies_before_and_after_the_payload():
    csrc = bytes(8)
    extension = b"\xbe\xde\0\2" + bytes(8)
    padding = b"\0\0\3"
    for first, rest in (
        (0x80, b"payload"),
        (0x82, csrc + b"payload"),
        (0x90, extension + b"payload"),
        (0xA0, b"payload" + padding),
        (0xB2, csrc + extension + b"payload" + padding),
    ):
        assert bytes(rtp.parse(packet(first, rest)).payload) == b"payload", first
    assert bytes(rtp.parse(packet(0xB2, csrc + extension + padding)).payload) == b""
    assert bytes(rtp.parse(packet(0x90, b"\0\0\0\0x")).payload) == b"x"
    assert bytes(rtp.parse(packet(0x90, b"\0\0\0\0")).payload) == b""
    assert bytes(rtp.parse(packet(0xA0, b"x\1")).payload) == b"x"


def test_refused():
    whole = packet()
    for size in range(12):
        assert reason(whole[:size]) == "short"
    for first in (0x00, 0x40, 0xC0, 0x3F):
        assert reason(packet(first, bytes(100))) == "version"
    assert reason(packet(0x81, bytes(3))) == "csrc"
    assert reason(packet(0x8F, bytes(59))) == "csrc"
    assert len(rtp.parse(packet(0x8F, bytes(60))).payload) == 0
    for rest in (b"", b"\0\0\0", b"\0\0\0\1", b"\0\0\0\1\0\0\0", b"\0\0\xff\xff" + bytes(1400)):
        assert reason(packet(0x90, rest)) == "extension"
    for rest in (b"", b"\0", b"\2", b"ab\4", bytes(20) + b"\xff"):
        assert reason(packet(0xA0, rest)) == "padding"
    assert reason(packet(0xB0, b"\0\0\0\1" + b"\1\1\1\1")) == "padding"  # it is the extension's
