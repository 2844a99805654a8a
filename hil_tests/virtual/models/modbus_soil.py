"""Soil probe 7 in 1 on RS485: Modbus RTU slave with the widespread register table.

Registers 0..8: moisture 0.1 %, temperature 0.1 Cel (signed), conductivity uS/cm, pH 0.1, nitrogen,
phosphorus, potassium mg/kg, salinity mg/L, dissolved solids mg/L; 0x64 address, 0x65 baud code.
"""

from __future__ import annotations

from ..scene import Scene
from ..world import World
from .faults import Faults
from .source import Source

READ_HOLDING = 0x03
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, BUSY = 1, 2, 3, 6
TURNAROUND_US = 25_000
BAUD_CODES = {2400: 0, 4800: 1, 9600: 2}
# Such probes derive these from conductivity, so this table does too.
PER_EC = {4: 0.07, 5: 0.10, 6: 0.20, 7: 0.55, 8: 0.50}


class SoilProbe:
    """One slave. Faults: `unplugged`, `frozen`, `forced`, `bad_crc`; `slow` multiplies the
    turnaround; `stuck` answers "busy" (exception 6); `junk` is sent before the answer, as a
    floating line does; `cut` shortens the answer by that many bytes.
    """

    NOISE = {"soil_moisture": 0.1, "soil_temperature": 0.05, "soil_ec": 3.0, "soil_ph": 0.03}

    def __init__(self, world: World, scene: Scene, address: int = 1, baud: int = 9600) -> None:
        self.address = address
        self.baud = baud
        self.faults = Faults(
            unplugged=False,
            frozen=False,
            forced=None,
            bad_crc=False,
            slow=0,
            stuck=False,
            junk=b"",
            cut=0,
        )
        self.source = Source(world, scene, self.faults, self.NOISE)

    def respond(self, frame: bytes) -> tuple[int, bytes] | None:
        """Answer one frame; silent to other addresses, bad check sums and broadcasts."""
        if len(frame) < 4 or frame[0] != self.address or crc16(frame) != 0:
            return None
        if self.faults.take("unplugged"):
            return None
        body = bytes([self.address]) + self.answer(frame[1], frame[2:-2])
        out = body + crc16(body).to_bytes(2, "little")
        if self.faults.take("bad_crc"):
            out = out[:-1] + bytes([out[-1] ^ 0xFF])
        out = self.faults.take("junk") + out[: len(out) - self.faults.take("cut")]
        return TURNAROUND_US * (self.faults.take("slow") or 1), out

    def answer(self, function: int, body: bytes) -> bytes:
        """Return function and data of the answer, or an exception."""
        if self.faults.take("stuck"):
            return bytes([function | 0x80, BUSY])
        if function != READ_HOLDING:
            return bytes([function | 0x80, ILLEGAL_FUNCTION])
        first, count = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
        if len(body) != 4 or not 1 <= count <= 125:
            return bytes([function | 0x80, ILLEGAL_VALUE])
        table = self.registers()
        wanted = range(first, first + count)
        if any(register not in table for register in wanted):
            return bytes([function | 0x80, ILLEGAL_ADDRESS])
        data = b"".join((table[register] & 0xFFFF).to_bytes(2, "big") for register in wanted)
        return bytes([function, len(data)]) + data

    def registers(self) -> dict[int, int]:
        """Return the register table with the values of this moment."""
        ec = max(0.0, self.source.read("soil_ec"))
        table = {
            0: max(0, round(self.source.read("soil_moisture") * 10)),
            1: round(self.source.read("soil_temperature") * 10),
            2: round(ec),
            3: max(0, round(self.source.read("soil_ph") * 10)),
            0x64: self.address,
            0x65: BAUD_CODES.get(self.baud, 2),
        }
        table.update({register: round(ec * factor) for register, factor in PER_EC.items()})
        return table


def crc16(data: bytes) -> int:
    """CRC-16 of Modbus (polynomial 0xA001 reflected, start 0xFFFF); 0 over a good frame."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
