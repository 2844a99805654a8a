"""A month of a whole climate station in its house: nights without a link, storms, people at it.

    month = run(30)          # raises AssertionError where a limit was broken or a record is lost

The observer sees pins and coils and knows the limits of the file; what the collector has to have
is counted by SQL. A storm opens the interlock for half an hour, and somebody has the roof.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fieldbeat.host_tools import control_plan, node_config
from fieldbeat.host_tools.control_plan import Plan

from .control_site import ControlSite, Observer, Run

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "climate.toml"
HOUR_S, DAY_S = 3600, 86_400
NIGHT = 22, 6  # local hours in which nobody answers
STORM_S, HAND_S = 1800, 900
SETTLE_S = 3.0  # until a contact is heard and acted upon


@dataclass
class Month:
    """What became of it: records at the collector, runs of each output, what was put upon it."""

    records: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    storms: list[Run] = field(default_factory=list)
    hands: list[Run] = field(default_factory=list)
    away: int = 0  # datagrams that nobody got


def run(days: int, folder: Path | None = None, seed: int = 1) -> Month:
    """Let so many days pass and judge them."""
    config = node_config.load(EXAMPLE)
    plan = control_plan.read(config)
    assert plan
    with ControlSite(seed=seed, workdir=folder) as site:
        station = site.station = site.add_station(config)
        observer = site.observer = Observer(site, station)
        site.scene.enclose(site.world.now_us)
        month = Month()
        chance = random.Random(seed)
        for day in range(days):
            _day(site, plan, month, chance, day)
        site.network.away(False)
        site.run_for(3 * HOUR_S)  # until all has come
        observer.check(plan.rows)
        _judge_contacts(observer, month)
        month.records = _judge_records(site)
        month.away = site.network.counts["up_outage"]
        month.runs.update({each.name: len(each.runs) for each in observer.outputs.values()})
        assert b"Traceback" not in station.output and b"MemoryError" not in station.output
        return month


def _day(site: ControlSite, plan: Plan, month: Month, chance: random.Random, day: int) -> None:
    """Until the next local midnight, hour by hour."""
    storm, hand = chance.choice([None, 11, 14, 17]), chance.choice([None, None, 10, 15])
    while True:
        local_s = int(site.world.utc_s) + plan.utc_offset_s
        hour = local_s % DAY_S // HOUR_S
        site.network.away(hour >= NIGHT[0] or hour < NIGHT[1])
        if hour == storm:
            month.storms.append(_held(site, "guard", False, STORM_S))
        elif hour == hand:
            month.hands.append(_held(site, "hand", True, HAND_S))
        site.run_for(HOUR_S - (int(site.world.utc_s) + plan.utc_offset_s) % HOUR_S)
        if hour == 23:
            return


def _held(site: ControlSite, contact: str, closed: bool, seconds: int) -> Run:
    part = site.part(contact)
    before = part.active
    part.set(closed)
    begin_s = site.observer.now_s
    site.run_for(seconds)
    part.set(before)
    return begin_s, site.observer.now_s


def _judge_contacts(observer: Observer, month: Month) -> None:
    """In a storm the roof does not open, and what a person has is let go."""
    for ways, spans in ((("open",), month.storms), (("open", "close"), month.hands)):
        for begin_s, end_s in spans:
            for way in ways:
                on_s = observer.on_s(f"roof.{way}", begin_s + SETTLE_S, end_s)
                assert not on_s, (way, begin_s, on_s)


def _judge_records(site: ControlSite) -> int:
    """All numbers from the first to the last have come, each once."""
    rows = site.store.database.all("SELECT run, rn FROM records ORDER BY run, rn")
    runs = {row["run"] for row in rows}
    assert len(runs) == 1, runs
    numbers = [row["rn"] for row in rows]
    assert numbers == list(range(1, len(numbers) + 1)), "records are lost"
    return len(numbers)
