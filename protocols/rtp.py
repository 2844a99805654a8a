# RTP packets (RFC 3550, 5.1), and the payload types that a speaker takes (RFC 3551, 6).
# SPDX-License-Identifier: Apache-2.0
#
#   bits 2 version, 1 padding, 1 extension, 4 CSRC count; 1 marker, 7 payload type
#   u16  sequence number
#   u32  timestamp, in samples
#   u32  SSRC: the source
#   u32  CSRC, as many as counted
#   u16, u16 words, words: the extension, if there is one
#   payload, and padding whose last byte tells its length, if there is any
from collections import namedtuple

from .compat import const

PCMU = const(0)
PCMA = const(8)
L16 = const(11)  # big-endian, mono, 44.1 kHz; at other rates types from 96 on mean it

_HEAD = const(12)
_VERSION_2 = const(0b10)

# payload: a memoryview into what was received
Packet = namedtuple(
    "Packet", ("payload_type", "marker", "sequence", "timestamp", "ssrc", "payload")
)


class RtpError(ValueError):
    # reason: short, version, csrc, extension or padding
    def __init__(self, reason):
        super().__init__("RTP packet refused: " + reason)
        self.reason = reason


def parse(data):
    # data: one datagram. -> Packet; its payload may be empty
    data = memoryview(data)
    end = len(data)
    if end < _HEAD:
        raise RtpError("short")
    first = data[0]
    if first >> 6 != _VERSION_2:
        raise RtpError("version")
    begin = _HEAD + 4 * (first & 15)
    if begin > end:
        raise RtpError("csrc")
    if first & 0b0001_0000:
        if begin + 4 > end:
            raise RtpError("extension")
        begin += 4 + 4 * (data[begin + 2] << 8 | data[begin + 3])
        if begin > end:
            raise RtpError("extension")
    if first & 0b0010_0000:
        padding = data[end - 1]
        if not 0 < padding <= end - begin:
            raise RtpError("padding")
        end -= padding
    return Packet(
        data[1] & 0x7F,
        data[1] >> 7,
        data[2] << 8 | data[3],
        (data[4] << 8 | data[5]) << 16 | data[6] << 8 | data[7],
        (data[8] << 8 | data[9]) << 16 | data[10] << 8 | data[11],
        data[begin:end],
    )
