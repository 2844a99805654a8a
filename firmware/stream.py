# A live RTP stream as a source of sound: what came since the last frame, and the one that is due.
# SPDX-License-Identifier: Apache-2.0
#
# Who is heard may say goodbye by RTCP, on the port above. That cuts nothing: what has come is
# played, and whoever begins within the patience is heard. It only tells a silence that was meant
# from one that was not. It counts from the address that the packets come from.
import socket
import time

from protocols import rtcp, rtp
from protocols.compat import const
from protocols.jitter import BUFFERING, PLAYED, JitterBuffer

_PACKET_MS = const(20)
_DEPTH_MS = const(120)
_BEGIN_MS = const(30000)  # that a person has to begin to talk, who has ordered it just now
_PATIENCE_MS = const(3000)  # without a packet, later
_DATAGRAM = const(1500)
_PACKETS = const(8)  # a frame: whoever floods the port does not hold up the other tasks
_RTP_HEAD = const(12)
_RTCP = const(512)  # bytes of a datagram: reports and BYE of a sender are shorter
_RTCP_FRAMES = const(16)  # between two looks; a power of two
_PORT_MAX = const(65535)
_RATES_HZ = {rtp.PCMU: 8000, rtp.PCMA: 8000}
_L16_HZ = const(16000)  # whatever its payload type means elsewhere


class Stream:
    # step: [3, payload type, port, group, seconds], see protocols/command.py
    def __init__(self, step):
        _, payload_type, port, group, seconds = step
        rate_hz = _RATES_HZ.get(payload_type, _L16_HZ)
        codec = payload_type if payload_type in _RATES_HZ else rtp.L16
        self._jitter = JitterBuffer(_DEPTH_MS, _PACKET_MS, rate_hz, codec, payload_type)
        self._left = seconds * 1000 // _PACKET_MS  # frames
        self._waits_ms = _BEGIN_MS
        self._buffer = bytearray(_DATAGRAM)
        self._ssrc = self._host = None  # who was met last, and where he sends from
        self._has_left = False
        self.silent = True  # until a first packet is played
        self.lost = False
        self._control = None
        self._socket = _open(port, group)
        try:
            if port < _PORT_MAX:
                self._control = _open(port + 1, group)
        except OSError:  # no socket is left for it: then the end is told as a loss
            pass

    def close(self):
        self._socket.close()
        if self._control:
            self._control.close()

    # dst: room for 20 ms at 16 kHz, or more -> samples, 0 at the end or when nobody sends
    def fill(self, dst):
        jitter = self._jitter
        if not self._left or self._waits_ms <= 0:
            return 0
        self._left -= 1
        self._take()
        if self._control and not self._left & _RTCP_FRAMES - 1:
            self._take_control(self._control)
        kind = jitter.get(dst)
        if kind == PLAYED:
            self._waits_ms = _PATIENCE_MS
            self.silent = False
        elif kind == BUFFERING or self.silent:
            self._waits_ms -= _PACKET_MS
            self.lost = self._waits_ms <= 0 and not self._has_left
        return jitter.samples

    def _take(self):
        jitter = self._jitter
        view = memoryview(self._buffer)
        for _ in range(_PACKETS):
            try:
                if self._host is None or jitter.ssrc not in (None, self._ssrc):
                    self._meet()
                    continue
                size = self._socket.readinto(self._buffer)
            except OSError:  # EAGAIN
                return
            if not size:
                return
            try:
                jitter.put(rtp.parse(view[:size]), time.ticks_ms())
            except rtp.RtpError:
                jitter.refused += 1

    # Where a source sends from is told by recvfrom() alone, which makes an object as large as what
    # it reads. So it reads the head, and the rest of that packet is lost: 20 ms of the beginning.
    def _meet(self):
        head, address = self._socket.recvfrom(_RTP_HEAD)
        if len(head) == _RTP_HEAD:
            self._ssrc = int.from_bytes(head[8:], "big")
            self._host = address[0]
            self._has_left = False

    def _take_control(self, control):
        for _ in range(_PACKETS):
            try:
                data, address = control.recvfrom(_RTCP)
                if address[0] == self._host and rtcp.says_bye(data, self._ssrc):
                    self._has_left = True
            except rtcp.RtcpError:
                continue
            except OSError:  # EAGAIN
                return


def _open(port, group):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(("", port))
        if group:  # struct ip_mreq: the group, and any interface
            made.setsockopt(0, socket.IP_ADD_MEMBERSHIP, group + bytes(4))
    except OSError:
        made.close()
        raise
    return made
