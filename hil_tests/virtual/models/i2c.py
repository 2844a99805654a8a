"""An I2C target as a board's bus sees it, and the words with check bytes of Sensirion chips."""

from __future__ import annotations

from ..scene import Scene
from ..world import World
from .faults import Faults
from .source import Source

NEVER = 10**9


class Nack(Exception):
    """The target did not acknowledge: absent, busy, or the command is not allowed now."""


class I2CDevice:
    """Base of the I2C models; a subclass has `command(data)` and `answer(n)`.

    Faults of all: `unplugged` never acknowledges; `slow` multiplies the conversion time;
    `stuck` never finishes a conversion; `bad_crc` spoils a check byte (chips that have one);
    `frozen` and `forced` are the sensor element's, see Source.
    """

    NOISE: dict[str, float] = {}
    MORE_FAULTS: dict[str, object] = {}  # of a subclass, each with its value while it is off
    DEAF_WHILE_BUSY = True  # it does not even acknowledge its address then

    def __init__(self, world: World, scene: Scene, address: int) -> None:
        self.world = world
        self.address = address
        self.faults = Faults(
            unplugged=False,
            slow=0,
            stuck=False,
            bad_crc=False,
            frozen=False,
            forced=None,
            **self.MORE_FAULTS,
        )
        self.source = Source(world, scene, self.faults, self.NOISE)
        self.ready_us = 0

    def write(self, data: bytes) -> None:
        """One write transaction after the address; raises Nack."""
        if self.faults.take("unplugged"):
            raise Nack(f"nothing at 0x{self.address:02x}")
        if data:  # an empty write is a bus scan
            self.command(bytes(data))

    def read(self, n: int) -> bytes:
        """One read transaction of n bytes; raises Nack."""
        if self.faults.take("unplugged"):
            raise Nack(f"nothing at 0x{self.address:02x}")
        return self.answer(n)

    def command(self, data: bytes) -> None:
        """Take the bytes of a write transaction."""
        raise NotImplementedError

    def answer(self, n: int) -> bytes:
        """Return the bytes of a read transaction."""
        raise NotImplementedError

    def start(self, duration_us: int) -> None:
        """Begin something that takes its datasheet time, or longer by `slow` and `stuck`."""
        factor = self.faults.take("slow") or 1
        if self.faults.take("stuck"):
            factor = NEVER
        self.ready_us = self.world.now_us + duration_us * factor

    @property
    def busy(self) -> bool:
        """True until what `start` began is over."""
        return self.world.now_us < self.ready_us

    def words(self, *values: int) -> bytes:
        """Return 16-bit words, each with its check byte."""
        out = b""
        for value in values:
            word = value.to_bytes(2, "big")
            out += word + bytes([sensirion_crc(word)])
        if self.faults.take("bad_crc"):
            out = out[:-1] + bytes([out[-1] ^ 0x10])
        return out


def filled(data: bytes, n: int) -> bytes:
    """Return n bytes: beyond its own, a chip leaves the line high."""
    return (data + b"\xff" * n)[:n]


def sensirion_crc(data: bytes) -> int:
    """CRC-8 of the Sensirion datasheets: polynomial 0x31, start 0xFF, no final XOR."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ (0x31 if crc & 0x80 else 0)) & 0xFF
    return crc
