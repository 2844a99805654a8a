"""The UDP sockets of one board, and its network interfaces, as its program asks for them.

Datagrams to the subnet go over `lan`, all others through a Line into the network, as those of a
modem do. Does not model TCP, raw sockets, port numbers below 1024 as special, or fragments.
"""

from __future__ import annotations

import errno
import struct
from collections import deque
from typing import TYPE_CHECKING, Any

from .lan import Address
from .network import Line, Network
from .nic import ETHERNET, WIFI, Nic

if TYPE_CHECKING:
    from .hardware import Hardware

FIRST_BIT = 4  # of the inputs; those below are the UARTs
SOCKETS = 9  # bits 4 to 12
MAILBOX = 6  # datagrams; ESP-IDF's default for lwIP
FIRST_PORT = 49_152
MAX_DATAGRAM = 1472  # what Ethernet carries in one piece
MORE = 0x100  # in the argument of a send: another piece follows

# What lwIP and newlib say; Linux has other numbers.
EADDRINUSE, EHOSTUNREACH, ENOTCONN = 112, 118, 128
EAI_FAIL = -202
DNS_GIVE_UP_US = 7_000_000  # hypothesis: lwIP's four tries

_ADDRESS = struct.Struct("<4sH")
_STATE = struct.Struct("<BHb4s")


class Socket:
    """One socket: its port, its peer if it is connected, and what waits to be read."""

    def __init__(self, number: int, line: Line) -> None:
        self.number = number
        self.mask = 1 << FIRST_BIT + number
        self.line = line
        self.port = 0
        self.peer: Address | None = None
        self.waiting: deque[tuple[Address, bytes]] = deque()
        self.pieces = b""  # of a datagram that the program is still handing over


