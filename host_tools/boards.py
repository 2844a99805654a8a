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

from . import partition_table
from .board_model import Board, Part, Uart
from .errors import CannotTry
from .validation import InvalidData, check, did_you_mean

# Datasheets, pin overview, by chip: the pins that exist, those that only read, those that the
# flash uses, and those that the PSRAM of an ESP32-WROVER uses beside them.
PINS = {
    "esp32": set(range(24)) | {25, 26, 27} | set(range(32, 40)),
    "esp32s3": set(range(22)) | set(range(26, 49)),
}
INPUT_ONLY = {"esp32": set(range(34, 40)), "esp32s3": set()}
FLASH_PINS = {"esp32": set(range(6, 12)), "esp32s3": set(range(26, 33))}
PSRAM_PINS = {"esp32": {16, 17}, "esp32s3": set()}
OCTAL_PSRAM_PINS = set(range(33, 38))  # ESP32-S3: that of 8 MB has eight lines
# Those that work in deep sleep: datasheets, RTC pins.
RTC_PINS = {
    "esp32": {0, 2, 4, *range(12, 16), *range(25, 28), *range(32, 40)},
    "esp32s3": set(range(22)),
}
ADC1_PINS = {"esp32": range(32, 40), "esp32s3": range(1, 11)}
ANALOG = ("battery", "line_monitor", "current_loop")  # their pin is an input of the ADC
# Parts that send by themselves and give a level: the nearest and the farthest mm that they see.
TALKERS = {"a02yyuw": (30, 4500)}  # datasheet SEN0311; drivers/a02yyuw.py takes no other
# NAMUR NE 43: what a loop tells beside its span, in parts of it; drivers/current_loop.py.
LOOP_BELOW, LOOP_ABOVE = Fraction(-400, 16_000), Fraction(17_000, 16_000)
CAMERAS = ("vc0706", "dvp_camera")
MAPPED = ("modbus_probe", "current_loop", *CAMERAS)  # whose data is in a map


def names() -> list[str]:
    """Return the names of all boards."""
    folder = resources.files("fieldbeat.boards")
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".json"))


def must_exist(name: str) -> None:
    """Raise CannotTry unless there is a board of that name."""
    if name not in names():
        message = f"there is no board '{name}', {did_you_mean(name, names())}"
        raise CannotTry(message, "see 'fieldbeat boards'")


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
        raise CannotTry(f"boards/{name}.json is no JSON: {error}", "correct the file") from None


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
        raise InvalidData(source, [f"{key}: missing" for key in missing])
    board = check(Board, data["fieldbeat"], source)
    problems = list(_problems(board, name))
    if problems:
        raise InvalidData(source, problems)
    return board


def _problems(board: Board, name: str) -> Iterator[str]:
    if board.id != name:
        yield f"id = '{board.id}': must be '{name}', as the file is named"
    if board.ethernet and board.chip != "esp32":
        yield f"[ethernet]: the {board.chip} has no Ethernet MAC"
    yield from _pin_problems(board)
    yield from _input_problems(board)
    yield from _wake_problems(board)
    yield from _partition_problems(board)
    yield from _uart_problems(board)
    users = {f"[fitted.{name}]": part for name, part in board.fitted.items()}
    if board.modem:
        yield from _reference_problems("[modem]", board.modem.part, board.modem.bus, board)
        yield from _tx_problems("[modem]", board.modem.part, board.modem.bus, board)
    for place, part in users.items():
        yield from _reference_problems(place, part.part, part.bus, board)
        yield from _tx_problems(place, part.part, part.bus, board)
        if (part.bus is None) == (part.pin is None):
            yield f"{place}: must have either a bus or a pin"
        if part.codec is not None and part.codec not in board.fitted:
            near = did_you_mean(part.codec, board.fitted)
            yield f"{place} codec = '{part.codec}': no fitted part, {near}"
        yield from _map_problems(place, part)
        if part.rail is not None and part.rail not in board.rails:
            near = did_you_mean(part.rail, board.rails)
            yield f"{place} rail = '{part.rail}': unknown rail, {near}"
    yield from address_problems(board, {name: part.address for name, part in board.fitted.items()})


