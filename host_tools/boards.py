"""Boards: what is soldered, read from the PlatformIO manifests in `boards/`.

Our keys stand under `"fieldbeat"` and reach the device as they are. Everything that a person
could get wrong in them is checked here, so that the device never meets a pin that it does not
have.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import Field

from . import partition_table
from .errors import CannotTry
from .image_info import MEGABYTE
from .validation import InvalidData, Strict, check, did_you_mean

NAME = r"^[a-z][a-z0-9_]{0,31}$"
# Datasheets, pin overview, by chip: the pins that exist, those that only read, those that the
# flash uses, and those that the PSRAM of an ESP32-WROVER uses beside them.
PINS = {
    "esp32": set(range(24)) | {25, 26, 27} | set(range(32, 40)),
    "esp32s3": set(range(22)) | set(range(26, 49)),
}
INPUT_ONLY = {"esp32": set(range(34, 40)), "esp32s3": set()}
FLASH_PINS = {"esp32": set(range(6, 12)), "esp32s3": set(range(26, 33))}
PSRAM_PINS = {"esp32": {16, 17}, "esp32s3": set()}
ADC1_PINS = {"esp32": range(32, 40), "esp32s3": range(1, 11)}
RMII_PINS = (19, 21, 22, 25, 26, 27)  # ESP32: data lines of its Ethernet MAC, which are fixed
ANALOG = ("battery", "line_monitor")  # parts whose pin is an input of the ADC
OVER_WATER = ("a02yyuw",)  # parts that give a level where the config has their datum_mm

Pin = Field(ge=0, le=48)


class Micropython(Strict):
    """The official build that belongs to a board."""

    build: str
    version: str
    url: str = Field(pattern=r"^https?://", description="an http or https address")
    sha256: str | None = Field(pattern=r"^[0-9a-f]{64}$", description="64 hex digits or null")
    offset: int = Field(ge=0, le=0x10000)


class Console(Strict):
    baud: int = Field(ge=9600, le=3_000_000)


class I2C(Strict):
    kind: Literal["i2c"]
    id: int = Field(ge=0, le=1)
    scl: int = Pin
    sda: int = Pin
    freq_hz: int = Field(ge=10_000, le=1_000_000)


class Uart(Strict):
    """One without `tx` only listens."""

    kind: Literal["uart", "rs485"]
    uart: int = Field(ge=1, le=2, description="1 or 2 (0 is the console)")
    tx: int | None = Field(default=None, ge=0, le=48)
    rx: int = Pin
    baud: int = Field(ge=1200, le=3_000_000)
    de: int | None = Field(default=None, ge=0, le=48)
    # Bytes. What does not fit is waited for, and lost; absent: what MicroPython takes, 256.
    txbuf: int | None = Field(default=None, ge=128, le=8192)
    rxbuf: int | None = Field(default=None, ge=128, le=8192)


class I2S(Strict):
    """An output to a DAC; `ibuf` bytes of DMA memory are how late the program may be."""

    kind: Literal["i2s"]
    id: int = Field(ge=0, le=1)
    sck: int = Pin
    ws: int = Pin
    sd: int = Pin
    rate_hz: Literal[8000, 16000]
    ibuf: int = Field(ge=1024, le=65536)


class Ethernet(Strict):
    """A PHY at the ESP32's own MAC; the 50 MHz clock comes in at `ref_clk` or goes out there."""

    phy: Literal["lan8720"]
    phy_addr: int = Field(ge=0, le=31)
    mdc: int = Pin
    mdio: int = Pin
    ref_clk: Literal[0, 16, 17]
    ref_clk_out: bool = False
    power: int | None = Field(default=None, ge=0, le=48)


class Modem(Strict):
    part: str
    bus: str
    pwrkey: int = Pin
    reset: int = Pin


class Part(Strict):
    """One fitted part: on a bus, or on a pin of the chip.

    An amplifier has pins of its own beside its bus. A part is asked only for the keys that its
    driver knows.
    """

    part: str
    enabled: bool = True  # false: fitted where the config says so
    bus: str | None = None
    address: int | None = Field(default=None, ge=1, le=247)
    map: str | None = None
    pin: int | None = Field(default=None, ge=0, le=48)
    numerator: int | None = Field(default=None, ge=1, le=1000)
    denominator: int | None = Field(default=None, ge=1, le=1000)
    # an amplifier's: levels that mute it, close its supply relay and tell its failure are high
    mute: int | None = Field(default=None, ge=0, le=48)
    relay: int | None = Field(default=None, ge=0, le=48)
    fault: int | None = Field(default=None, ge=0, le=48)
    settle_ms: int | None = Field(default=None, ge=0, le=5000)
    codec: str | None = None  # the fitted part between its bus and it
    # a contact's: the level of the pin while it is active
    active: Literal[0, 1] | None = None
    pull: Literal["up"] | None = None
    debounce_ms: int | None = Field(default=None, ge=1, le=5000)
    # a line monitor's: from where on there is sound, and what the proof calls 255
    threshold_ma: int | None = Field(default=None, ge=1, le=10_000)
    full_scale_ma: int | None = Field(default=None, ge=1, le=10_000)
    # a level sensor's: mm/s that its surface may rise or fall
    rise_mm_s: int | None = Field(default=None, ge=1, le=1000)


