# UDP sockets of an ESP32, which the bench has (../sockets.py): addresses are (host, port).
# SPDX-License-Identifier: Apache-2.0
import errno
import struct

import _link
from micropython import const

_OP_RESOLVE = const(35)
_OP_SOCKET_OPEN = const(36)
_OP_SOCKET_CLOSE = const(37)
_OP_SOCKET_BIND = const(38)
_OP_SOCKET_CONNECT = const(39)
_OP_SOCKET_JOIN = const(40)
_OP_SOCKET_SEND = const(41)
_OP_SOCKET_RECEIVE = const(42)

_FOREVER = const(-1)
_LEAD_US = const(1000)
_FIRST_BIT = const(4)  # of the inputs
_MORE = const(0x100)
_HEAD = const(6)  # of a datagram: an address
_PIECE = const(480)
_MAX_DATAGRAM = const(1500)
_ETIMEDOUT = const(116)  # newlib's
_TO_PEER = const(b"\0\0\0\0\0\0")

AF_INET = 2
SOCK_STREAM, SOCK_DGRAM, SOCK_RAW = 1, 2, 3
IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP = 0, 6, 17
SOL_SOCKET, SO_REUSEADDR, SO_BROADCAST = 0xFFF, 4, 0x20
IP_ADD_MEMBERSHIP = 3


def getaddrinfo(host, port, af=0, type=0, proto=0, flags=0):
    return [(AF_INET, SOCK_STREAM, IPPROTO_TCP, "", (_numbers(host), int(port)))]


def _numbers(host):
    if not host:
        return "0.0.0.0"
    if host.replace(".", "").isdigit():
        return host
    return str(_link.call(_OP_RESOLVE, 0, host.encode()), "ascii")


def _packed(address):
    host, port = address
    return struct.pack("<4BH", *[int(part) for part in _numbers(host).split(".")], port)


class socket:
    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0):
        if af != AF_INET or type != SOCK_DGRAM:
            raise OSError(errno.EOPNOTSUPP, "the virtual board has UDP only")
        self._number = _link.call(_OP_SOCKET_OPEN)
        self.wait_mask = 1 << _FIRST_BIT + self._number
        self._timeout_us = _FOREVER

    def buffered(self):
        return False

    def close(self):
        if self._number is not None:
            _link.call(_OP_SOCKET_CLOSE, self._number)
            self._number = None

    def _call(self, op, payload=b"", flags=0):
        if self._number is None:
            raise OSError(errno.EBADF)
        return _link.call(op, self._number | flags, payload)

    def bind(self, address):
        self._call(_OP_SOCKET_BIND, _packed(address))

    def connect(self, address):
        self._call(_OP_SOCKET_CONNECT, _packed(address))

    def setsockopt(self, level, option, value):
        if option == IP_ADD_MEMBERSHIP:
            if len(value) != 8:
                raise ValueError
            self._call(_OP_SOCKET_JOIN, bytes(value[:4]))

    def settimeout(self, seconds):
        self._timeout_us = _FOREVER if seconds is None else int(seconds * 1000000)

    def setblocking(self, blocking):
        self.settimeout(None if blocking else 0)

    def sendto(self, data, address):
        return self._send(data, _packed(address))

    def send(self, data):
        return self._send(data, _TO_PEER)

    write = sendall = send

    # In pieces, as a request has no room for a datagram.
    def _send(self, data, address):
        view = memoryview(data)
        at = 0
        while len(view) - at > _PIECE:
            self._call(_OP_SOCKET_SEND, view[at : at + _PIECE], _MORE)
            at += _PIECE
        self._call(_OP_SOCKET_SEND, address + bytes(view[at:]))
        return len(view)

    # An address, and a datagram that is cut to n bytes.
    def _receive(self, n):
        n = n.to_bytes(2, "little")
        message = None
        # Between two waits nothing arrives.
        if _link.inputs & self.wait_mask or _link.now - _link.told >= _LEAD_US:
            message = self._call(_OP_SOCKET_RECEIVE, n)
        if not message:
            if self._number is None:
                raise OSError(errno.EBADF)
            if self._timeout_us == 0:
                _link.now += 10
                raise OSError(errno.EAGAIN)
            forever = self._timeout_us == _FOREVER
            until = _FOREVER if forever else _link.now + self._timeout_us
            _link.wait(until, self.wait_mask)
            message = self._call(_OP_SOCKET_RECEIVE, n)
            if not message:
                raise OSError(_ETIMEDOUT)
        return message

    def recvfrom(self, n):
        message = self._receive(n)
        *address, port = struct.unpack_from("<4BH", message)
        return message[_HEAD:], ("%d.%d.%d.%d" % tuple(address), port)

    def recv(self, n):
        return self._receive(n)[_HEAD:]

    # As streams: None where nothing waits.
    def read(self, n=-1):
        try:
            return self.recv(_MAX_DATAGRAM if n < 0 else n)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
            return None

    def readinto(self, buf, n=None):
        data = self.read(len(buf) if n is None else n)
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)
