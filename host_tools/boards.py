"""Boards: what is soldered, read from the PlatformIO manifests in `boards/`.

Our keys stand under `"fieldbeat"` and reach the device as they are. Everything that a person
could get wrong in them is checked here, so that the device never meets a pin that it does not
have.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from importlib import resources
from typing import Any

from . import board_pins, field_keys, partition_table, register_map
from .board_model import Board, Part, Uart
from .errors import CannotTry
from .language import tr
from .validation import InvalidData, check, did_you_mean

# Parts that send by themselves and give a level: the nearest and the farthest mm that they see.
TALKERS = {"a02yyuw": (30, 4500)}  # datasheet SEN0311; drivers/a02yyuw.py takes no other
# NAMUR NE 43: what a loop tells beside its span, in parts of it; drivers/current_loop.py.
LOOP_BELOW, LOOP_ABOVE = Fraction(-400, 16_000), Fraction(17_000, 16_000)
CAMERAS = ("vc0706", "dvp_camera")
# Whose data is in a map, and what that has of it.
MAPPED = {
    "modbus_probe": "registers",
    "modbus_relay": "coil",
    "current_loop": "channel",
    "analog_probe": "points",
    **dict.fromkeys(CAMERAS, "sizes"),
}
# What an actuator's driver needs of its part.
NEEDED = {
    "relay": ("pin", "active"),
    "modbus_relay": ("bus", "address", "output"),
    "latching_valve": ("open", "close", "pulse_ms"),
    "two_relay_motor": ("open", "close", "active", "travel_ms", "dead_ms"),
    "pwm_output": ("pin", "freq_hz"),
}


def names() -> list[str]:
    """Return the names of all boards."""
    folder = resources.files("fieldbeat.boards")
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".json"))


def must_exist(name: str) -> None:
    """Raise CannotTry unless there is a board of that name."""
    if name not in names():
        message = tr("there is no board '{name}', {did_you_mean}").format(
            name=name, did_you_mean=did_you_mean(name, names())
        )
        raise CannotTry(message, tr("see 'fieldbeat boards'"))


def manifest(name: str) -> dict[str, Any]:
    """Return a board's whole PlatformIO manifest.

    Raises:
        CannotTry: there is no such board, or its file is no JSON.
    """
    must_exist(name)
    text = resources.files("fieldbeat.boards").joinpath(f"{name}.json").read_text("utf-8")
    try:
        return json.loads(text)
    except ValueError as error:
        raise CannotTry(
            tr("boards/{name}.json is no JSON: {error}").format(name=name, error=error),
            tr("correct the file"),
        ) from None


def device_map(name: str) -> dict[str, Any]:
    """Return the map that the device gets: the manifest's `"fieldbeat"` key, checked."""
    load(name)
    return manifest(name)["fieldbeat"]


def load(name: str) -> Board:
    """Return a board by name, checked.

    Raises:
        CannotTry: there is no such board.
        InvalidData: its manifest has mistakes.
    """
    return parse(manifest(name), f"boards/{name}.json", name)


def parse(data: dict[str, Any], source: str, name: str) -> Board:
    """Check a manifest that was read already; `source` names it in messages."""
    missing = [key for key in ("name", "vendor", "url", "fieldbeat") if key not in data]
    if missing:
        raise InvalidData(source, [tr("{key}: missing").format(key=key) for key in missing])
    board = check(Board, data["fieldbeat"], source)
    problems = list(_problems(board, name))
    if problems:
        raise InvalidData(source, problems)
    return board


def _problems(board: Board, name: str) -> Iterator[str]:
    if board.id != name:
        yield tr("id = '{id}': must be '{name}', as the file is named").format(
            id=board.id, name=name
        )
    if board.ethernet and board.chip != "esp32":
        yield tr("[ethernet]: the {chip} has no Ethernet MAC").format(chip=board.chip)
    yield from board_pins.problems(board)
    yield from _partition_problems(board)
    yield from _uart_problems(board)
    users = {f"[fitted.{name}]": part for name, part in board.fitted.items()}
    if board.modem:
        yield from _reference_problems("[modem]", board.modem.part, board.modem.bus, board)
        yield from _tx_problems("[modem]", board.modem.part, board.modem.bus, board)
    for place, part in users.items():
        yield from _reference_problems(place, part.part, part.bus, board)
        yield from _tx_problems(place, part.part, part.bus, board)
        if sum(where is not None for where in (part.bus, part.pin, part.open)) != 1:
            yield tr("{place}: must have either a bus or a pin").format(place=place)
        yield from (
            tr("{place} {key}: missing, a {part} needs it").format(
                place=place, key=key, part=part.part
            )
            for key in NEEDED.get(part.part, ())
            if getattr(part, key) is None
        )
        if part.codec is not None and part.codec not in board.fitted:
            near = did_you_mean(part.codec, board.fitted)
            yield tr("{place} codec = '{codec}': no fitted part, {near}").format(
                place=place, codec=part.codec, near=near
            )
        yield from _map_problems(place, part)
        if part.rail is not None and part.rail not in board.rails:
            near = did_you_mean(part.rail, board.rails)
            yield tr("{place} rail = '{rail}': unknown rail, {near}").format(
                place=place, rail=part.rail, near=near
            )
    yield from field_keys.board_problems(board.fitted)
    yield from address_problems(board, {name: part.address for name, part in board.fitted.items()})


def _partition_problems(board: Board) -> Iterator[str]:
    try:
        board.partition_table()
    except OSError:
        yield tr("partitions = '{partitions}': must be a file of boards/").format(
            partitions=board.partitions
        )
    except partition_table.PartitionError as error:
        yield error.message


