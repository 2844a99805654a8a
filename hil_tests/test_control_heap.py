"""A climate station in its heap: 16 channels, 16 rules, 8 actuators, and every tool in a row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fieldbeat.host_tools import boards, node_config
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.provisioner import Provisioner
from fieldbeat.host_tools.provisioning_plan import Plan
from fieldbeat.protocols import cbor
from fieldbeat.protocols.control_rules import CLOCK, EVERY, LEVEL, RUNS, SUNRISE, SUNSET
from fieldbeat.protocols.derived import DAY_RISE, DAY_SUM, DEFICIT

from .control_site import BOARD, ControlSite, actuator, rule, table
from .cuts.smp_console import SmpConsole
from .test_control_orders import let_grower_order
from .test_heap import free_bytes, names
from .virtual import bench as bench_module

CLIMATE = Path(__file__).parents[1] / "docs" / "examples" / "climate.toml"
HOUR_S = 3600
LEAST_BYTES = 6 * 1024
MOST_NAMES = 1200  # the 1,261st takes 14 kB at once; verbs that are not typed here bring 50
INPUTS = [
    *("air_temperature", "air_humidity", "illuminance", "soil_moisture", "co2"),
    *("outdoor_temperature", "wind_speed", "water_flow", "water"),
]
NAMES = ("valve", "pump", "fan", "roof", "mist", "feed", "lamp", "heater")


def everything() -> dict:
    rows = [
        actuator(
            name,
            lease_s=120,
            max_day_s=7200 if name in ("valve", "pump") else 0,
            needs=(0,) if name == "pump" else (),
            switch="hand" if name == "roof" else None,
            interlock="guard" if name == "roof" else None,
            confirm=[7, 50, 30] if name == "pump" else None,
        )
        for name in NAMES
    ]
    rules = [
        rule(
            n + 1,
            n % len(rows),
            [LEVEL, n % len(INPUTS), 2600 + n, 100, False, 60],
            [CLOCK, SUNRISE, 1800, SUNSET, -3600],
            [RUNS, (n + 1) % len(rows), False],
            [EVERY, 60, 600],
        )
        for n in range(13)
    ]
    rules += [
        rule(14, 3, along=[0, 2400, 3000, 10]),
        rule(15, 0, [EVERY, 120, 1800]),
        rule(16, 1, [RUNS, 0, True]),
    ]
    derived = [[DEFICIT, 0, 100, 1, 10], [DAY_SUM, 2, 3_600_000], [DAY_RISE, 8]]
    place = [367_000, 1_191_000]
    return table(INPUTS, rows, rules, derived, look_s=30, stale_s=120, place=place)


@pytest.mark.longest
def test_a_day_with_wakes_and_tools_finds_room(tmp_path, measure):
    with ControlSite(seed=1, workdir=tmp_path) as site:
        station = site.put_up(everything(), run_s=HOUR_S + 900)
        for verb in ("status", "sensors", "read air", "config", "control", "uplink", "counters"):
            site.type(verb)
            site.run_for(10)
        site.type("operate lamp 40 600")
        site.run_for(30)
        assert site.scene.plant.outputs["lamp"] == pytest.approx(0.4, abs=0.01)
        first = free_bytes(site, station)
        site.run_for(24 * HOUR_S)
        last = free_bytes(site, station)
        measure("free heap", last, "bytes", limits=(LEAST_BYTES, 1e6))
        assert min(first, last) > LEAST_BYTES and abs(first - last) < 4096
        assert b"MemoryError" not in station.output and b"Traceback" not in station.output
        assert len(site.observer.runs("pump")) > 30


SMALL_KB = 192
FEW = ("valve", "pump", "fan")


def sixteen_rules() -> dict:
    rules = [
        rule(
            n + 1,
            n % len(FEW),
            [LEVEL, n % len(INPUTS), 2600 + n, 100, False, 60],
            [CLOCK, SUNRISE, 1800, SUNSET, -3600],
            [EVERY, 60, 600],
        )
        for n in range(15)
    ]
    rules.append(rule(16, 0, [EVERY, 120, 1800]))
    derived = [[DEFICIT, 0, 100, 1, 10], [DAY_SUM, 2, 3_600_000], [DAY_RISE, 8]]
    rows = [actuator(name, lease_s=120) for name in FEW]
    place = [367_000, 1_191_000]
    return table(INPUTS, rows, rules, derived, look_s=30, stale_s=120, place=place)


@pytest.mark.long
def test_sixteen_channels_and_rules_with_three_actuators_fit_in_192_kb(
    tmp_path, measure, monkeypatch
):
    """All sensors of the climate board; orders from the console, none over the air."""
    manifest = boards.manifest(BOARD)
    manifest["fieldbeat"]["heap_kb"] = SMALL_KB
    monkeypatch.setattr(boards, "manifest", lambda _name: manifest)
    monkeypatch.setattr(bench_module, "board_manifest", lambda _name: manifest)
    off = [name for name in (*NAMES, "hand", "guard") if name not in FEW]
    more = "".join(f"[fitted.{name}]\nenabled = false\n" for name in off)
    with ControlSite(seed=1, workdir=tmp_path) as site:
        station = site.put_up(sixteen_rules(), run_s=HOUR_S + 900, more=more)
        for verb in ("status", "sensors", "read air", "config", "control", "uplink", "counters"):
            site.type(verb)
            site.run_for(10)
        site.type("operate fan 100 600")
        site.run_for(30)
        assert site.observer.is_on("fan")
        site.run_for(6 * HOUR_S)
        measure("free heap", free_bytes(site, station), "bytes", limits=(LEAST_BYTES, 1e6))
        assert free_bytes(site, station) > LEAST_BYTES
        assert "nothing went wrong" in site.type("counters")
        assert b"MemoryError" not in station.output and b"Traceback" not in station.output
        assert len(site.observer.runs("valve")) > 10
        measure("names", names(site, station), "", limits=(0, MOST_NAMES))


# What a person types at a desk.
VERBS = (
    *("help", "status", "id", "sensors", "read air", "counters", "log", "modem", "at", "atlog"),
    *("uplink", "config", "config set uplink.interval_s 60", "config check", "config discard"),
    *("modem now", "lock", "unlock 1234", "bench 1", "update", "selftest", "operation feed 1 l -"),
    *("control", "operate lamp 40 60"),
)
REPORT_S = 60
OUTAGE_S = 600


@pytest.mark.longest
def test_the_desk_of_the_guide_with_a_trace_finds_room_for_all_that_is_typed_and_ordered(
    tmp_path, monkeypatch, measure, capsys
):
    """More than 1,260 names: their next table takes 15 kB in one piece (docs/decisions.md, 18)."""
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    text = CLIMATE.read_text().replace("port = 5690", f"port = 5690\ninterval_s = {REPORT_S}")
    node = node_config.parse(text + "\n[trace]\n", "gh-07.toml")
    unit = node.tables.node.name
    with ControlSite(seed=1, workdir=tmp_path) as site:
        let_grower_order(site, tmp_path, monkeypatch)
        station = site.station = site.add_station(node)
        site.run_for(60)
        link = SmpConsole(site, station)
        files = ["--registry", f"{tmp_path}/registry.db", "--db", f"{tmp_path}/collector.db"]
        signed = ["--yes", "--key-file", f"{tmp_path}/pass", "--json", "--wait", "300"]
        least = 1 << 30
        for value in ("on", "off") * 3:
            for verb in VERBS:
                site.type(verb)
                site.run_for(5)
            order = ["operate", unit, "heater", value, "--for", "5 min"]
            assert main([*order, *files, *signed]) == 0, capsys.readouterr()
            assert json.loads(capsys.readouterr().out)["state"] == "obeyed"
            site.collector_runs = False
            site.run_for(OUTAGE_S)
            site.collector_runs = True
            assert link.download("/board.cbor")
            least = min(least, free_bytes(site, station))
        content = cbor.encode(node.to_device_map())
        plan = Plan(unit, node.tables.node.site, BOARD, "climate", REPORT_S, content)
        Provisioner(link, site.registry, lambda step, text: None).run(plan)
        site.run_for(60)
        before = len(station.output)
        site.type("reboot")
        site.run_for(10)
        assert b"rebooting" in station.output[before:]
        measure("free heap", least, "bytes", limits=(LEAST_BYTES, 1e6))
        assert least > LEAST_BYTES
        for wrong in (b"MemoryError", b"no room", b"no heap", b"Traceback", b"safe mode:"):
            assert wrong not in station.output
