"""What each part of a unit draws, and how long it takes: the facts that `fieldbeat power` adds up.

All currents are mA out of the battery; linear regulators pass them on as they are. Every entry
has its source; "hypothesis" is a figure as people remember it of a datasheet, to be measured.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass

from .language import tr


@dataclass(frozen=True)
class Chip:
    """The processor: awake, in light and in deep sleep; `boot_s`: out of the deep one."""

    awake_ma: float
    light_ma: float
    deep_ma: float
    boot_s: float
    source: str


@dataclass(frozen=True)
class Modem:
    """An NB-IoT modem: `wake_s` of a wake is spoken with it beside sending and waiting.

    `told` if its answer to a send command comes when the datagram has left, not when it was taken.
    """

    tx_ma: float
    active_ma: float
    idle_ma: float
    psm_ma: float
    wake_s: float
    told: bool
    source: str


@dataclass(frozen=True)
class Part:
    """A sensor or a camera: while it is read, and always where no rail switches it off."""

    on_ma: float
    rest_ma: float
    read_s: float
    source: str


@dataclass(frozen=True)
class Coverage:
    """How well a unit is heard. `lost`: of the datagrams, in each direction."""

    name: str
    uplink_bits_s: float
    setup_s: float  # of a radio connection from idle
    answer_s: float  # from a datagram that has left to the answer
    lost: float


CHIPS = {
    "esp32": Chip(45, 0.8, 0.01, 2.5, tr("ESP32 datasheet, table of power modes; hypothesis")),
    "esp32s3": Chip(40, 0.24, 0.008, 2.5, tr("ESP32-S3 datasheet, power modes; hypothesis")),
}
# Of the radio: 3GPP R1-1701044 and TR 45.820, 5.4: 500 mW sending, 80 mW receiving, 3 mW idle,
# 0.015 mW in power saving, at 3.6 V; hypothesis.
_3GPP = tr("3GPP R1-1701044 at 3.6 V, hypothesis; times as on the bench, whose modems are quick")
MODEMS = {
    "bc26": Modem(139, 22, 0.83, 0.004, 3.9, True, _3GPP),
    "bc95": Modem(139, 22, 0.83, 0.004, 5.1, False, _3GPP),
    "sim7020": Modem(139, 22, 0.83, 0.004, 6.1, False, _3GPP),
}
PARTS = {
    "sht4x": Part(0.4, 0.0001, 0.02, tr("SHT4x datasheet, table 4; hypothesis")),
    "scd4x": Part(
        15, 15, 0.02, tr("SCD4x datasheet: it measures all the time, 15 mA; hypothesis")
    ),
    "bh1750": Part(0.12, 0.001, 0.2, tr("BH1750FVI datasheet; hypothesis")),
    "modbus_probe": Part(
        20, 20, 0.15, tr("5 to 25 mA at 12 V, without a rail all day; hypothesis")
    ),
    "a02yyuw": Part(8, 8, 0.9, "A02YYUW manual: < 8 mA; hypothesis"),
    "current_loop": Part(20, 20, 0.1, tr("4 to 20 mA of the loop itself")),
    "battery": Part(0, 0.004, 0.0, tr("a divider of 1 MOhm; hypothesis")),
    "rain_gauge": Part(0, 0, 0, tr("a reed that is closed for some ms a tip")),
    "sht3x": Part(0.6, 0.0002, 0.02, tr("SHT3x-DIS datasheet, table 3; hypothesis")),
    "bmx280": Part(0.35, 0.0001, 0.02, tr("BME280 datasheet, table 1; hypothesis")),
    "ds18b20": Part(1.0, 0.001, 0.8, tr("DS18B20 datasheet, DC characteristics; hypothesis")),
    "analog_probe": Part(5, 5, 0.01, tr("capacitive soil probes: 5 mA, always; hypothesis")),
    "flow_meter": Part(5, 5, 0, tr("Hall sensor of a YF-S201: below 15 mA; hypothesis")),
    "contact": Part(0, 0, 0, tr("a reed, and a pull-up that is hardly ever closed")),
    "dvp_camera": Part(110, 20, 1.9, tr("OV2640 module with its regulators; hypothesis")),
    "vc0706": Part(80, 80, 5.6, "VC0706 modules: 75 to 90 mA; hypothesis"),
}
NO_PART = Part(0, 0, 0, tr("nothing is known of it, so it costs nothing here"))
QUIESCENT_MA = 0.1  # of a board's regulators and dividers; hypothesis

GOOD = Coverage("good", 20_000, 0.75, 0.5, 0.0)
# 164 dB of coupling loss: 0.37 kbit/s (3GPP R1-1701044); connection and losses are hypotheses.
BAD = Coverage("bad", 370, 5.0, 1.5, 0.05)
# 154 dB, coverage level 1: half-way, as a factor; hypothesis.
FAIR = Coverage("fair", 2_700, 1.9, 0.9, 0.02)
COVERAGES = (GOOD, BAD)

# What a value of a report takes beyond the first one of its channel, in bits; bench weather.
BITS_A_VALUE = {"greenhouse": 3.8, "river": 0.65, "river_radar": 0.65, "river_loop": 0.65}
DEFAULT_BITS = 4.0

FLASH_CYCLES = 100_000  # erases of a block of NOR flash; datasheets of the W25Q family, hypothesis
