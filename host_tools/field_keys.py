"""What boards and node configs say of wired thermometers, probes, flow meters and motors."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .board_model import Part
from .language import tr

if TYPE_CHECKING:
    from .node_config import NodeConfig

# Which part knows a key.
OWNERS = {
    "rom": "ds18b20",
    "points_mv": "analog_probe",
    "pulses_per_l": "flow_meter",
    "travel_ms": "two_relay_motor",
}
FAMILY = 0x28  # of a DS18B20's ROM
LEAST_SPAN_MV = 50  # of a voltage probe's points; less is typed in V


def board_problems(fitted: dict[str, Part]) -> Iterator[str]:
    """Yield what is wrong with a manifest's own values."""
    for name, part in fitted.items():
        if part.part == "flow_meter" and part.pulses_per_l is None:
            yield tr(
                "[fitted.{name}] pulses_per_l: missing, its label or data sheet says how many"
            ).format(name=name)
        if part.rom is not None:
            yield from _rom_problems(name, part.rom)


def config_problems(config: NodeConfig) -> Iterator[str]:
    """Yield what is wrong with a unit's values, and which thermometers must have a ROM."""
    for name, override in config.tables.fitted.items():
        part = config.board.fitted.get(name)
        for key, owner in OWNERS.items():
            value = getattr(override, key)
            if part is not None and value is not None and part.part != owner:
                yield tr(
                    "[fitted.{name}] {key} = {value}: only {owner} knows it, remove it"
                ).format(name=name, key=key, value=value, owner=owner)
        if override.rom is not None:
            yield from _rom_problems(name, override.rom)
        points = override.points_mv
        if points and abs(points[0] - points[1]) < LEAST_SPAN_MV:
            yield tr(
                "[fitted.{name}] points_mv = {points_mv}: must be two voltages in mV, {least} "
                "apart or more: 2480 for 2.48 V"
            ).format(name=name, points_mv=points, least=LEAST_SPAN_MV)
    yield from _shared_wires(config)


def _shared_wires(config: NodeConfig) -> Iterator[str]:
    found: dict[tuple[str, str], str] = {}
    wires = [part.bus for part in config.enabled.values() if part.part == "ds18b20"]
    for name, part in config.enabled.items():
        if part.part != "ds18b20" or part.bus is None or wires.count(part.bus) < 2:
            continue
        override = config.tables.fitted.get(name)
        rom = (override.rom if override else None) or part.rom
        if rom is None:
            pin = config.board.buses[part.bus].pin  # type: ignore[union-attr]
            yield (
                tr(
                    "[fitted.{name}] rom: missing, {bus} has several; which there are: "
                    "mpremote exec 'import machine, onewire; print([bytes(rom).hex() for rom "
                    "in onewire.OneWire(machine.Pin({pin})).scan()])'"
                ).format(name=name, bus=part.bus, pin=pin)
            )
        elif (part.bus, rom) in found:
            yield tr("[fitted.{name}] rom = '{rom}': '{found}' has it on {bus}").format(
                name=name, rom=rom, found=found[part.bus, rom], bus=part.bus
            )
        else:
            found[part.bus, rom] = name


def _rom_problems(name: str, rom: str) -> Iterator[str]:
    data = bytes.fromhex(rom)
    if data[0] != FAMILY:
        yield tr(
            "[fitted.{name}] rom = '{rom}': must begin with 28, as each DS18B20's does"
        ).format(name=name, rom=rom)
    elif crc8(data[:-1]) != data[-1]:
        yield tr("[fitted.{name}] rom = '{rom}': its check byte is wrong, look for a slip").format(
            name=name, rom=rom
        )


def crc8(data: Iterable[int]) -> int:
    """Maxim's CRC-8 (application note 27): x8 + x5 + x4 + 1, lowest bit first, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc
