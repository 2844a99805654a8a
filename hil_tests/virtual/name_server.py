"""The name server of a network, as DHCP tells it to boards: RFC 1035, addresses of hosts alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .network import Network

PORT = 53
HEADER = 12
A_IN = bytes((0, 1, 0, 1))
TTL_S = 300
NO_SUCH_NAME = 3


class NameServer:
    """Answers questions for the address of a host; silent while the network is away."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.asked: list[str] = []

    def handle(self, data: bytes, _source: Any, reply: Callable[[bytes], None]) -> None:
        """Take one question."""
        name, end = _name(data)
        if data[end : end + 4] != A_IN:
            return
        self.asked.append(name)
        if self.network.faults.take("away"):
            return
        address = self.network.resolve(name)
        found = b"" if address is None else bytes(map(int, address.split(".")))
        flags = 0x8180 | (0 if found else NO_SUCH_NAME)
        head = data[:2] + flags.to_bytes(2, "big") + bytes((0, 1, 0, bool(found))) + bytes(4)
        record = (
            b"\xc0\x0c" + A_IN + TTL_S.to_bytes(4, "big") + b"\0\x04" + found if found else b""
        )
        reply(head + data[HEADER : end + 4] + record)


def _name(data: bytes) -> tuple[str, int]:
    """Return the name in a question, and where it ends."""
    labels, pos = [], HEADER
    while data[pos]:
        labels.append(data[pos + 1 : pos + 1 + data[pos]].decode())
        pos += 1 + data[pos]
    return ".".join(labels), pos + 1
