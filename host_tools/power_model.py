"""Predicts a day of a unit as an `energy.Ledger`, which is what the unit itself keeps.

So both can be compared, and one function makes milliamp hours of either. What a unit does is known
(`power_day.py`, `power_radio.py`, `power_chip.py`); how long its parts take and how well it is
heard are the facts of `currents.py`. Not foreseen: faults, people, a second flood in a day.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import boards, currents, power_chip, power_day
from .currents import Coverage
from .energy import Ledger
from .power_day import DAY_S, Day
from .power_radio import ACK_BYTES, HEADER_BYTES, Radio

if TYPE_CHECKING:
    from .board_model import Part
    from .node_config import NodeConfig

DATAGRAM_BYTES = 480  # of a full one


@dataclass(frozen=True)
class Prediction:
    """A day in some coverage: what the unit will tell, and what a network will count."""

    day: Day
    ledger: Ledger
    air_bytes: float  # both ways, with the headers of IP and UDP


def predict(
    config: NodeConfig,
    coverage: Coverage,
    fast_h: float = 0.0,
    starts: int = 0,
    boot_s: float | None = None,
    offset_s: float | None = None,
) -> Prediction:
    """Predict a day.

    Args:
        fast_h: hours of flood, for a station with a pace.
        starts: of the unit in this day.
        boot_s: out of a deep sleep, in place of what is known of the chip.
        offset_s: of the modem's wakes in their interval, in place of a mean of several.
    """
    day = power_day.day_of(config, fast_h, starts)
    radio = Radio(config, day, coverage)
    chip = currents.CHIPS[config.board.chip]
    power = config.tables.power
    mode, window_s = (power.sleep, power.window_s) if power else ("never", 0)
    round_s, shot_s = reading_s(config), _shot_s(config)
    places = [offset_s] if offset_s is not None else power_chip.offsets(config.uplink_interval_s)
    days = [
        power_chip.rehearse(
            power_chip.plan(day, round_s, shot_s, radio.wake_s, place, window_s),
            mode,
            chip.boot_s if boot_s is None else boot_s,
        )
        for place in places
    ]
    awake_s = sum(each[0] for each in days) / len(days)
    sleeps = sum(each[1] for each in days) / len(days)
    radio_s = {"tx": radio.tx_s, "active": radio.active_s, "idle": radio.idle_s}
    ledger = Ledger(
        DAY_S,
        awake_s,
        DAY_S - awake_s if mode == "light" else 0.0,
        DAY_S - awake_s if mode == "deep" else 0.0,
        round(sleeps) if mode == "deep" else 0,
        radio_s | {"psm": max(0.0, DAY_S - sum(radio_s.values()))},
        _rails_s(config, day, shot_s),
        day.pictures * shot_s,
        round(radio.bytes_sent),
        round(day.wakes),
    )
    headers = HEADER_BYTES * (radio.datagrams + radio.answers)
    return Prediction(day, ledger, radio.bytes_sent + ACK_BYTES * radio.answers + headers)


def facts(part: Part) -> currents.Part:
    return currents.PARTS.get(part.part, currents.NO_PART)


def _once_s(config: NodeConfig, part: Part) -> float:
    """A reading, from the moment at which its rail is switched on."""
    settle_ms = config.board.rails[part.rail].settle_ms if part.rail else 0
    return settle_ms / 1000 + facts(part).read_s


def _measured(config: NodeConfig) -> Iterator[Part]:
    """The parts that a round reads, one after the other."""
    read = {channel.part for channel in config.profile.channels}
    yield from (part for name, part in config.enabled.items() if name in read)


def reading_s(config: NodeConfig) -> float:
    return sum(_once_s(config, part) for part in _measured(config))


def _shot_s(config: NodeConfig) -> float:
    camera = config.enabled.get("camera")
    return _once_s(config, camera) if camera else 0.0


def _rails_s(config: NodeConfig, day: Day, shot_s: float) -> dict[str, float]:
    found = dict.fromkeys(config.board.rails, 0.0)
    for part in _measured(config):
        if part.rail:
            found[part.rail] += (day.rounds + day.looks) * _once_s(config, part)
    camera = config.enabled.get("camera")
    if camera and camera.rail:
        found[camera.rail] += day.pictures * shot_s
    return found


def milliamp_hours(config: NodeConfig, ledger: Ledger, coverage: Coverage) -> dict[str, float]:
    """Return what a ledger, predicted or told by the unit, costs: by consumer."""
    chip = currents.CHIPS[config.board.chip]
    cpu = ledger.awake_s * chip.awake_ma
    cpu += ledger.light_s * chip.light_ma + ledger.deep_s * chip.deep_ma
    radio = 0.0
    if config.board.modem:
        modem = currents.MODEMS[config.board.modem.part]
        draws = {"tx": modem.tx_ma, "active": modem.active_ma, "idle": modem.idle_ma}
        draws["psm"] = modem.psm_ma
        radio = sum(ledger.radio[state] * draws[state] for state in draws)
        radio += _untold_s(ledger, coverage) * (modem.tx_ma - modem.active_ma)
    camera = rails = always = 0.0
    for part in config.enabled.values():
        if part.part in boards.CAMERAS:
            camera += ledger.camera_s * facts(part).on_ma
        elif part.rail:
            rails += ledger.rails.get(part.rail, 0.0) * facts(part).on_ma
        if not part.rail:
            always += ledger.period_s * facts(part).rest_ma
    always += ledger.period_s * currents.QUIESCENT_MA
    found = {"CPU": cpu, "radio": radio, "camera": camera, "rails": rails, "always on": always}
    return {name: total / 3600 for name, total in found.items()}


def _untold_s(ledger: Ledger, coverage: Coverage) -> float:
    """Sending that the ledger has as listening, since some modems only say that they took it."""
    datagrams = ledger.wakes + ledger.bytes_sent / DATAGRAM_BYTES
    air_s = 8 * (ledger.bytes_sent + HEADER_BYTES * datagrams) / coverage.uplink_bits_s
    return min(max(0.0, air_s - ledger.radio["tx"]), ledger.radio["active"])
