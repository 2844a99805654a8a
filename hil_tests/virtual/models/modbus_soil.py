"""Soil probe 7 in 1 on RS485: Modbus RTU slave with the widespread register table.

Registers 0..8: moisture 0.1 %, temperature 0.1 Cel (signed), conductivity uS/cm, pH 0.1, nitrogen,
phosphorus, potassium mg/kg, salinity mg/L, dissolved solids mg/L; 0x64 address, 0x65 baud code.
"""

from __future__ import annotations

from ..scene import Scene
from ..world import World
from .modbus_slave import ModbusSlave
from .source import Source

BAUD_CODES = {2400: 0, 4800: 1, 9600: 2}
# Such probes derive these from conductivity, so this table does too.
PER_EC = {4: 0.07, 5: 0.10, 6: 0.20, 7: 0.55, 8: 0.50}


class SoilProbe(ModbusSlave):
    """One slave, whose register table was written down apart from the map of our driver."""

    NOISE = {"soil_moisture": 0.1, "soil_temperature": 0.05, "soil_ec": 3.0, "soil_ph": 0.03}

    def __init__(self, world: World, scene: Scene, address: int = 1, baud: int = 9600) -> None:
        super().__init__(address)
        self.baud = baud
        self.source = Source(world, scene, self.faults, self.NOISE)

    def registers(self) -> dict[int, int]:
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
