# A live RTP stream as a source of sound: what came since the last frame, and the one that is due.
# SPDX-License-Identifier: Apache-2.0
import socket
import time

from protocols import rtp
from protocols.compat import const
from protocols.jitter import BUFFERING, JitterBuffer

_PACKET_MS = const(20)
_DEPTH_MS = const(120)
_PATIENCE_MS = const(3000)  # without a packet, at the beginning or later
_DATAGRAM = const(1500)
_PACKETS = const(8)  # a frame: whoever floods the port does not hold up the other tasks
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
        self._waited_ms = 0
        self._buffer = bytearray(_DATAGRAM)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("", port))
        if group:  # struct ip_mreq: the group, and any interface
            self._socket.setsockopt(0, socket.IP_ADD_MEMBERSHIP, group + bytes(4))
        self.lost = False

    def close(self):
        self._socket.close()

    # dst: room for 20 ms at 16 kHz, or more -> samples, 0 at the end or when nobody sends
    def fill(self, dst):
        jitter = self._jitter
        if not self._left or self.lost:
            return 0
        self._left -= 1
        self._take()
        if jitter.get(dst) == BUFFERING:
            self._waited_ms += _PACKET_MS
            self.lost = self._waited_ms >= _PATIENCE_MS
        else:
            self._waited_ms = 0
        return jitter.samples

    def _take(self):
        view = memoryview(self._buffer)
        for _ in range(_PACKETS):
            try:
                size = self._socket.readinto(self._buffer)
            except OSError:  # EAGAIN
                return
            if not size:
                return
            try:
                self._jitter.put(rtp.parse(view[:size]), time.ticks_ms())
            except rtp.RtpError:
                self._jitter.refused += 1
