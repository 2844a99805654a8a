# The BYE of an RTP source: alone, in a compound packet, of others, and damaged.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify
from struct import pack

from protocols.rtcp import RtcpError, says_bye
from protocols.tests.support import raises

# The last datagram of `ffmpeg -f lavfi -i sine ... -f rtp -rtpflags send_bye`: SR and BYE.
FFMPEG = unhexlify("80c8000686dce42deeb2becd95c28f5c7dccb3340000005800001f4081cb000186dce42d")
SSRC = 0x86DCE42D
RECEIVER = pack(">BBHI", 0x80, 201, 1, 9)  # an empty receiver report


def bye(*ssrcs, rest=b"", first=0x80):
    words = len(ssrcs) + len(rest) // 4
    return pack(">BBH%dI" % len(ssrcs), first | len(ssrcs), 203, words, *ssrcs) + rest


def reason(data):
    return raises(RtcpError, says_bye, data, 7).reason


def test_of_ffmpeg():
    assert says_bye(FFMPEG, SSRC)
    assert not says_bye(FFMPEG, SSRC + 1)
    assert not says_bye(FFMPEG[:28], SSRC)  # its sender report alone


def test_alone_and_among_others():
    for ssrc in (0, 7, 0xFFFFFFFF):
        assert says_bye(bye(ssrc), ssrc)
        assert says_bye(RECEIVER + bye(5, ssrc), ssrc)
        assert says_bye(RECEIVER + bye(ssrc) + bye(5), ssrc)
        assert not says_bye(RECEIVER + bye(5, 6), ssrc)
    assert not says_bye(bye(), 7)  # "a count value of zero is valid, but useless" (6.6)
    many = list(range(100, 131))
    assert says_bye(bye(*many), 130) and not says_bye(bye(*many), 131)


def test_what_looks_like_it_and_is_none():
    assert not says_bye(pack(">BBHI", 0x81, 204, 1, 7), 7)  # of an application
    assert not says_bye(bye(5, rest=pack(">I", 7)), 7)  # in the text of a reason
    assert not says_bye(bye(5, rest=pack(">II", 7, 8), first=0xA0), 7)  # in the padding
    assert not says_bye(bye(0x0700, 0x0007 << 16), 7)  # between two


def test_with_a_reason_and_padding():
    assert says_bye(bye(7, rest=b"\x0bend of talk"), 7)
    assert says_bye(bye(7, rest=b"\0\0\0\4", first=0xA0), 7)
    assert says_bye(RECEIVER + bye(7, rest=b"\2hi\0\0\0\0\4", first=0xA0), 7)


def test_refused():
    for size in range(1, 4):
        assert reason(FFMPEG[:size]) == reason(FFMPEG[: 28 + size]) == "short"
    assert reason(b"") == "short"
    for first in (0x01, 0x41, 0xC1):
        assert reason(bytes((first,)) + bye(7)[1:]) == "version"
    for kind in (0, 191, 224, 255):
        assert reason(bytes((0x81, kind)) + bye(7)[2:]) == "type"
    for words in (2, 255, 0xFFFF):
        assert reason(pack(">BBHI", 0x81, 203, words, 7)) == "length"
    for size in range(5, 8):
        assert reason(bye(7)[:size]) == "length"
    for first, ssrcs in ((0x82, (7,)), (0x9F, (7, 7)), (0x81, ())):
        data = bye(*ssrcs)
        assert reason(bytes((first,)) + data[1:]) == "sources"
    for padding in (0, 1, 3, 5, 8, 12, 255):
        assert reason(bye(7, rest=bytes((0, 0, 0, padding)), first=0xA0)) in ("padding", "sources")
    assert reason(bye(7, rest=b"\0\0\0\4", first=0xA0) + RECEIVER) == "padding"  # not the last
    assert reason(bye(7, first=0xA0)[:-1] + b"\4") == "sources"  # it is all there is


def test_a_damaged_part_takes_all_with_it():
    for damaged in (b"\x80", bye(7)[:-1], b"\x40" + bye(7)[1:], RECEIVER[:3]):
        raises(RtcpError, says_bye, bye(7) + damaged, 7)
