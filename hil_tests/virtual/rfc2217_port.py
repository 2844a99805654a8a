"""Serves a virtual board by RFC 2217, so that it stands in for a board on another machine.

    port = Rfc2217Port(board)           # a free port of 127.0.0.1
    print(port.url)                     # rfc2217://127.0.0.1:40123

DTR and RTS become reset and boot mode of the board, so esptool's own sequence works and a SYNC
alone does not. One client at a time, as with a real port. Protocol: pyserial's `PortManager`.
Baud rates are taken and have no effect; there is no break and no flow control.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable
from typing import Any

from serial import rfc2217

from .auto_reset import AutoReset
from .board import VirtualBoard

# What PortManager makes of bytes that are no RFC 2217; such a client is sent away.
NO_TELNET = (TypeError, ValueError, LookupError, struct.error)
BUSY = b"\r\nport is in use\r\n"  # ser2net says it in such words, too
UNSENT_LIMIT = 1 << 20  # bytes for a client that does not read


class _Uart:
    """What PortManager takes for a serial port: settings that are kept, lines that act."""

    cts = dsr = cd = True
    ri = False
    baudrate, bytesize, parity, stopbits = 115_200, 8, "N", 1
    xonxoff = rtscts = break_condition = False

    def __init__(self, circuit: AutoReset, purge: Callable[[], object]) -> None:
        self._circuit = circuit
        self.reset_output_buffer = lambda: None  # towards the board nothing waits
        self.reset_input_buffer = purge

    def _set_dtr(self, on: bool) -> None:
        self._circuit.set(dtr=on)

    def _set_rts(self, on: bool) -> None:
        self._circuit.set(rts=on)

    dtr = property(lambda self: self._circuit.dtr, _set_dtr)
    rts = property(lambda self: self._circuit.rts, _set_rts)


class _Client:
    """One connection; all of it runs in the loop of the world."""

    def __init__(self, port: Rfc2217Port, connection: socket.socket) -> None:
        self.port = port
        self.socket = connection
        self.fd = connection.fileno()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unsent = bytearray()
        uart: Any = _Uart(port.circuit, self._unsent.clear)
        client: Any = self
        self._manager = rfc2217.PortManager(uart, client)
        port.board.world.watch(self.fd, self._ready, edge=True)

    def write(self, data: bytes) -> None:
        """Sends bytes as they are; PortManager calls this for its own."""
        self._unsent += data
        self._flush()

    def characters(self, data: bytes) -> None:
        """Sends what the board said."""
        if len(self._unsent) < UNSENT_LIMIT:
            self.write(data.replace(rfc2217.IAC, rfc2217.IAC_DOUBLED))

    def _flush(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self.socket.send(self._unsent)]
        except BlockingIOError:
            pass  # the rest follows when there is room
        except OSError:
            self._unsent.clear()  # gone; the loop will hear of it

    def _ready(self, flags: int) -> None:
        if flags & select.EPOLLOUT:
            self._flush()
        while True:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.port.hung_up(self)
                return
            try:
                typed = b"".join(self._manager.filter(data))
            except NO_TELNET:
                self.port.hung_up(self)
                return
            if typed:
                self.port.board.serial_write(typed)

    def close(self) -> None:
        self.port.board.world.unwatch(self.fd)
        self.socket.close()


class Rfc2217Port:
    """A TCP port for one board; needs a world that runs in real time.

    Args:
        board: whom it serves.
        host, tcp_port: where to listen; port 0 takes a free one.
    """

    def __init__(self, board: VirtualBoard, host: str = "127.0.0.1", tcp_port: int = 0) -> None:
        self.board = board
        self.circuit = AutoReset(board)
        self.refused = 0  # clients that came while another one was there
        self._client: _Client | None = None
        self._server = socket.create_server((host, tcp_port))
        self._server.setblocking(False)
        self.host, self.tcp_port = self._server.getsockname()[:2]
        with board.world.lock:
            board.ports.append(self)
            board.world.watch(self._server.fileno(), self._knock)

    @property
    def url(self) -> str:
        """What pyserial opens."""
        return f"rfc2217://{self.host}:{self.tcp_port}"

    def write(self, data: bytes) -> None:
        """Sends what the board says; lost if nobody is connected."""
        if self._client is not None:
            self._client.characters(data)

    def _knock(self, _flags: int) -> None:
        try:
            connection, _ = self._server.accept()
        except BlockingIOError:
            return
        if self._client is not None:
            self.refused += 1
            connection.sendall(BUSY)
            connection.close()
            return
        self._client = _Client(self, connection)

    def hung_up(self, client: _Client) -> None:
        """The client is gone: its lines go off, both at once; the board goes on."""
        client.close()
        if self._client is client:
            self._client = None
        self.circuit.set(dtr=False, rts=False)

    def drop(self) -> None:
        """Cuts the connection, as a network does that fails."""
        with self.board.world.lock:
            if self._client is not None:
                self.hung_up(self._client)

    def close(self) -> None:
        """Ends the connection and stops listening."""
        with self.board.world.lock:
            self.drop()
            self.board.world.unwatch(self._server.fileno())
            if self in self.board.ports:
                self.board.ports.remove(self)
        self._server.close()