class Board(Strict):
    """The `"fieldbeat"` map of a manifest; sizes in MiB (flash, PSRAM) and KiB (heap)."""

    id: str = Field(pattern=NAME, description="lower-case letters, digits and '_'")
    chip: Literal["esp32", "esp32s3"]
    flash_mb: Literal[4, 8, 16]
    psram_mb: int = Field(ge=0, le=8)
    heap_kb: int = Field(ge=64, le=8192)
    micropython: Micropython
    partitions: str
    console: Console
    buses: dict[str, Annotated[I2C | Uart | I2S, Field(discriminator="kind")]]
    modem: Modem | None = None
    ethernet: Ethernet | None = None
    wifi: bool = False
    fitted: dict[str, Part]

    @property
    def flash_bytes(self) -> int:
        return self.flash_mb * MEGABYTE

    def partition_table(self) -> list[partition_table.Partition]:
        """Return the board's partitions in the order of their offsets."""
        text = resources.files("fieldbeat.boards").joinpath(self.partitions).read_text("utf-8")
        return partition_table.from_csv(text, f"boards/{self.partitions}")

    def pins(self) -> Iterator[tuple[str, int, bool]]:
        """Yield (who uses it, pin number, whether it is an output) for every pin in use."""
        for name, bus in self.buses.items():
            if isinstance(bus, I2C):
                yield from ((f"{name}.scl", bus.scl, True), (f"{name}.sda", bus.sda, True))
            elif isinstance(bus, I2S):
                yield from ((f"{name}.{key}", getattr(bus, key), True) for key in _I2S_PINS)
            else:
                yield f"{name}.rx", bus.rx, False
                if bus.tx is not None:
                    yield f"{name}.tx", bus.tx, True
                if bus.de is not None:
                    yield f"{name}.de", bus.de, True
        if self.modem:
            yield "modem.pwrkey", self.modem.pwrkey, True
            yield "modem.reset", self.modem.reset, True
        if self.ethernet:
            yield from _ethernet_pins(self.ethernet)
        for name, part in self.fitted.items():
            for key, output in _PART_PINS:
                pin = getattr(part, key)
                if pin is not None:
                    yield f"{name}.{key}", pin, output


_I2S_PINS = ("sck", "ws", "sd")
_PART_PINS = (("pin", False), ("mute", True), ("relay", True), ("fault", False))


def _ethernet_pins(ethernet: Ethernet) -> Iterator[tuple[str, int, bool]]:
    yield from (("ethernet.mdc", ethernet.mdc, True), ("ethernet.mdio", ethernet.mdio, True))
    yield "ethernet.ref_clk", ethernet.ref_clk, ethernet.ref_clk_out
    if ethernet.power is not None:
        yield "ethernet.power", ethernet.power, True
    yield from (("ethernet", pin, True) for pin in RMII_PINS)


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
    yield from _adc_problems(board)
    yield from _partition_problems(board)
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
        maps = resources.files("fieldbeat.drivers.maps")
        if part.map and not maps.joinpath(f"{part.map}.json").is_file():
            yield f"{place} map = '{part.map}': must be a file of drivers/maps/"
    yield from address_problems(board, {name: part.address for name, part in board.fitted.items()})


def _partition_problems(board: Board) -> Iterator[str]:
    try:
        board.partition_table()
    except OSError:
        yield f"partitions = '{board.partitions}': must be a file of boards/"
    except partition_table.PartitionError as error:
        yield error.message


def _reference_problems(place: str, part: str, bus: str | None, board: Board) -> Iterator[str]:
    drivers = resources.files("fieldbeat.drivers")
    if not drivers.joinpath(f"{part}.py").is_file():
        yield f"{place} part = '{part}': must be a driver in drivers/"
    if bus is not None and bus not in board.buses:
        yield f"{place} bus = '{bus}': unknown bus, {did_you_mean(bus, board.buses)}"


def _tx_problems(place: str, part: str, bus: str | None, board: Board) -> Iterator[str]:
    uart = board.buses.get(bus or "")
    if isinstance(uart, Uart) and uart.tx is None and part not in OVER_WATER:
        yield f"{place} bus = '{bus}': without a tx nothing can be sent to the {part}"


def _pin_problems(board: Board) -> Iterator[str]:
    taken: dict[int, str] = {}
    for user, pin, output in board.pins():
        if pin not in PINS[board.chip]:
            yield f"{user} = {pin}: the {board.chip} has no such pin"
        elif pin in FLASH_PINS[board.chip]:
            yield f"{user} = {pin}: this pin belongs to the flash chip"
        elif board.psram_mb and pin in PSRAM_PINS[board.chip]:
            yield f"{user} = {pin}: this pin belongs to the PSRAM"
        elif output and pin in INPUT_ONLY[board.chip]:
            yield f"{user} = {pin}: this pin cannot be an output, use one below 34"
        if pin in taken:
            yield f"{user} = {pin}: {taken[pin]} already uses this pin"
        taken.setdefault(pin, user)


def _adc_problems(board: Board) -> Iterator[str]:
    pins = ADC1_PINS[board.chip]
    for name, part in board.fitted.items():
        if part.part in ANALOG and part.pin is not None and part.pin not in pins:
            yield f"{name}.pin = {part.pin}: must be a pin of ADC1, {pins[0]} to {pins[-1]}"


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
