"""The modem policy of a station: the table [modem] of its config, and what the device gets of it.

Sources: 3GPP TS 24.008, 10.5.7.4 and 10.5.7.4a (timers), 10.5.5.32 (eDRX); the commands that
choose bands, as makers' manuals have them (hypotheses: see `Facts`).
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from .language import tr
from .power_table import BatteryMv
from .validation import Strict
from .wording import one_of

if TYPE_CHECKING:
    from .node_config import NodeConfig

DAY_S = 86_400
# Units of the timers: three bits and how many seconds one is worth; five bits count them.
ACTIVE_UNITS_S = {0b010: 360, 0b001: 60, 0b000: 2}  # T3324
PERIODIC_UNITS_S = {  # T3412 extended
    0b110: 1_152_000,
    0b010: 36_000,
    0b001: 3600,
    0b000: 600,
    0b101: 60,
    0b100: 30,
    0b011: 2,
}
MOST = 31  # of a unit
ALWAYS_S = 1_000_000  # longer than any pause of a unit, and in ms a small number on a chip
EDRX_CODES = {  # of NB-S1, by centiseconds
    2048: "0010",
    4096: "0011",
    8192: "0101",
    16384: "1001",
    32768: "1010",
    65536: "1011",
    131072: "1100",
    262144: "1101",
    524288: "1110",
    1048576: "1111",
}
RELEASES = ("none", "uplink", "downlink")
NB_BANDS = frozenset(  # TS 36.101, 5.5F; 253 to 255 by satellite (TS 36.102)
    (1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 14, 17, 18, 19, 20, 21, 24, 25, 26, 28, 31, 41, 42, 43, 48)
    + (54, 65, 66, 70, 71, 72, 73, 74, 85, 87, 88, 103, 106, 253, 254, 255)
)
Band = Annotated[int, Field(ge=1, le=255)]


@dataclass(frozen=True)
class Facts:
    """What differs between modems: bytes of a datagram (MAX_DATAGRAM of the driver), how it is
    told its bands, whether their number goes first, what makes them take effect, and the baud that
    it is brought to (FAST_BAUD of the driver)."""

    datagram_bytes: int
    bands: str
    counted: bool = False
    restart: str | None = None
    fast_baud: int = 0


MODEMS = {
    "bc26": Facts(512, "+QBAND", counted=True),
    "bc95": Facts(512, "+NBAND", restart="AT+NRB", fast_baud=57_600),
    "sim7020": Facts(512, "+CBAND"),
}


class Modem(Strict):
    """How much a modem may sleep, try and send; absent: as every station does.

    `psm_periodic_s` = 0: no power saving. `edrx_s`: absent leaves it to the modem, 0 is off.
    `release`: what lets the radio go after the last datagram. `bands`: none, all. `backoff_s`:
    the first pause after a network was not found or refused the unit; each is twice as long as
    the one before, up to `backoff_max_s`; 0: it tries at every wake. `retry_bytes_day`: for
    datagrams that are sent again because no answer came; absent: what [uplink] allows.
    `last_gasp_mv`: below it the unit says so once, and then only alarms; 0: never.
    """

    psm_active_s: int = Field(default=60, ge=0, le=MOST * 360)
    psm_periodic_s: int = Field(default=3600, ge=0, le=MOST * 1_152_000)
    edrx_s: float | None = Field(default=None, ge=0, le=10485.76)
    release: Literal["none", "uplink", "downlink"] = "downlink"
    bands: list[Band] = Field(default=[], max_length=16)
    backoff_s: int = Field(default=0, ge=0, le=DAY_S)
    backoff_max_s: int = Field(default=21_600, ge=60, le=7 * DAY_S)
    retry_bytes_day: int | None = Field(default=None, ge=0, le=10_000_000)
    last_gasp_mv: BatteryMv = 0

    @property
    def reachable_s(self) -> int:
        """How long a modem that was let go can be reached before it sleeps."""
        return self.psm_active_s if self.psm_periodic_s else ALWAYS_S

    def to_device_map(self, part: str) -> dict[str, Any]:
        """Return it as the unit keeps it: settings as the modem is told them."""
        power: list[Any] = ["+CPSMS", 0]
        if self.psm_periodic_s:
            periodic = timer_bits(self.psm_periodic_s, PERIODIC_UNITS_S)
            active = timer_bits(self.psm_active_s, ACTIVE_UNITS_S)
            power = ["+CPSMS", 1, None, None, periodic, active]
        settings = [power]
        if self.edrx_s is not None:
            code = EDRX_CODES.get(_centiseconds(self.edrx_s))
            settings.append(["+CEDRXS", 1, 5, code] if code else ["+CEDRXS", 0, 5])
        facts, bands = MODEMS[part], list(self.bands)
        told = {
            "settings": settings,
            "bands": [facts.bands, *([len(bands)] if facts.counted else []), *bands],
            "restart": facts.restart,
            "release": RELEASES.index(self.release),
            "backoff_s": self.backoff_s,
            "backoff_max_s": self.backoff_max_s,
            "retry_bytes_day": self.retry_bytes_day,
            "last_gasp_mv": self.last_gasp_mv,
            "reachable_s": self.reachable_s,
        }
        if not bands:
            del told["bands"], told["restart"]
        return {key: value for key, value in told.items() if value is not None}


def timer_bits(seconds: int, units_s: dict[int, int]) -> str | None:
    """Return a timer as its eight bits, in the largest unit that fits; None if none does."""
    for bits, unit_s in sorted(units_s.items(), key=lambda item: -item[1]):
        if seconds % unit_s == 0 and seconds // unit_s <= MOST and (seconds or unit_s == 2):
            return f"{bits:03b}{seconds // unit_s:05b}"
    return None


def nearest(seconds: int, units_s: dict[int, int]) -> str:
    """Return the encodable times below and above one, for a message."""
    times = {unit_s * n for unit_s in units_s.values() for n in range(1, MOST + 1)}
    below = [t for t in times if t < seconds]
    above = [t for t in times if t > seconds]
    return one_of(str(t) for t in (max(below, default=0), min(above, default=0)) if t)


def _centiseconds(seconds: float) -> int:
    return round(100 * seconds)


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield what no modem could be told, would contradict itself, or is of no use on this unit."""
    table, board = config.tables.modem, config.board
    if table is None:
        return
    if board.modem is None or config.profile.role == "speaker":
        yield tr("[modem]: {id} has no use for it as a {role}, remove it").format(
            id=board.id, role=config.profile.role
        )
    yield from _timer_problems(table)
    if len(set(table.bands)) < len(table.bands):
        yield tr("[modem] bands = {bands}: one is there twice").format(bands=table.bands)
    if table.backoff_s > table.backoff_max_s:
        yield (
            tr(
                "[modem] backoff_s = {backoff_s}: must be at most backoff_max_s, which "
                "is {backoff_max_s}"
            ).format(backoff_s=table.backoff_s, backoff_max_s=table.backoff_max_s)
        )
    if table.last_gasp_mv and not any(
        channel.name == "battery" and channel.unit == "V" for channel in config.profile.channels
    ):
        yield (
            tr(
                "[modem] last_gasp_mv = {last_gasp_mv}: profile '{id}' has no channel "
                "'battery' in V"
            ).format(last_gasp_mv=table.last_gasp_mv, id=config.profile.id)
        )


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield bands in which there is no NB-IoT: a unit with none but these finds no network."""
    table = config.tables.modem
    strange = [str(band) for band in (table.bands if table else []) if band not in NB_BANDS]
    if strange:
        yield tr("[modem] bands: NB-IoT has no band {bands} (TS 36.101)").format(
            bands=", ".join(strange)
        )


def _timer_problems(table: Modem) -> Iterator[str]:
    timers = {
        "psm_active_s": (table.psm_active_s, ACTIVE_UNITS_S),
        "psm_periodic_s": (table.psm_periodic_s, PERIODIC_UNITS_S),
    }
    for key, (seconds, units_s) in timers.items():
        if timer_bits(seconds, units_s) is None:
            yield (
                tr(
                    "[modem] {key} = {seconds}: cannot be told to a network (TS 24.008), "
                    "choose {nearest}"
                ).format(key=key, seconds=seconds, nearest=nearest(seconds, units_s))
            )
    if 0 < table.psm_periodic_s <= table.psm_active_s:
        yield (
            tr(
                "[modem] psm_periodic_s = {psm_periodic_s}: must be above psm_active_s, "
                "which is {psm_active_s} (0: no power saving)"
            ).format(psm_periodic_s=table.psm_periodic_s, psm_active_s=table.psm_active_s)
        )
    cycle = table.edrx_s
    if cycle and _centiseconds(cycle) not in EDRX_CODES:
        known = ", ".join(f"{code / 100:g}" for code in EDRX_CODES)
        yield tr(
            "[modem] edrx_s = {cycle:g}: must be 0 or one of {known} (TS 24.008, 10.5.5.32)"
        ).format(cycle=cycle, known=known)
    elif cycle and table.psm_periodic_s and cycle > table.psm_active_s:
        yield (
            tr(
                "[modem] edrx_s = {cycle:g}: longer than psm_active_s, so the modem "
                "would fall asleep before it has listened once"
            ).format(cycle=cycle)
        )
