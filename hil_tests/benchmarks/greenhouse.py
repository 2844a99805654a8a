"""The greenhouse: a year of the example's rules beside a thermostat, and what a decision takes."""

from __future__ import annotations

from pathlib import Path

from fieldbeat.hil_tests import greenhouse_year
from fieldbeat.hil_tests.benchmarks import Figure, greenhouse_trace, wire
from fieldbeat.hil_tests.virtual.scene import Scene
from fieldbeat.host_tools import control_plan, node_config
from fieldbeat.host_tools.control_plan import Plan
from fieldbeat.protocols import cbor

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "climate.toml"
SHARE = 95  # per cent of the year in the crop's band
RAIN_MM = 0.5  # what falls until the gauge has counted its first tenth
DECISION_MS = 5
RULES = 32
HOURS = range(0, 8760, 730)  # values of these are decided on
# What is usual without rules: on at one temperature and off at another; water as the example has.
THERMOSTAT = """
[[rule]]
number = 1
actuator = "roof"
set = "on"
when = [{ channel = "air_temperature", above = "26 Cel", back = "2 Cel" }]

[[rule]]
number = 2
actuator = "heater"
set = "on"
when = [{ channel = "air_temperature", below = "16 Cel", back = "2 Cel" }]

[[rule]]
number = 3
actuator = "valve"
set = "on"
when = [{ channel = "soil_moisture", below = "30 %", back = "2 %" }]

[[rule]]
number = 4
actuator = "pump"
set = "on"
when = [{ while = "valve" }]
"""


def run() -> list[Figure]:
    ours, plain = greenhouse_year.run(example()), greenhouse_year.run(thermostat())
    wrong = ", ".join(f"{name} {100 * s / ours.all_s:.1f} %" for name, s in ours.why.items())
    beside = f"a thermostat {plain.share:.1f} %"
    rain = f"a thermostat {plain.rained_in_mm:.1f} mm"
    return [
        Figure("year in the crop's band", 100 - ours.share, "% out", 100 - SHARE, beside),
        Figure("the same, thermostat", 100 - plain.share, "% out", None, f"ours: {wrong}"),
        Figure("rain through the roof", ours.rained_in_mm, "mm a year", RAIN_MM, rain),
        *decision(example()),
        *greenhouse_trace.trace_figures(),
    ]


def plan_of(text: str) -> Plan:
    """The control of a node's file."""
    plan = control_plan.read(node_config.parse(text, str(EXAMPLE)))
    assert plan is not None
    return plan


def example() -> Plan:
    """The rules that the documents show."""
    return plan_of(EXAMPLE.read_text("utf-8"))


def thermostat() -> Plan:
    """The same station and its limits, with a thermostat's rules."""
    return plan_of(EXAMPLE.read_text("utf-8").partition("[[rule]]")[0] + THERMOSTAT)


def decision(plan: Plan) -> list[Figure]:
    """What a look at the rules takes of a device, at hours of the year."""
    table = plan.to_device_map()
    rows = [cbor.decode(rule) for rule in (table["rules"] * RULES)[:RULES]]
    names = [plan.inputs.used.get(name) for name in plan.inputs.names]
    scene = Scene()
    lines = [f"{len(names)} {len(plan.rows)}", cbor.encode(rows).hex()]
    for hour in HOURS:
        values = []
        for channel in names:
            name = channel and greenhouse_year.OUTDOOR.get(channel.name, channel.name)
            known = name and name not in ("water", "water_flow")
            value = scene.value(name, hour * 3_600_000_000) if known else 20
            values.append(str(round(value * channel.scale) if channel else 1500))
        lines.append(" ".join(values))
    found = wire.measure("decide", "192k", lines)
    scale = wire.LOOP_US / found["loop_us"]
    note = f"scaled to 60 ms a loop of a million; here {found['loop_us'] / 1000:.1f} ms"
    return [
        Figure(
            f"decide {RULES} rules", found["decide_us"] * scale / 1000, "ms", DECISION_MS, note
        ),
        Figure(f"decide {RULES} rules: heap", found["decide_garbage"], "bytes", None, ""),
    ]
