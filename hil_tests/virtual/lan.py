"""The local network of the boards of a bench: one subnet, its neighbours, and its router.

    network.lan.send(board.address, 5004, packet)    # what a neighbour sends to a board
    network.lan.send("239.1.2.3", 5004, packet)      # the same to a multicast group
    network.bind("192.0.2.200", 9000, handler)       # a neighbour that boards can send to
    network.lan.wifi["village"] = AccessPoint("its password")
    host, port = network.lan.expose(board.address, 5004)   # a UDP port of this machine, real time

Boards get the addresses 192.0.2.10 and up (RFC 5737). Does not model frames that collide, ARP,
fragments, IPv6 or two subnets.
"""

from __future__ import annotations

import errno
import random
import socket
from functools import partial
from typing import TYPE_CHECKING

from .access_point import AccessPoint
from .medium import Medium, Way
from .name_server import PORT as NAME_SERVER_PORT
from .name_server import NameServer
from .nic import KINDS, Nic

if TYPE_CHECKING:
    from .network import Network

Address = tuple[str, int]

SUBNET = "192.0.2."
ROUTER = SUBNET + "1"
NEIGHBOUR: Address = (SUBNET + "2", 40_000)  # who sends when nobody else is named
FIRST_BOARD = 10
TRIES = 100  # to find free ports of this machine in a row
HERE = "lan"  # the direction, in `counts` and `capture`


class Lan(Medium):
    """Datagrams between boards and their neighbours, with a fate for each receiver.

    `counts` has, beyond what every medium counts, `lan_delivered`, `lan_refused` (nobody listens
    there) and `lan_overrun` (the socket was full). `uplink` is the way through the router into
    the network; its NAT is that of a Line.
    """

    def __init__(self, network: Network, delay_ms: tuple[float, float] = (0.5, 2)) -> None:
        world = network.world
        super().__init__(world, random.Random(f"{world.seed}/lan"), delay_ms)
        self.network = network
        self.uplink = Way((2, 5))
        self.wifi = {"fieldbeat": AccessPoint("fieldbeat")}  # by their names
        self.names = NameServer(network)
        self.nics: dict[str, Nic] = {}  # by address
        self._exposed: dict[int, socket.socket] = {}  # by the port of who sent to it last

    def join(self, kind: str) -> Nic:
        """Give a board an interface ("ethernet" or "wifi") with the next address."""
        address = f"{SUBNET}{FIRST_BOARD + len(self.nics)}"
        nic = self.nics[address] = Nic(self, KINDS[kind], address)
        return nic

    def is_here(self, host: str) -> bool:
        """True for what the router does not carry."""
        return host.startswith(SUBNET) or is_group(host)

    def send(self, host: str, port: int, data: bytes, source: Address = NEIGHBOUR) -> None:
        """Send a datagram to a board, a group, a bound neighbour, or to who sent from outside."""
        nics = [nic for nic in self.nics.values() if nic.hears(host)]
        for nic in nics:
            self.carry(HERE, data, partial(self._arrive, nic, port, data, source))
        if not nics and not is_group(host):
            self.carry(HERE, data, lambda: self._leave((host, port), data, source))

    def _arrive(self, nic: Nic, port: int, data: bytes, source: Address) -> None:
        self.counts[f"lan_{nic.take(port, data, source)}"] += 1

    def _leave(self, target: Address, data: bytes, source: Address) -> None:
        """To a neighbour that is no board."""
        is_question = target == (ROUTER, NAME_SERVER_PORT)
        handler = self.names.handle if is_question else self.network.handler(*target)
        real = self._exposed.get(target[1]) if target[0] == ROUTER else None
        if handler is not None:
            handler(data, source, lambda reply: self.send(*source, reply, target))
        elif real is not None:
            real.sendto(data, ("127.0.0.1", target[1]))
        self.counts["lan_refused" if handler is None and real is None else "lan_delivered"] += 1

    def expose(self, host: str, port: int, ports: int = 1) -> Address:
        """Open UDP ports in a row on this machine: what comes there goes to `host` (or a group).

        There it comes to `port` and those above it, from the router, which gets what the board
        answers. For real time.
        """
        opened = ports_in_a_row(ports)
        with self.world.lock:
            for n, real in enumerate(opened):
                self._exposed[real.getsockname()[1]] = real
                self.world.watch(real.fileno(), partial(self._read, real, host, port + n))
        return opened[0].getsockname()

    def _read(self, real: socket.socket, host: str, port: int, _flags: int) -> None:
        while True:
            try:
                data, (_, sender) = real.recvfrom(65_535)
            except (BlockingIOError, ConnectionRefusedError):
                return
            self._exposed[sender] = real
            self.send(host, port, data, (ROUTER, sender))

    def close(self) -> None:
        """Close the ports of this machine."""
        for real in {*self._exposed.values()}:
            self.world.unwatch(real.fileno())
            real.close()
        self._exposed.clear()


def ports_in_a_row(count: int) -> list[socket.socket]:
    """Open UDP ports of this machine; the first is any that is free, and so are those above it."""
    for _ in range(TRIES):
        opened: list[socket.socket] = []
        try:
            for n in range(count):
                opened.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                opened[n].setblocking(False)
                opened[n].bind(("127.0.0.1", n and opened[0].getsockname()[1] + n))
            return opened
        except (OSError, OverflowError):  # somebody has it, or there is none above
            for each in opened:
                each.close()
    raise OSError(errno.EADDRINUSE, f"no {count} free UDP ports in a row")


def is_address(host: str) -> bool:
    """True for four numbers with dots, False for a name."""
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdecimal() for part in parts)


def is_group(host: str) -> bool:
    """True for a multicast group, and for everybody."""
    return host.endswith(".255") or 224 <= int(host.partition(".")[0]) <= 239