def _map_problems(place: str, part: Part) -> Iterator[str]:
    if part.map is None:
        if part.part in MAPPED:
            yield tr("{place} map: missing, must be a file of drivers/maps/").format(place=place)
        return
    try:
        found = _map(part)
    except FileNotFoundError:
        yield tr("{place} map = '{map}': must be a file of drivers/maps/").format(
            place=place, map=part.map
        )
        return
    except ValueError as error:
        yield tr("{place} map = '{map}': is no JSON: {error}").format(
            place=place, map=part.map, error=error
        )
        return
    key = MAPPED.get(part.part)
    if key and key not in found:
        yield tr("{place} map = '{map}': has no {key}, which a {part} needs").format(
            place=place, map=part.map, key=key, part=part.part
        )
    elif key == "registers":
        try:
            check(register_map.RegisterMap, found, part.map)
        except InvalidData as error:
            yield from (f"{place} map = '{part.map}': {each}" for each in error.problems)
    elif part.output is not None and part.output > found.get("outputs", part.output):
        yield tr("{place} output = {output}: {map} has {count}").format(
            place=place, output=part.output, map=part.map, count=found["outputs"]
        )


def measures_level(part: Part) -> bool:
    """Whether it gives the level of water where the config has its `datum_mm`."""
    return "level" in _map(part) if part.map else part.part in TALKERS


def level_range_mm(part: Part, datum_mm: int) -> tuple[int, int] | None:
    """Return the lowest and the highest level that it can tell; None where its data says none."""
    if part.map is None:
        nearest, farthest = TALKERS[part.part]
        return datum_mm - farthest, datum_mm - nearest
    found = _map(part)
    loop = found.get("channel")
    if loop is None:
        return None
    low, span = loop["at_4_ma"], loop["at_20_ma"] - loop["at_4_ma"]
    sign = found["level"]["sign"] * Fraction(1000, loop["scale"])
    ends = [datum_mm + round(sign * (low + span * end)) for end in (LOOP_BELOW, LOOP_ABOVE)]
    return min(ends), max(ends)


def largest_frame(camera: Part) -> tuple[int, int]:
    """Return width and height in pixels of what a camera gives at most."""
    size = _map(camera)["sizes"][-1]
    return size["width"], size["height"]


def points(probe: Part) -> list[list[int]]:
    """Return the two points of a voltage probe: mV, and counts of its channel."""
    return _map(probe)["points"]


def opens_by_itself(relay: Part) -> bool:
    """Whether a relay of a relay board opens when nobody tells it to stay closed."""
    return "timed_coil" in _map(relay)


def _map(part: Part) -> dict[str, Any]:
    file = resources.files("fieldbeat.drivers.maps").joinpath(f"{part.map}.json")
    return json.loads(file.read_text("utf-8"))


def _uart_problems(board: Board) -> Iterator[str]:
    """Parts take turns on a UART of several buses; a modem talks when it likes."""
    modem = board.buses.get(board.modem.bus) if board.modem else None
    if not isinstance(modem, Uart):
        return
    for name, bus in board.buses.items():
        if isinstance(bus, Uart) and bus.uart == modem.uart and bus is not modem:
            yield tr("[buses.{name}] uart = {uart}: the modem needs it for itself").format(
                name=name, uart=modem.uart
            )


def _reference_problems(place: str, part: str, bus: str | None, board: Board) -> Iterator[str]:
    drivers = resources.files("fieldbeat.drivers")
    if not drivers.joinpath(f"{part}.py").is_file():
        yield tr("{place} part = '{part}': must be a driver in drivers/").format(
            place=place, part=part
        )
    if bus is not None and bus not in board.buses:
        yield tr("{place} bus = '{bus}': unknown bus, {did_you_mean}").format(
            place=place, bus=bus, did_you_mean=did_you_mean(bus, board.buses)
        )


def _tx_problems(place: str, part: str, bus: str | None, board: Board) -> Iterator[str]:
    uart = board.buses.get(bus or "")
    if isinstance(uart, Uart) and uart.tx is None and part not in TALKERS:
        yield tr("{place} bus = '{bus}': without a tx nothing can be sent to the {part}").format(
            place=place, bus=bus, part=part
        )


def address_problems(board: Board, addresses: dict[str, int | None]) -> Iterator[str]:
    """Yield what is wrong with the addresses of fitted parts, given as name -> address."""
    taken: dict[tuple[str, int], str] = {}
    for name, address in addresses.items():
        bus = board.fitted[name].bus
        if address is None or bus is None or bus not in board.buses:
            continue
        low, high = (0x08, 0x77) if board.buses[bus].kind == "i2c" else (1, 247)
        if not low <= address <= high:
            yield tr(
                "[fitted.{name}] address = {address}: must be {low} to {high} on {bus}"
            ).format(name=name, address=address, low=low, high=high, bus=bus)
        part, other = board.fitted[name], board.fitted[taken.setdefault((bus, address), name)]
        if part.part == other.part == "modbus_relay":  # relays of a relay board have one address
            if part.map != other.map:
                yield tr(
                    "[fitted.{name}] map = '{map}': '{taken}' has {other} at the same address, "
                    "and a relay board has one map"
                ).format(name=name, map=part.map, taken=taken[bus, address], other=other.map)
        elif other is not part:
            yield tr("[fitted.{name}] address = {address}: '{taken}' has it on {bus}").format(
                name=name, address=address, taken=taken[bus, address], bus=bus
            )
