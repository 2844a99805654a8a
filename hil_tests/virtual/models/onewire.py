"""A 1-Wire bus by its bits, and the DS18B20 on it, at the level of its datasheet (19-7487).

Not modelled: parasite power, alarm search, the EEPROM's write time.
"""

from __future__ import annotations

from ..scene import Scene
from ..world import World
from .faults import Faults
from .source import Source

SEARCH, READ_ROM, MATCH_ROM, SKIP_ROM = 0xF0, 0x33, 0x55, 0xCC
CONVERT, WRITE, READ, COPY, RECALL, SUPPLY = 0x44, 0x4E, 0xBE, 0x48, 0xB8, 0xB4
FAMILY = 0x28
POWER_ON = 0x0550  # 85 Cel
CONVERT_US = {0: 93_750, 1: 187_500, 2: 375_000, 3: 750_000}  # table 2, by R1 R0
RESET_US, SLOT_US = 960, 70


class OneWireLine:
    """One wire with a pull-up: whoever pulls it low wins. `devices` hang on it.

    Faults: `shorted` (to ground), `open` (the pull-up or the cable is missing: nobody is heard).
    """

    def __init__(self) -> None:
        self.devices: list[DS18B20] = []
        self.faults = Faults(shorted=False, open=False)

    def reset(self) -> bool:
        """A reset pulse; True if somebody answers it. MicroPython takes a held wire for that."""
        if self.faults.take("shorted"):
            return True
        if self.faults.take("open"):
            return False
        return max([device.reset() for device in self.devices], default=False)  # each hears it

    def write_bit(self, bit: int) -> None:
        """A write slot of the master."""
        if self.faults.take("shorted") or self.faults.take("open"):
            return
        for device in self.devices:
            device.write_bit(bit)

    def read_bit(self) -> int:
        """A read slot: 1 unless somebody pulls low."""
        if self.faults.take("shorted"):
            return 0
        if self.faults.take("open"):
            return 1
        return min([device.read_bit() for device in self.devices], default=1)

    def write(self, data: bytes) -> None:
        """Bytes, lowest bit first."""
        for byte in data:
            for i in range(8):
                self.write_bit(byte >> i & 1)

    def read(self, n: int) -> bytes:
        """Return n bytes."""
        return bytes(sum(self.read_bit() << i for i in range(8)) for _ in range(n))