def _partition_problems(board: Board) -> Iterator[str]:
    try:
        board.partition_table()
    except OSError:
        yield f"partitions = '{board.partitions}': must be a file of boards/"
    except partition_table.PartitionError as error:
        yield error.message


def _map_problems(place: str, part: Part) -> Iterator[str]:
    maps = resources.files("fieldbeat.drivers.maps")
    if part.map and not maps.joinpath(f"{part.map}.json").is_file():
        yield f"{place} map = '{part.map}': must be a file of drivers/maps/"
    if part.map is None and part.part in MAPPED:
        yield f"{place} map: missing, must be a file of drivers/maps/"


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
            yield f"[buses.{name}] uart = {modem.uart}: the modem needs it for itself"


def _reference_problems(place: str, part: str, bus: str | None, board: Board) -> Iterator[str]:
    drivers = resources.files("fieldbeat.drivers")
    if not drivers.joinpath(f"{part}.py").is_file():
        yield f"{place} part = '{part}': must be a driver in drivers/"
    if bus is not None and bus not in board.buses:
        yield f"{place} bus = '{bus}': unknown bus, {did_you_mean(bus, board.buses)}"


def _tx_problems(place: str, part: str, bus: str | None, board: Board) -> Iterator[str]:
    uart = board.buses.get(bus or "")
    if isinstance(uart, Uart) and uart.tx is None and part not in TALKERS:
        yield f"{place} bus = '{bus}': without a tx nothing can be sent to the {part}"


def _pin_problems(board: Board) -> Iterator[str]:
    taken: dict[int, str] = {}
    for user, pin, output in board.pins():
        if pin not in PINS[board.chip]:
            yield f"{user} = {pin}: the {board.chip} has no such pin"
        elif pin in FLASH_PINS[board.chip]:
            yield f"{user} = {pin}: this pin belongs to the flash chip"
        elif pin in _psram_pins(board):
            yield f"{user} = {pin}: this pin belongs to the PSRAM"
        elif output and pin in INPUT_ONLY[board.chip]:
            yield f"{user} = {pin}: this pin cannot be an output, use one below 34"
        if pin in taken:
            yield f"{user} = {pin}: {taken[pin]} already uses this pin"
        taken.setdefault(pin, user)


def _psram_pins(board: Board) -> set[int]:
    if board.chip == "esp32s3" and board.psram_mb == 8:
        return OCTAL_PSRAM_PINS
    return PSRAM_PINS[board.chip] if board.psram_mb else set()


def _input_problems(board: Board) -> Iterator[str]:
    pins, rtc = ADC1_PINS[board.chip], RTC_PINS[board.chip]
    for name, part in board.fitted.items():
        if part.part == "rain_gauge" and part.pin is not None and part.pin not in rtc:
            yield f"{name}.pin = {part.pin}: must be an RTC pin, no other one wakes the chip"
        if part.part in ANALOG and part.pin is not None and part.pin not in pins:
            yield f"{name}.pin = {part.pin}: must be a pin of ADC1, {pins[0]} to {pins[-1]}"


def _wake_problems(board: Board) -> Iterator[str]:
    rtc = RTC_PINS[board.chip]
    waking = {name: part for name, part in board.fitted.items() if part.wakes}
    for name, part in waking.items():
        if part.pin is None or part.pin not in rtc:
            pins = ", ".join(map(str, sorted(rtc)))
            yield f"{name}.wakes: needs a pin that works in deep sleep, on {board.chip}: {pins}"
    low = [name for name, part in waking.items() if part.active == 0]
    if len(low) > 1:
        yield f"{' and '.join(low)}: only one contact that is active when low can end a sleep"


def address_problems(board: Board, addresses: dict[str, int | None]) -> Iterator[str]:
    """Yield what is wrong with the addresses of fitted parts, given as name -> address."""
    taken: dict[tuple[str, int], str] = {}
    for name, address in addresses.items():
        bus = board.fitted[name].bus
        if address is None or bus is None or bus not in board.buses:
            continue
        low, high = (0x08, 0x77) if board.buses[bus].kind == "i2c" else (1, 247)
        if not low <= address <= high:
            yield f"[fitted.{name}] address = {address}: must be {low} to {high} on {bus}"
        if (bus, address) in taken:
            yield f"[fitted.{name}] address = {address}: '{taken[bus, address]}' has it on {bus}"
        taken[bus, address] = name
