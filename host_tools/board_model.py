"""The form of a board's `"fieldbeat"` map: which keys there are, and of what kind."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from . import partition_table
from .image_info import MEGABYTE
from .validation import Strict

NAME = r"^[a-z][a-z0-9_]{0,31}$"
# Parts that do something: on or off, or anything between.
SWITCHES = ("relay", "modbus_relay", "latching_valve")
GRADUAL = ("two_relay_motor", "pwm_output")
ACTUATORS = SWITCHES + GRADUAL
RMII_PINS = (19, 21, 22, 25, 26, 27)  # ESP32: data lines of its Ethernet MAC, which are fixed

Pin = Field(ge=0, le=48)
MILLIVOLTS = Field(ge=0, le=3300)
ROM = Field(default=None, pattern=r"^[0-9a-f]{16}$", description="16 hex digits, its family first")
POINTS = Field(default=None, min_length=2, max_length=2, description="two voltages in mV")
TRAVEL = Field(default=None, ge=1000, le=1_800_000)
PULSES = Field(default=None, ge=1, le=100_000)


class Micropython(Strict):
    """The official build that belongs to a board."""

    build: str
    version: str
    url: str = Field(pattern=r"^https?://", description="an http or https address")
    sha256: str | None = Field(pattern=r"^[0-9a-f]{64}$", description="64 hex digits or null")
    offset: int = Field(ge=0, le=0x10000)


class Console(Strict):
    """`rx`: the pin at which a byte ends light sleep."""

    baud: int = Field(ge=9600, le=3_000_000)
    rx: int | None = Field(default=None, ge=0, le=48)


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


class Dvp(Strict):
    """A camera's parallel port: data pins, lowest bit first; its clock goes out at `xclk`."""

    kind: Literal["dvp"]
    data: list[Annotated[int, Pin]] = Field(min_length=8, max_length=8, description="eight pins")
    vsync: int = Pin
    href: int = Pin
    pclk: int = Pin
    xclk: int = Pin
    sda: int = Pin
    scl: int = Pin
    xclk_hz: int = Field(ge=6_000_000, le=24_000_000)


class OneWire(Strict):
    """A 1-Wire bus at a pin, with a pull-up of 4.7 kOhm on the board."""

    kind: Literal["onewire"]
    pin: int = Pin


class Rail(Strict):
    """A supply that a pin switches on (high); `settle_ms` until what hangs on it answers."""

    pin: int = Pin
    settle_ms: int = Field(ge=0, le=60_000)


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
    """A BC95 has no power key: it starts with its supply."""

    part: str
    bus: str
    pwrkey: int | None = Field(default=None, ge=0, le=48)
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
    wakes: bool | None = None  # it ends the unit's sleep when it becomes active
    # a line monitor's: from where on there is sound, and what the proof calls 255
    threshold_ma: int | None = Field(default=None, ge=1, le=10_000)
    full_scale_ma: int | None = Field(default=None, ge=1, le=10_000)
    # a level sensor's: mm/s that its surface may rise or fall
    rise_mm_s: int | None = Field(default=None, ge=1, le=1000)
    rail: str | None = None  # what supplies it; always there if absent
    tip_um: int | None = Field(default=None, ge=10, le=10_000)  # a rain gauge's, of rain a tip
    shunt_mohm: int | None = Field(default=None, ge=1_000, le=1_000_000)  # a current loop's
    # an actuator's; `active` is the level at which it is on
    output: int | None = Field(default=None, ge=1, le=64)  # which relay of a relay board
    freq_hz: int | None = Field(default=None, ge=1, le=40_000)  # of a PWM
    # a motor's relays or a latching valve's coils, and the inputs of its end stops
    open: int | None = Field(default=None, ge=0, le=48)
    close: int | None = Field(default=None, ge=0, le=48)
    open_stop: int | None = Field(default=None, ge=0, le=48)
    closed_stop: int | None = Field(default=None, ge=0, le=48)
    pulse_ms: int | None = Field(default=None, ge=5, le=1000)
    travel_ms: int | None = TRAVEL  # a motor's, from end to end
    dead_ms: int | None = Field(default=None, ge=100, le=60_000)  # between two directions
    rom: str | None = ROM  # a DS18B20's, where several are on its wire
    points_mv: list[Annotated[int, MILLIVOLTS]] | None = POINTS  # a voltage probe's own
    pulses_per_l: int | None = PULSES  # a flow meter's
    most_l_min: int | None = Field(default=None, ge=1, le=100_000)  # more is a cable that hums


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
    buses: dict[str, Annotated[I2C | Uart | I2S | Dvp | OneWire, Field(discriminator="kind")]]
    modem: Modem | None = None
    ethernet: Ethernet | None = None
    wifi: bool = False
    rails: dict[str, Rail] = {}
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
        if self.console.rx is not None:
            yield "console.rx", self.console.rx, False
        for name, bus in self.buses.items():
            if isinstance(bus, I2C):
                yield from ((f"{name}.scl", bus.scl, True), (f"{name}.sda", bus.sda, True))
            elif isinstance(bus, I2S):
                yield from ((f"{name}.{key}", getattr(bus, key), True) for key in _I2S_PINS)
            elif isinstance(bus, OneWire):
                yield f"{name}.pin", bus.pin, True
            elif isinstance(bus, Dvp):
                yield from _dvp_pins(name, bus)
            else:
                yield f"{name}.rx", bus.rx, False
                if bus.tx is not None:
                    yield f"{name}.tx", bus.tx, True
                if bus.de is not None:
                    yield f"{name}.de", bus.de, True
        if self.modem:
            if self.modem.pwrkey is not None:
                yield "modem.pwrkey", self.modem.pwrkey, True
            yield "modem.reset", self.modem.reset, True
        if self.ethernet:
            yield from _ethernet_pins(self.ethernet)
        yield from ((f"rails.{name}", rail.pin, True) for name, rail in self.rails.items())
        for name, part in self.fitted.items():
            drives = part.part in ACTUATORS
            for key, output in _PART_PINS:
                pin = getattr(part, key)
                if pin is not None:
                    yield f"{name}.{key}", pin, output or (drives and key == "pin")


_I2S_PINS = ("sck", "ws", "sd")
_PART_PINS = (
    *(("pin", False), ("mute", True), ("relay", True), ("fault", False)),
    *(("open", True), ("close", True), ("open_stop", False), ("closed_stop", False)),
)


def _dvp_pins(name: str, dvp: Dvp) -> Iterator[tuple[str, int, bool]]:
    yield from ((f"{name}.data{bit}", pin, False) for bit, pin in enumerate(dvp.data))
    yield from ((f"{name}.{key}", getattr(dvp, key), False) for key in ("vsync", "href", "pclk"))
    yield from ((f"{name}.{key}", getattr(dvp, key), True) for key in ("xclk", "sda", "scl"))


def _ethernet_pins(ethernet: Ethernet) -> Iterator[tuple[str, int, bool]]:
    yield from (("ethernet.mdc", ethernet.mdc, True), ("ethernet.mdio", ethernet.mdio, True))
    yield "ethernet.ref_clk", ethernet.ref_clk, ethernet.ref_clk_out
    if ethernet.power is not None:
        yield "ethernet.power", ethernet.power, True
    yield from (("ethernet", pin, True) for pin in RMII_PINS)
