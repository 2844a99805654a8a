# Who leaves an RTP session: the BYE among packets of RTCP (RFC 3550, 6.6).
# SPDX-License-Identifier: Apache-2.0
#
# One datagram is a compound of packets, one behind the other (6.1); each is
#
#   bits 2 version, 1 padding, 5 count; u8 type; u16 length in words of 32 bits, less one
#   of a BYE: u32 SSRC, as many as counted; u8 length and text of a reason, if there is one
#   padding whose last byte tells its length, only of the last packet
#
# A BYE alone is taken as well (RFC 5506, 3.4.2).
from .compat import const

_HEAD = const(4)
_WORD = const(4)
_VERSION_2 = const(0b10)
_TYPES = const((192, 223))  # what no RTP packet looks like (RFC 5761, 4)
_BYE = const(203)


class RtcpError(ValueError):
    # reason: short, version, type, length, padding or sources
    def __init__(self, reason):
        super().__init__("RTCP packet refused: " + reason)
        self.reason = reason


def says_bye(data, ssrc):
    # data: one datagram -> whether this source leaves. Damaged anywhere, it says nothing (A.2).
    at = 0
    found = False
    while True:
        end = _end(data, at)
        last = end - _padding(data, at, end)
        if data[at + 1] == _BYE:
            sources_end = at + _HEAD + _WORD * (data[at] & 31)
            if sources_end > last:
                raise RtcpError("sources")
            for source in range(at + _HEAD, sources_end, _WORD):
                found = found or int.from_bytes(data[source : source + _WORD], "big") == ssrc
        at = end
        if at == len(data):
            return found


def _end(data, at):
    # Of the packet that begins there.
    if at + _HEAD > len(data):
        raise RtcpError("short")
    if data[at] >> 6 != _VERSION_2:
        raise RtcpError("version")
    if not _TYPES[0] <= data[at + 1] <= _TYPES[1]:
        raise RtcpError("type")
    end = at + _WORD * ((data[at + 2] << 8 | data[at + 3]) + 1)
    if end > len(data):
        raise RtcpError("length")
    return end


def _padding(data, at, end):
    if not data[at] & 0b0010_0000:
        return 0
    padding = data[end - 1]
    if end != len(data) or padding % _WORD or not 0 < padding <= end - at - _HEAD:
        raise RtcpError("padding")
    return padding
