"""Slaves on an RS485 line: Modbus RTU frames and their faults, and one that is all data.

Specifications: MODBUS application protocol 1.1b3, MODBUS over serial line 1.02.
"""

from __future__ import annotations

from typing import Any

from ..errors import BenchError
from ..scene import Scene
from ..world import World
from .faults import Faults
from .source import Source

READ_HOLDING, READ_INPUT = 0x03, 0x04
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, BUSY = 1, 2, 3, 6
TURNAROUND_US = 25_000
MOST_REGISTERS = 125
SCENE_UNITS = {"hPa": 0.01}  # in the scene's unit, where a map has another
COUNTED = ("rain",)  # an element that counts has no noise


class ModbusSlave:
    """A subclass has `registers()`, the table with the values of this moment.

    Faults: `unplugged`; `bad_crc`; `slow` multiplies the turnaround; `stuck` answers "busy"
    (exception 6); `junk` is sent before the answer, as a floating line does; `cut` shortens the
    answer by that many bytes; `other_address`: the answer is that of another slave; `frozen` and
    `forced` are the sensor element's, see Source.
    """

    FUNCTIONS = (READ_HOLDING,)
    MORE_FAULTS: dict[str, object] = {}  # of a subclass, each with its value while it is off

    def __init__(self, address: int) -> None:
        self.address = address
        self.faults = Faults(
            unplugged=False,
            frozen=False,
            forced=None,
            bad_crc=False,
            slow=0,
            stuck=False,
            junk=b"",
            cut=0,
            other_address=0,
            **self.MORE_FAULTS,
        )

    def respond(self, frame: bytes) -> tuple[int, bytes] | None:
        """Answer one frame; silent to other addresses, bad check sums and broadcasts."""
        if len(frame) < 4 or frame[0] != self.address or crc16(frame) != 0:
            return None
        if self.faults.take("unplugged"):
            return None
        address = self.faults.take("other_address") or self.address
        body = bytes([address]) + self.answer(frame[1], frame[2:-2])
        out = body + crc16(body).to_bytes(2, "little")
        if self.faults.take("bad_crc"):
            out = out[:-1] + bytes([out[-1] ^ 0xFF])
        out = self.faults.take("junk") + out[: len(out) - self.faults.take("cut")]
        return TURNAROUND_US * (self.faults.take("slow") or 1), out

    def answer(self, function: int, body: bytes) -> bytes:
        """Return function and data of the answer, or an exception."""
        if self.faults.take("stuck"):
            return bytes([function | 0x80, BUSY])
        if function not in self.FUNCTIONS:
            return bytes([function | 0x80, ILLEGAL_FUNCTION])
        first, count = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
        if len(body) != 4 or not 1 <= count <= MOST_REGISTERS:
            return bytes([function | 0x80, ILLEGAL_VALUE])
        table = self.registers()
        wanted = range(first, first + count)
        if any(register not in table for register in wanted):
            return bytes([function | 0x80, ILLEGAL_ADDRESS])
        data = b"".join((table[register] & 0xFFFF).to_bytes(2, "big") for register in wanted)
        return bytes([function, len(data)]) + data

    def registers(self) -> dict[int, int]:
        """Return the register table with the values of this moment."""
        raise NotImplementedError


class MappedSlave(ModbusSlave):
    """The slave that a register map (drivers/maps) tells of, with values of the scene.

    `of` is what it measures in words: the map's name and the part's, such as "my_soil_probe1". A
    "temperature" is the scene's "soil_temperature" there. Registers that the map does not name do
    not exist.
    """

    def __init__(
        self, world: World, scene: Scene, address: int, map: dict[str, Any], of: str
    ) -> None:
        super().__init__(address)
        self.FUNCTIONS = (map["function"],)
        self.entries = [
            (entry, scene_name(scene, of, entry["name"])) for entry in map["registers"]
        ]
        noise = {n: 0.0 if n in COUNTED else 0.7 / factor(entry) for entry, n in self.entries}
        self.source = Source(world, scene, self.faults, noise)

    def registers(self) -> dict[int, int]:
        table = {}
        for entry, name in self.entries:
            words, signed = entry.get("words", 1), entry.get("signed", False)
            low, span = -(1 << 16 * words - 1) if signed else 0, 1 << 16 * words
            count = round(self.source.read(name) * factor(entry))
            count = min(max(count, low), low + span - 1)
            for i in range(words):
                shift = 16 * (i if entry.get("low_first") else words - 1 - i)
                table[entry["register"] + i] = count >> shift & 0xFFFF
        return table


def scene_name(scene: Scene, of: str, name: str) -> str:
    """What the scene calls a value of a thing whose name has the words `of`."""
    for candidate in [f"{word}_{name}" for word in of.split("_")] + [f"air_{name}", name]:
        try:
            scene.value(candidate, 0)
            return candidate
        except KeyError as error:
            problem = error.args[0]
    raise BenchError(
        f'{of}: the bench has no "{name}" for it. A word in the name of its map or part has to say'
        f" what it is of, as soil or water does; otherwise hil_tests/virtual/weather.py makes"
        f" values up: {problem}"
    )


def factor(entry: dict[str, Any]) -> float:
    """Counts for one unit of the scene."""
    return float(entry["scale"] * SCENE_UNITS.get(entry["unit"], 1))


def crc16(data: bytes) -> int:
    """CRC-16 of Modbus (polynomial 0xA001 reflected, start 0xFFFF); 0 over a good frame."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
