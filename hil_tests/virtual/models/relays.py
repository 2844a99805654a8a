"""Relays and lamps at pins, a latching valve, and a relay board on RS485."""

from __future__ import annotations

from functools import partial

from ..plant import Plant
from ..world import World
from .faults import Faults
from .modbus_slave import crc16

READ_COILS, WRITE_COIL = 0x01, 0x05
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
TURNAROUND_US = 8_000
WORKS_US = 15_000  # a relay's armature
BURNS = 5  # a coil that is on for so many of its pulses is gone


class Relay:
    """A relay or transistor at a pin, which a resistor holds open while nobody drives it.

    Faults: `welded` (it stays closed), `dead` (it does not close).
    """

    def __init__(self, world: World, plant: Plant, name: str, active: int) -> None:
        self.world, self.plant, self.name, self.active = world, plant, name, active
        self.faults = Faults(welded=False, dead=False)
        self.closed = False
        plant.put(name, 0, world.now_us)

    def changed(self, level: int) -> None:
        """The pin has another level."""
        on = level == self.active
        if not on and self.closed and self.faults.take("welded"):
            return
        if on and self.faults.take("dead"):
            return
        self.closed = on
        self.plant.put(self.name, float(on), self.world.now_us)

    def released(self) -> None:
        """The chip no longer drives the pin."""
        self.changed(1 - self.active)


class Lamp:
    """What follows the duty of a PWM; a resistor keeps it dark while nobody drives the pin."""

    def __init__(self, world: World, plant: Plant, name: str, active: int) -> None:
        self.world, self.plant, self.name, self.active = world, plant, name, active
        plant.put(name, 0, world.now_us)

    def duty(self, share: float) -> None:
        """The pin is high for this share of the time."""
        value = share if self.active else 1 - share
        self.plant.put(self.name, round(value, 3), self.world.now_us)

    def changed(self, level: int) -> None:
        self.duty(level)

    def released(self) -> None:
        self.duty(1 - self.active)


class LatchingValve:
    """A valve with two coils: half of its pulse moves it, and it stays as it is without power.

    `burnt` counts pulses that were far too long, `shorts` moments with both coils on.
    Faults: `jammed` (no pulse moves it).
    """

    def __init__(self, world: World, plant: Plant, name: str, pulse_ms: int) -> None:
        self.world, self.plant, self.name = world, plant, name
        self.pulse_us = pulse_ms * 1000
        self.faults = Faults(jammed=False)
        self.open = False
        self.pulses: list[tuple[int, str, int]] = []  # us, coil, how long
        self.burnt = self.shorts = 0
        self.coils = {"open": Coil(self, "open"), "close": Coil(self, "close")}
        plant.put(name, 0, world.now_us)

    def coil(self, which: str, on: bool, since_us: int) -> None:
        now_us = self.world.now_us
        if on:
            self.shorts += all(coil.on for coil in self.coils.values())
            return
        for_us = now_us - since_us
        self.pulses.append((since_us, which, for_us))
        self.burnt += for_us > BURNS * self.pulse_us
        if for_us >= self.pulse_us // 2 and not self.faults.take("jammed"):
            self.open = which == "open"
            self.plant.put(self.name, float(self.open), now_us)


class Coil:
    """One coil of a valve at its pin; it is on at a high level."""

    def __init__(self, valve: LatchingValve, which: str) -> None:
        self.valve, self.which, self.on, self.since_us = valve, which, False, 0

    def changed(self, level: int) -> None:
        if bool(level) == self.on:
            return
        self.on = bool(level)
        self.valve.coil(self.which, self.on, self.since_us)
        self.since_us = self.valve.world.now_us

    def released(self) -> None:
        self.changed(0)


