# Datagrams over Ethernet or Wi-Fi, for units that are always on: the server may speak at any time.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import socket

from drivers.uart_port import UARTPort  # which reads any stream with a limit of time
from protocols.compat import const

from . import CarrierError

_LINK_S = const(15)  # auto-negotiation or association, and DHCP
_POLL_MS = const(100)
_BEAT_MS = const(50000)
_WAITING = const(4)  # answers that nobody has taken yet
_CLASS_SHIFT = const(4)  # as in protocols/frame.py: the class in the first byte of a frame
_CLASS_MASK = const(0b11)
_COMMAND = const(1)


class _Closed:
    def send(self, data):
        raise OSError(107)  # ENOTCONN

    def close(self):
        pass


class UDPSocket:
    # interface: network.LAN or network.WLAN, active; connect() starts what it needs to connect.
    # on_command(datagram): gets each frame of class COMMAND at once, wake or not; all others are
    # answers, which receive() gives to the wake that waits for them.
    MTU = 1300
    _socket: "socket.socket | _Closed"

    def __init__(self, interface, connect, config, counters, on_command):
        self._interface = interface
        self._connect = connect
        self._config = config["uplink"]
        self._counters = counters
        self._buffer = bytearray(self.MTU)
        self._socket = _Closed()
        self._on_command = on_command
        self._answers = []
        self._came = asyncio.Event()
        self._opened = asyncio.Event()

    async def open(self):
        if self._opened.is_set() and self._interface.isconnected():
            return
        self._drop()
        if not self._interface.isconnected():
            self._connect()
        for _ in range(_LINK_S * 1000 // _POLL_MS):
            if self._interface.isconnected():
                break
            await asyncio.sleep_ms(_POLL_MS)
        else:
            raise self._error("link_down")
        try:
            config = self._config
            address = socket.getaddrinfo(config["host"], config["port"])[0][-1]
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.setblocking(False)
            made.connect(address)  # what others send to this port is dropped
        except OSError:
            raise self._error("no_route")
        self._socket = made
        self._opened.set()

    def _error(self, reason):
        self._counters.count(reason)
        return CarrierError(reason)

    def _drop(self):
        self._opened.clear()
        self._socket.close()
        self._socket = _Closed()

    async def send(self, datagram, last):
        try:
            self._socket.send(datagram)
        except OSError:
            self._drop()
            raise self._error("send_failed")

    async def receive(self, timeout_ms):
        if not self._answers:
            self._came.clear()
            try:
                await asyncio.wait_for_ms(self._came.wait(), timeout_ms)
            except asyncio.TimeoutError:
                return None
        return self._answers.pop(0)

    async def close(self):
        pass  # always on

    def status(self):
        return {}

    # The task that listens, from boot on.
    async def listen(self, beat):
        while True:
            beat()
            if not self._opened.is_set():
                await asyncio.sleep_ms(_POLL_MS)
                continue
            try:
                size = await UARTPort(self._socket).readinto(self._buffer, _BEAT_MS)
            except OSError:
                self._drop()
                continue
            if size:
                self._sort(bytes(memoryview(self._buffer)[:size]))

    def _sort(self, datagram):
        if datagram[0] >> _CLASS_SHIFT & _CLASS_MASK == _COMMAND:
            self._on_command(datagram)
            return
        if len(self._answers) == _WAITING:
            self._answers.pop(0)
        self._answers.append(datagram)
        self._came.set()
