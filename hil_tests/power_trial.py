"""A day of a station on the bench: what was predicted of it, and what its own ledger says."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from zlib import crc32

from fieldbeat.host_tools import energy, power_chip, power_model
from fieldbeat.host_tools.currents import Coverage
from fieldbeat.host_tools.energy import Ledger
from fieldbeat.host_tools.node_config import NodeConfig
from fieldbeat.protocols import cbor, event

from .river_site import RiverSite, river_config
from .virtual.models import modem_radio
from .virtual.site import Site, config

DAY_S, START_S = 86_400, 600
BOOT_S = 0.3  # of a virtual board, whose program takes no time
ON_THE_BENCH = {"good": modem_radio.GOOD, "bad": modem_radio.BAD}


@dataclass(frozen=True)
class Trial:
    """One day, twice."""

    node: NodeConfig
    coverage: Coverage
    predicted: Ledger
    told: Ledger

    def states(self) -> dict[str, tuple[float, float]]:
        """Seconds and bytes by what they are of: (predicted, told)."""
        return {
            name: (mine, theirs)
            for (name, mine), theirs in zip(
                _states(self.predicted).items(), _states(self.told).values(), strict=True
            )
        }

    def charges(self) -> dict[str, tuple[float, float]]:
        """mAh by consumer, and in all: (predicted, told)."""
        mine, theirs = (
            power_model.milliamp_hours(self.node, ledger, self.coverage)
            for ledger in (self.predicted, self.told)
        )
        found = {name: (mine[name], theirs[name]) for name in mine}
        return found | {"all": (sum(mine.values()), sum(theirs.values()))}


def _states(ledger: Ledger) -> dict[str, float]:
    radio = ledger.radio
    return {
        "awake": ledger.awake_s,
        "light sleep": ledger.light_s,
        "deep sleep": ledger.deep_s,
        "radio on": radio["tx"] + radio["active"],
        "radio idle": radio["idle"],
        "radio asleep": radio["psm"],
        "camera": ledger.camera_s,
        "bytes": ledger.bytes_sent,
        "wakes": ledger.wakes,
    } | {f"rail {name}": on_s for name, on_s in sorted(ledger.rails.items())}


def greenhouse(more: str = "") -> NodeConfig:
    """A station in deep sleep."""
    return config(more='[power]\nsleep = "deep"\n' + more)


def river(more: str = "") -> NodeConfig:
    """A river station with its camera, in light sleep."""
    return river_config(more='[power]\nsleep = "light"\n' + more)


def run(node: NodeConfig, coverage: Coverage, seed: int = 1) -> Trial:
    """Let a day pass, and the wake that brings its ledger to the collector."""
    with (RiverSite if node.profile.id == "river" else Site)(seed=seed) as site:
        station = site.add_station(node)
        station.fitted.modem.radio.coverage = ON_THE_BENCH[coverage.name]
        rows = "SELECT body FROM events WHERE type = ?"
        site.run_for(START_S)  # its long datagrams come once: chance would weigh too much
        site.network.loss = coverage.lost
        site.run_for(DAY_S - START_S)
        database = site.store.database
        told = site.run_until(
            lambda: bool(database.all(rows, event.ENERGY)), 3 * node.uplink_interval_s
        )
        assert told, "no ledger came"
        ledger = energy.parse(cbor.decode(database.all(rows, event.ENERGY)[0]["body"]))
        assert ledger is not None
        offset_s = _offset_s(site, node)
        coverage = replace(coverage, lost=_lost(site, node))
    predicted = power_model.predict(node, coverage, starts=1, boot_s=BOOT_S, offset_s=offset_s)
    return Trial(node, coverage, predicted.ledger, ledger)


def _offset_s(site: Site, node: NodeConfig) -> float:
    """When this unit's modem wakes, as firmware/roles/station.py has it of its key id."""
    [unit] = [unit for unit in site.registry.units() if unit.name == node.tables.node.name]
    interval_s = node.uplink_interval_s
    spread_s = max(1, min(interval_s // 4, power_chip.SPREAD_S))
    return min(power_chip.SETTLE_S, interval_s // 2) + crc32(unit.kid) % spread_s


def _lost(site: Site, node: NodeConfig) -> float:
    """What was lost of the datagrams of this day: of so few, chance decides how many.

    Where there are no pictures each of them is a question, and what costs is one without answer.
    """
    counts = site.network.counts
    sent, lost = (counts[f"up_{what}"] + counts[f"down_{what}"] for what in ("sent", "lost"))
    if node.profile.role == "camera":
        return lost / sent
    return 1 - math.sqrt((counts["down_sent"] - counts["down_lost"]) / counts["up_sent"])