class RelayBoard:
    """A Modbus RTU slave with coils; it has its own supply, and keeps them until that is cut.

    `names` tells what hangs on which output, from 1. `writes` lists (us, output, on). With
    `timed_coil`, a write to a coil from there on closes a relay for so many units of time, which
    begin anew with the next one.
    Faults: `unplugged`, `bad_crc`, `slow` (ms more), `stuck` (a coil stays as it was), `poses_as`
    (the address that it puts into its answers), `deaf` (answers, and does nothing).
    """

    def __init__(
        self,
        world: World,
        plant: Plant,
        address: int,
        outputs: int,
        timed_coil: int | None = None,
        timed_unit_ms: int = 100,
    ) -> None:
        self.world, self.plant, self.address = world, plant, address
        self.timed_coil, self.timed_unit_us = timed_coil, timed_unit_ms * 1000
        self.opens_us: dict[int, int] = {}  # by coil, where it was closed for a time
        self.faults = Faults(
            unplugged=False, bad_crc=False, slow=0, stuck=False, poses_as=0, deaf=False
        )
        self.coils = [False] * outputs
        self.names: dict[int, str] = {}
        self.writes: list[tuple[int, int, bool]] = []

    def hang(self, output: int, name: str) -> None:
        """Something hangs on an output."""
        self.names[output] = name
        self.plant.put(name, 0, self.world.now_us)

    def cut(self) -> None:
        """Its supply fails for a moment: all relays open."""
        self.opens_us.clear()
        for coil in range(len(self.coils)):
            self._set(coil, False)

    def respond(self, frame: bytes) -> tuple[int, bytes] | None:
        """Answer one frame; silent to other addresses, bad check sums and broadcasts."""
        if len(frame) < 4 or frame[0] != self.address or crc16(frame) != 0:
            return None
        if self.faults.take("unplugged"):
            return None
        body = self._answer(frame[1], frame[2:-2])
        out = bytes([self.faults.take("poses_as") or self.address]) + body
        out += crc16(out).to_bytes(2, "little")
        if self.faults.take("bad_crc"):
            out = out[:-1] + bytes([out[-1] ^ 0xFF])
        return TURNAROUND_US + 1000 * self.faults.take("slow"), out

    def _answer(self, function: int, body: bytes) -> bytes:
        first, value = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
        if function not in (READ_COILS, WRITE_COIL) or len(body) != 4:
            return bytes([function | 0x80, ILLEGAL_FUNCTION])
        if function == WRITE_COIL:
            return self._write(first, value) or bytes([function]) + body
        if not 1 <= value <= 2000:
            return bytes([function | 0x80, ILLEGAL_VALUE])
        if first + value > len(self.coils):
            return bytes([function | 0x80, ILLEGAL_ADDRESS])
        bits = sum(on << n for n, on in enumerate(self.coils[first : first + value]))
        size = (value + 7) // 8
        return bytes([function, size]) + bits.to_bytes(size, "little")

    def _write(self, coil: int, value: int) -> bytes:
        if self.timed_coil is not None and 0 <= coil - self.timed_coil < len(self.coils):
            self._close_for(coil - self.timed_coil, value)
            return b""
        if coil >= len(self.coils):
            return bytes([WRITE_COIL | 0x80, ILLEGAL_ADDRESS])
        if value not in (0, 0xFF00):
            return bytes([WRITE_COIL | 0x80, ILLEGAL_VALUE])
        self.writes.append((self.world.now_us, coil + 1, bool(value)))
        if not self.faults.take("deaf"):
            self.opens_us.pop(coil, None)
            self.world.call_after(WORKS_US // 2, partial(self._set, coil, bool(value)))
        return b""

    def _close_for(self, coil: int, units: int) -> None:
        self.writes.append((self.world.now_us, coil + 1, True))
        if not self.faults.take("deaf"):
            opens_us = self.world.now_us + units * self.timed_unit_us
            self.opens_us[coil] = opens_us
            self.world.call_after(WORKS_US // 2, partial(self._set, coil, True))
            self.world.call_at(opens_us, partial(self._time_is_over, coil, opens_us))

    def _time_is_over(self, coil: int, opens_us: int) -> None:
        if self.opens_us.get(coil) == opens_us:
            del self.opens_us[coil]
            self._set(coil, False)

    def _set(self, coil: int, on: bool) -> None:
        if on == self.coils[coil] or self.faults.take("stuck"):
            return
        self.coils[coil] = on
        if coil + 1 in self.names:
            self.plant.put(self.names[coil + 1], float(on), self.world.now_us)