class DS18B20:
    """One sensor. `channel` is what it measures in the scene.

    Faults: `unplugged`; `bad_crc` spoils the scratchpad's; `slow` multiplies the conversion time;
    `unpowered` loses its supply at each conversion, as a long cable does: then it holds 85 Cel;
    `frozen`, `forced`: see Source.
    """

    def __init__(
        self,
        world: World,
        scene: Scene,
        rom: bytes | None = None,
        channel: str = "air_temperature",
    ) -> None:
        self.world = world
        self.faults = Faults(
            unplugged=False, bad_crc=False, slow=0, unpowered=False, frozen=False, forced=None
        )
        # Resolution 1/16 Cel is coarser than its noise.
        self.source = Source(world, scene, self.faults, {channel: 0.03})
        self.channel = channel
        serial = world.random.getrandbits(48).to_bytes(6, "little")
        self.rom = rom or sealed(bytes([FAMILY]) + serial)
        self.power_on()

    def power_on(self) -> None:
        """The scratchpad as the EEPROM has it, figure 9."""
        self.pad = bytearray((POWER_ON & 255, POWER_ON >> 8, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10))
        self.ready_us = 0
        self.converting = False
        self.state = "idle"
        self.taken: list[int] = []  # bits of the master since the state began
        self.out: list[int] = []  # bits that it will send

    def reset(self) -> bool:
        """Presence, unless it is not there."""
        if self.faults.take("unplugged"):
            self.state = "idle"
            return False
        self.expect("rom")
        return True

    def expect(self, state: str) -> None:
        """Wait for the master's next command or data."""
        self.state, self.taken, self.out = state, [], []

    def send(self, data: bytes) -> None:
        """Answer the next read slots; beyond it the wire stays high."""
        self.state = "sends"
        self.out = bits_of(data)

    def write_bit(self, bit: int) -> None:
        """One slot of the master."""
        self.taken.append(bit)
        if self.state == "search":
            self.direction(bit)
        elif self.state == "match" and len(self.taken) == 64:
            self.expect("function" if self.taken == bits_of(self.rom) else "idle")
        elif self.state == "setup" and len(self.taken) == 24:
            self.pad[2:5] = bytes_of(self.taken)
            self.pad[4] = self.pad[4] & 0x60 | 0x1F  # figure 10
            self.expect("idle")
        elif self.state in ("rom", "function") and len(self.taken) == 8:
            getattr(self, f"{self.state}_command")(bytes_of(self.taken)[0])

    def read_bit(self) -> int:
        """What it does in a read slot: 0 pulls the wire low."""
        if self.state == "search":
            return self.search_bit()
        if self.state == "converts":  # 0 until the conversion is done
            self.settle()
            return int(not self.converting)
        return self.out.pop(0) if self.state == "sends" and self.out else 1

    def rom_command(self, code: int) -> None:
        """Figure 11."""
        if code == READ_ROM:
            self.send(self.rom)
            self.state = "sends"
        elif code == SKIP_ROM:
            self.expect("function")
        elif code == MATCH_ROM:
            self.expect("match")
        elif code == SEARCH:
            self.expect("search")
            self.place, self.turn = 0, 0
        else:
            self.expect("idle")

    def search_bit(self) -> int:
        """A bit of the ROM and then its complement."""
        bit = bits_of(self.rom)[self.place] ^ self.turn
        self.turn ^= 1
        return bit

    def direction(self, bit: int) -> None:
        """The master goes on with those whose bit is this one."""
        if bits_of(self.rom)[self.place] != bit:
            self.expect("idle")
            return
        self.place += 1
        if self.place == 64:
            self.expect("function")

    def function_command(self, code: int) -> None:
        """Figure 12."""
        self.expect("idle")
        if code == CONVERT:
            self.state, self.converting = "converts", True
            us = CONVERT_US[self.pad[4] >> 5 & 3] * (self.faults.take("slow") or 1)
            self.ready_us = self.world.now_us + us
        elif code == READ:
            self.settle()
            data = sealed(bytes(self.pad))
            if self.faults.take("bad_crc"):
                data = data[:-1] + bytes([data[-1] ^ 0x20])
            self.send(data)
        elif code == WRITE:
            self.expect("setup")
        elif code == SUPPLY:
            self.send(b"\xff")  # not on parasite power

    def settle(self) -> None:
        """Put a finished conversion into the scratchpad."""
        if not self.converting or self.world.now_us < self.ready_us:
            return
        self.converting = False
        if self.faults.take("unpowered"):
            self.pad[:2] = POWER_ON.to_bytes(2, "little")
            return
        value = round(self.source.read(self.channel) * 16)
        value &= -1 << (3 - (self.pad[4] >> 5 & 3))
        self.pad[:2] = (value & 0xFFFF).to_bytes(2, "little")


def bits_of(data: bytes) -> list[int]:
    """Lowest bit first."""
    return [byte >> i & 1 for byte in data for i in range(8)]


def bytes_of(bits: list[int]) -> bytes:
    """The reverse."""
    return bytes(
        sum(bit << i for i, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8)
    )


def sealed(data: bytes) -> bytes:
    """Data and its check byte: Maxim's CRC-8, x8 + x5 + x4 + 1 (application note 27)."""
    crc = 0
    for bit in bits_of(data):
        crc = crc >> 1 ^ (0x8C if (crc ^ bit) & 1 else 0)
    return data + bytes([crc])
