"""The network behind modems and routers: UDP with delay, loss, a NAT that forgets, and an outage.

    network = Network(world, delay_ms=(80, 400), loss=0.02)
    network.bind("203.0.113.7", 5683, lambda datagram, source, reply: reply(b"ack"))

In real time `network.bridge = True` sends what goes to an unbound loopback address out of a real
UDP socket, one for each device as seen through the NAT.
"""

from __future__ import annotations

import hashlib
import random
import socket
from collections.abc import Callable

from .lan import Lan, is_address
from .medium import Medium, Way
from .world import World

Address = tuple[str, int]
Reply = Callable[[bytes], None]
Handler = Callable[[bytes, Address, Reply], object]
Deliver = Callable[[bytes, Address], object]

NAT_US = 60_000_000  # carriers differ: 20 to 120 s
NAT_HOST = "198.51.100.1"  # documentation range, RFC 5737
UP, DOWN = "up", "down"


class Network(Medium):
    """Datagrams between boards and servers; the same seed gives the same fate of each.

    Args:
        delay_ms: median and 95th percentile of the one-way delay (log-normal).
        loss, duplicate, reorder: probability for each datagram and direction.

    Directions are "up" and "down"; beyond what every medium counts, `counts` has `_delivered`,
    `up_refused` (nobody listens) and `down_expired` (the NAT forgot). `lan` is the local network
    of the boards that have Ethernet or Wi-Fi.
    """

    def __init__(
        self,
        world: World,
        delay_ms: tuple[float, float] = (80, 400),
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
    ) -> None:
        randomness = random.Random(world.random.getrandbits(64))
        super().__init__(world, randomness, delay_ms, loss, duplicate, reorder)
        self.bridge = False
        self.lan = Lan(self)
        self._handlers: dict[Address, Handler] = {}
        self._hosts: dict[str, str] = {}  # by the address that stands for the name
        self._next_port = 20_000
        self.bridged: set[Mapping] = set()  # those with a real socket

    def bind(self, host: str, port: int, handler: Handler) -> None:
        """Let a server in this process listen; `reply` of a call may be used at any time."""
        self._handlers[host, port] = handler
        if not is_address(host) and host not in self._hosts.values():
            self._hosts[f"203.0.113.{200 + len(self._hosts)}"] = host

    def move(self, host: str) -> None:
        """Let a server's name stand for another address; nobody listens at the one before."""
        number = 200 + len(self._hosts)
        self._hosts = {
            address: "" if name == host else name for address, name in self._hosts.items()
        } | {f"203.0.113.{number}": host}

    def resolve(self, host: str) -> str | None:
        """Return the IP address of a host, as a name server would; None if nobody is there."""
        if host == "localhost" or is_address(host):
            return "127.0.0.1" if host == "localhost" else host
        found = (address for address, name in self._hosts.items() if name == host)
        return next(found, None)

    def open(self, deliver: Deliver, owner: object = None, way: Way | None = None) -> Line:
        """Give a device's socket its way in; `deliver(datagram, source)` is called on answers.

        `owner` is whom the world's listeners are told about; `way` has another delay.
        """
        return Line(self, deliver, owner, way)

    def close(self) -> None:
        """Close the real sockets of the bridge."""
        for mapping in [*self.bridged]:
            mapping.close()
        self.lan.close()

    def digest(self) -> str:
        """Return a hash over times, directions and bytes: equal for two equal runs."""
        digest = hashlib.sha256()
        for at_us, direction, data in self.capture:
            digest.update(f"{at_us} {direction} {len(data)} ".encode() + data)
        return digest.hexdigest()

    def handler(self, host: str, port: int) -> Handler | None:
        """Return who listens at an address."""
        return self._handlers.get((self._hosts.get(host, host), port))

    def new_port(self) -> int:
        """Return the next port outside the NAT."""
        self._next_port += 1
        return self._next_port


