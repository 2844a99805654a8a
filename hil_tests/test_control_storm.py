"""A climate station under whatever comes, in any order: what must never happen does not."""

from __future__ import annotations

import random

import pytest
from fieldbeat.protocols.control_rules import CLOCK, EVERY, LEVEL, RUNS

from .control_site import ControlSite, actuator, rule, table
from .virtual.board import WATCHDOG

ROWS = [
    actuator("valve", max_run_s=120, min_pause_s=30, max_day_s=900),
    actuator("pump", max_run_s=100, min_pause_s=20, max_day_s=700, needs=(0,)),
    actuator("fan", min_pause_s=15, switch="hand"),
    actuator("roof", switch="hand", interlock="guard"),
    actuator("mist", lease_s=40, max_run_s=60, min_pause_s=20),
    actuator("heater", max_run_s=200, min_pause_s=40, interlock="guard"),
]
# A relay that opened by itself, or whose board lost its supply, is closed again without its pause.
LIMITS = [[*row[:5], 0, *row[6:]] if row[0] == "mist" else row for row in ROWS]
HOT_AIR = [LEVEL, 0, 2600, 50, False, 0]
RULES = [
    *(rule(1, 0, [EVERY, 90, 150]), rule(2, 1, [RUNS, 0, True]), rule(3, 2, HOT_AIR)),
    *(rule(4, 3, along=[0, 2200, 3000, 20]), rule(5, 4, [LEVEL, 1, 500, 50, True, 0])),
    *(rule(6, 5, [LEVEL, 0, 2000, 50, True, 0]), rule(7, 2, [CLOCK, 0, 30_000, 0, 31_000])),
]


def events(site, chance):
    """What may happen: (how often, what)."""
    station, relays = site.station, site.relays
    name = chance.choice([row[0] for row in ROWS])
    value = chance.choice([0, 100])

    def cut():
        station.power_off()
        site.run_for(chance.uniform(0.1, 60))
        station.power_on()

    def clock():
        site.faults.server_clock_off_s = chance.choice(
            [0, 0, 7200, -7200]
        )  # another day has its own limit
        site.type("uplink")

    def hog():
        # Not for longer: one that is still there after a reset lets no program begin.
        fault(station.hardware, "heap_hog", 4000)
        site.run_for(chance.uniform(0.1, 20))
        fault(station.hardware, "heap_hog", 0)

    def fault(part, switch, on):
        setattr(part.faults, switch, on)

    return [
        (8, lambda: site.hold(air_temperature=chance.uniform(15, 33))),
        (4, lambda: site.hold(air_humidity=chance.uniform(20, 80))),
        (3, lambda: site.part("hand").set(chance.random() < 0.4, bounces=chance.randrange(5))),
        (3, lambda: site.part("guard").set(chance.random() < 0.7, bounces=chance.randrange(5))),
        (4, lambda: site.type(f"operate {name} {value} {chance.randint(5, 200)}")),
        (2, lambda: fault(relays, "unplugged", chance.random() < 0.4)),
        (1, lambda: fault(relays, "poses_as", chance.choice([0, 0, 17]))),
        (2, lambda: fault(site.part("air"), "unplugged", chance.random() < 0.4)),
        (1, lambda: fault(site.roof, "stalled", chance.random() < 0.3)),
        (1, hog),
        (1, relays.cut),
        (2, cut),
        (1, station.reset),
        (1, station.brown_out),
        (1, lambda: station._boot(WATCHDOG)),
        (1, lambda: station.console_write(b"reboot\r")),
        (1, clock),
    ]


def live(site, seed: int, hours: float) -> None:
    """Lets things happen for so long; raises where something happened that must not."""
    chance = random.Random(seed)
    site.hold(air_temperature=20.0, air_humidity=60.0, illuminance=1000.0)
    control = table(["air_temperature", "air_humidity"], ROWS, RULES)
    site.put_up(control, run_s=30)
    end_s = site.observer.now_s + hours * 3600
    while site.observer.now_s < end_s:
        site.run_for(chance.expovariate(1 / 40))
        happens = events(site, chance)
        (what,) = chance.choices([call for _, call in happens], [often for often, _ in happens])
        what()
        site.observer.check(LIMITS)
    assert not site.roof.shorts and all(rest >= 1_999_000 for _, rest in site.roof.reversals)


@pytest.mark.parametrize(
    "seed",
    [pytest.param(0, marks=pytest.mark.long)]
    + [pytest.param(n, marks=pytest.mark.longest) for n in (2, 3)],
)
def test_what_must_never_happen_does_not(tmp_path, seed):
    with ControlSite(seed=seed, workdir=tmp_path) as site:
        live(site, seed, hours=2)
        runs = [name for name in ("valve", "fan", "mist", "heater") if site.observer.runs(name)]
        assert len(runs) == 4, runs
