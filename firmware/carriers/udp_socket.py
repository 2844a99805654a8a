# Datagrams over Ethernet or Wi-Fi, for units that are always on: the server may speak at any time.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import socket

from drivers.uart_port import UARTPort  # which reads any stream with a limit of time
from protocols.compat import const

from . import CarrierError
from .lookup import lookup

_LINK_S = const(15)  # auto-negotiation or association, and DHCP
_POLL_MS = const(100)
_BEAT_MS = const(50000)
_UNANSWERED = const(3)  # questions, until the server may have another address
_LISTEN_SILENCE_S = const(150)
# Datagrams in a turn of the loop: lwIP keeps 6, and forgets what follows. A forged command costs a
# chip 3 ms (estimated), and the player has to make 32 ms of sound in each turn.
_AT_ONCE = const(4)


class _Closed:
    def send(self, data):
        raise OSError(107)  # ENOTCONN

    readinto = send

    def close(self):
        pass


class UDPSocket:
    # interface: network.LAN or network.WLAN, active; connect() starts what it needs to connect.
    # inbox: gets all that comes.
    MTU = 1300
    timeout_ms = 1000
    _socket: "socket.socket | _Closed"

    def __init__(self, interface, connect, config, counters, inbox):
        self.inbox = inbox
        self.keepalive_s = config["speaker"]["keepalive_s"]
        self._interface = interface
        self._connect = connect
        self._config = config["uplink"]
        self._counters = counters
        self._buffer = bytearray(self.MTU)
        self._socket = _Closed()
        self._opened = asyncio.Event()
        self._reading = None
        self._host = ""  # its address, when it was last looked up
        self._unanswered = 0  # questions in a row

    def tasks(self):
        return (("listen", self.listen, _LISTEN_SILENCE_S),)

    @property
    def linked(self):
        return self._interface.isconnected()

    # The address is kept. The old socket hears on while a new one is looked for, and where there
    # is none.
    async def open(self):
        stale = self._unanswered >= _UNANSWERED
        if self._opened.is_set() and self.linked and not stale:
            return
        if not self.linked:
            self._drop()
            await self._wait_for_link()
        try:
            before = self._host
            if stale or not before:
                self._unanswered = 0
                self._host = await self._find(before)
            if not self._opened.is_set() or self._host != before:
                self._make()
        except OSError:
            raise self._error("network_no_route")

    async def _wait_for_link(self):
        self._connect()
        for _ in range(_LINK_S * 1000 // _POLL_MS):
            if self.linked:
                return
            await asyncio.sleep_ms(_POLL_MS)
        raise self._error("network_down")

    async def _find(self, before):
        try:
            return await lookup(self._config["host"], self._interface.ifconfig()[3])
        except OSError:
            if not before:
                raise
            return before

    def _make(self):
        self._drop()
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        # What others send to this port is dropped.
        made.connect(socket.getaddrinfo(self._host, self._config["port"])[0][-1])
        self._socket = made
        self._opened.set()

    def _error(self, reason):
        self._counters.count(reason)
        return CarrierError(reason)

    # Nothing tells a reader that his socket is closed.
    def _drop(self):
        self._opened.clear()
        reading, self._reading = self._reading, None
        if reading:
            reading.cancel()
        self._socket.close()
        self._socket = _Closed()

    async def send(self, datagram, last):
        try:
            self._socket.send(datagram)
        except OSError:
            self._drop()
            raise self._error("send_failed")

    async def receive(self, timeout_ms):
        return await self.inbox.receive(timeout_ms)

    async def close(self):
        pass  # always on

    # What became of a wake. -> True if it was the first good one on another road.
    def judge(self, outcome):
        self._unanswered = self._unanswered + 1 if outcome == "no_ack" else 0
        return False

    def status(self):
        return {}

    # The task that listens, from boot on.
    async def listen(self, beat):
        while True:
            beat()
            if not self._opened.is_set():
                await asyncio.sleep_ms(_POLL_MS)
                continue
            reading = UARTPort(self._socket).readinto(self._buffer, _BEAT_MS)
            self._reading = asyncio.create_task(reading)
            try:
                size = await self._reading
            except OSError:
                self._drop()
                continue
            except asyncio.CancelledError:
                if self._reading:
                    raise
                continue  # there is another socket
            more = _AT_ONCE
            while size:
                self.inbox.sort(bytes(memoryview(self._buffer)[:size]))
                more -= 1
                size = self._next() if more else 0

    # -> bytes of one more datagram that has come, or 0
    def _next(self):
        try:
            return self._socket.readinto(self._buffer) or 0
        except OSError:  # EAGAIN, or what the next turn meets again
            return 0