class Line:
    """One socket of a device: its way through the NAT into the network."""

    def __init__(self, network: Network, deliver: Deliver, owner: object, way: Way | None) -> None:
        self.network = network
        self.owner = owner
        self.way = way
        self.deliver: Deliver | None = deliver
        self.mappings: dict[Address, Mapping] = {}

    def send(self, host: str, port: int, data: bytes) -> None:
        """Send a datagram; nothing tells whether it arrives."""
        mapping = self.mappings.get((host, port))
        if mapping is None or mapping.expired:
            if mapping is not None:
                mapping.close()
            mapping = self.mappings[host, port] = Mapping(self, (host, port))
        mapping.send(data)

    def close(self) -> None:
        """Stop listening; datagrams on their way are dropped."""
        self.deliver = None
        for mapping in self.mappings.values():
            mapping.close()


class Mapping:
    """What the NAT remembers of one flow, for 60 s after the last datagram either way."""

    def __init__(self, line: Line, target: Address) -> None:
        self.line = line
        self.network = line.network
        self.target = target
        self.source = (NAT_HOST, self.network.new_port())
        self.expires_us = 0
        self.real: socket.socket | None = None

    @property
    def expired(self) -> bool:
        """True if the NAT has forgotten the flow."""
        return self.network.world.now_us >= self.expires_us

    def send(self, data: bytes) -> None:
        """Carry a datagram to the server."""
        self.expires_us = self.network.world.now_us + NAT_US
        owner, way = self.line.owner, self.line.way
        self.network.carry(UP, data, lambda: self.arrive(data), owner, way)

    def arrive(self, data: bytes) -> None:
        """Hand a datagram to who listens: in this process, or on this machine."""
        counts = self.network.counts
        handler = self.network.handler(*self.target)
        if handler is not None:
            counts["up_delivered"] += 1
            handler(data, self.source, self.reply)
        elif self.network.bridge and is_loopback(self.target[0]):
            counts["up_delivered"] += 1
            self.send_real(data)
        else:
            counts["up_refused"] += 1
            self.network.world.tell(self.line.owner, UP, f"refused {len(data)}")

    def reply(self, data: bytes) -> None:
        """Carry a datagram back to the device, if the NAT still knows it."""
        if self.expired:
            self.network.capture.append((self.network.world.now_us, DOWN, data))
            self.network.counts["down_sent"] += 1
            self.network.counts["down_expired"] += 1
            self.network.world.tell(self.line.owner, DOWN, f"expired {len(data)}")
            return
        self.expires_us = self.network.world.now_us + NAT_US
        owner, way = self.line.owner, self.line.way
        self.network.carry(DOWN, data, lambda: self.come_back(data), owner, way)

    def come_back(self, data: bytes) -> None:
        """Deliver to the device's socket, if it is still open."""
        if self.line.deliver is not None:
            self.network.counts["down_delivered"] += 1
            self.line.deliver(data, self.target)

    # the bridge to real sockets

    def send_real(self, data: bytes) -> None:
        """Send from this flow's own real socket, so that a real server can tell devices apart."""
        if self.real is None:
            self.real = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.real.setblocking(False)
            self.network.bridged.add(self)
            self.network.world.watch(self.real.fileno(), lambda _flags: self.read_real())
        self.real.sendto(data, self.target)

    def read_real(self) -> None:
        """Take what a real server sent back."""
        while self.real is not None:
            try:
                data, source = self.real.recvfrom(65_535)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # nobody listens there: ICMP told the kernel
                self.network.counts["up_refused"] += 1
                continue
            if source[1] == self.target[1]:
                self.reply(data)

    def close(self) -> None:
        """Forget the flow and its real socket."""
        self.expires_us = 0
        if self.real is not None:
            self.network.world.unwatch(self.real.fileno())
            self.real.close()
            self.real = None
            self.network.bridged.discard(self)


def is_loopback(host: str) -> bool:
    """True for addresses of this machine only."""
    return host == "localhost" or host.startswith("127.")