class Sockets:
    """What `socket` and `network` of the board's modules ask for; see op_..."""

    def __init__(self, hardware: Hardware, fitted: Any) -> None:
        self.hardware = hardware
        self.network: Network | None = None
        self.nics = {nic.kind: nic for nic in getattr(fitted, "nics", ())}
        for nic in self.nics.values():
            nic.sockets = self
            self.network = nic.lan.network
        self.nics.setdefault(WIFI, Nic(None, WIFI, ""))  # every ESP32 has a radio
        self.open: dict[int, Socket] = {}
        self.receive_us = 0  # that a datagram costs the program, where a test wants to know
        self._next_port = FIRST_PORT

    def reset(self) -> None:
        """Closes everything, as a reset and the end of the supply do."""
        for number in [*self.open]:
            self.op_socket_close(number, b"")
        for nic in self.nics.values():
            nic.stopped()

    # Interfaces

    def op_nic_set(self, kind_on: int, _payload: bytes) -> None:
        self._nic(kind_on & 0xFF).set_active(bool(kind_on >> 8))

    def op_nic_connect(self, kind: int, payload: bytes) -> None:
        ssid, key = payload.decode().split("\0")
        if not ssid:
            self._nic(kind).disconnect()
        else:
            self._nic(kind).connect(ssid, key)

    def op_nic_state(self, kind: int, _payload: bytes) -> bytes:
        """Whether it is active, its status, signal in dBm, address (zeros: none)."""
        nic = self._nic(kind)
        status = nic.status
        address = pack_ip(nic.address) if nic.ready else bytes(4)
        return _STATE.pack(nic.active, status, nic.dbm, address)

    def _nic(self, kind: int) -> Nic:
        if kind not in self.nics:
            name = "Ethernet PHY" if kind == ETHERNET else "radio"
            raise OSError(errno.ENODEV, f"the board has no {name}")
        return self.nics[kind]

    def _way_out(self) -> tuple[Network, Nic]:
        nic = next((nic for nic in self.nics.values() if nic.ready), None)
        if nic is None or self.network is None:
            raise OSError(EHOSTUNREACH, "no interface is up")
        return self.network, nic

    def op_resolve(self, _argument: int, payload: bytes) -> bytes:
        """The IP address of a host; the program stands still while it is looked up."""
        host = payload.decode()
        try:
            network, _nic = self._way_out()
        except OSError:
            raise OSError(EAI_FAIL, "no name server") from None
        median_ms = network.lan.uplink.delay_ms[0]
        if network.faults.take("away"):
            self.hardware.busy_us += DNS_GIVE_UP_US
            raise OSError(EAI_FAIL, "the name server does not answer")
        self.hardware.busy_us += round(2000 * median_ms)
        address = network.resolve(host)
        if address is None:
            raise OSError(EAI_FAIL, f"nobody is called {host}")
        return address.encode()

    # Sockets

    def op_socket_open(self, _argument: int, _payload: bytes) -> int:
        number = next((n for n in range(SOCKETS) if n not in self.open), None)
        if number is None:
            raise OSError(errno.ENFILE, "all sockets are open")
        line: Any = None
        if self.network is not None:
            nic = next(nic for nic in self.nics.values() if nic.lan is not None)
            line = self.network.open(
                lambda data, source: self._answered(socket, data, source),
                nic,
                self.network.lan.uplink,
            )
        socket = self.open[number] = Socket(number, line)
        return number

    def op_socket_close(self, number: int, _payload: bytes) -> None:
        socket = self.open.pop(number, None)
        if socket is not None:
            self.hardware.buses.set_input(socket.mask, False)
            if socket.line is not None:
                socket.line.close()

    def op_socket_bind(self, number: int, payload: bytes) -> None:
        _, port = _ADDRESS.unpack(payload)
        if any(other.port == port for other in self.open.values()):
            raise OSError(EADDRINUSE, "another socket has this port")
        self.open[number].port = port

    def op_socket_connect(self, number: int, payload: bytes) -> None:
        address, port = _ADDRESS.unpack(payload)
        self._way_out()
        self.open[number].peer = unpack_ip(address), port

    def op_socket_join(self, _number: int, payload: bytes) -> None:
        """Membership is the interface's, as lwIP has it: every socket of the port hears."""
        for nic in self.nics.values():
            if nic.active:
                nic.groups.add(unpack_ip(payload))

    def op_socket_send(self, number_more: int, payload: bytes) -> int | None:
        """A piece of a datagram; the last one comes with the address, zeros for the peer's."""
        socket = self.open[number_more & 0xFF]
        if number_more & MORE:
            socket.pieces += payload
            return None
        address, port = _ADDRESS.unpack_from(payload)
        data, socket.pieces = socket.pieces + payload[_ADDRESS.size :], b""
        target = (unpack_ip(address), port) if port else socket.peer
        if target is None:
            raise OSError(ENOTCONN, "neither connected nor sent to an address")
        if len(data) > MAX_DATAGRAM:
            raise OSError(errno.EMSGSIZE, "more than a frame of Ethernet carries")
        self._send(socket, target, data)
        return len(data)

    def _send(self, socket: Socket, target: Address, data: bytes) -> None:
        network, nic = self._way_out()
        if not socket.port:
            socket.port = self._next_port
            self._next_port += 1
        if nic.loses():
            return
        if network.lan.is_here(target[0]):
            network.lan.send(*target, data, (nic.address, socket.port))
        elif not nic.is_cut_off():
            socket.line.send(*target, data)

    def op_socket_receive(self, number: int, payload: bytes) -> bytes | None:
        """The oldest datagram that waits, cut to what the program takes, after its source."""
        socket = self.open[number]
        if not socket.waiting:
            return None
        self.hardware.busy_us += self.receive_us
        (host, port), data = socket.waiting.popleft()
        if not socket.waiting:
            self.hardware.buses.set_input(socket.mask, False)
        n = int.from_bytes(payload, "little")
        return _ADDRESS.pack(pack_ip(host), port) + data[:n]

    # From the network

    def take(self, port: int, data: bytes, source: Address) -> str:
        """A datagram of the subnet; tells what became of it."""
        found = [socket for socket in self.open.values() if socket.port == port]
        fates = [self._put(socket, data, source) for socket in found]
        return fates[0] if fates else "refused"

    def _answered(self, socket: Socket, data: bytes, source: Address) -> None:
        nic = next((nic for nic in self.nics.values() if nic.ready), None)
        if nic is not None and not nic.loses() and not nic.is_cut_off():
            self._put(socket, data, source)

    def _put(self, socket: Socket, data: bytes, source: Address) -> str:
        if socket.peer not in (None, source):
            return "refused"
        if len(socket.waiting) == MAILBOX:
            return "overrun"
        socket.waiting.append((source, data))
        self.hardware.buses.set_input(socket.mask, True)
        return "delivered"


def pack_ip(host: str) -> bytes:
    """Four bytes of an address with dots."""
    return bytes(map(int, host.split(".")))


def unpack_ip(data: bytes) -> str:
    """An address with dots of four bytes."""
    return ".".join(map(str, data))
