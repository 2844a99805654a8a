"""Rules and their simulation as tables for people and as maps for JSON."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from fieldbeat.protocols import actuator, control_rules

from . import control_volumes, control_words, decisions
from .control_plan import Plan
from .control_simulation import Run, Simulation
from .language import tr
from .times import span

HELD = {  # by what an actuator was kept from running, in a column's words
    actuator.LEASE: "lease",
    actuator.MAX_RUN: "max_run",
    actuator.MIN_PAUSE: "min_pause",
    actuator.MAX_DAY: "max_day",
    actuator.NEEDS: "needs",
}


def plan_map(plan: Plan) -> dict[str, Any]:
    """Return the rules of a plan for JSON, by actuator, in the order in which they count."""
    return {
        "look_s": plan.control.look_s,
        "actuators": [
            {
                "actuator": name,
                "limits": control_words.limits(plan, name),
                "rules": [
                    {
                        "number": rule.number,
                        "name": rule.name,
                        "priority": rule.priority,
                        "overrides": rule.overrides,
                        "does": control_words.does(plan, row),
                        "when": control_words.when(plan, row),
                        "conditions": control_words.conditions(plan, row),
                        "blind": control_words.blind(plan, rule),
                    }
                    for rule, row in plan.rules
                    if rule.actuator == name
                ],
            }
            for name in plan.actuators
        ],
    }


def rule_rows(found: dict[str, Any]) -> list[list[str]]:
    """Return the rules of one actuator of `plan_map` as rows of a table, which a terminal holds.

    What a rule does and each of its conditions stand in lines of their own.
    """
    return [
        [
            f"{rule['number']} {rule['name']}".rstrip(),
            f"{rule['priority']}{tr(' before orders') if rule['overrides'] else ''}",
            "\n".join([rule["does"], *_lines(rule["conditions"])]),
            rule["blind"],
        ]
        for rule in found["rules"]
    ]


def _lines(conditions: list[str]) -> list[str]:
    if not conditions:
        return [tr("always")]
    first, others = tr("if {condition}"), tr("and {condition}")
    return [(others if n else first).format(condition=each) for n, each in enumerate(conditions)]


def simulation_map(plan: Plan, made: Simulation) -> dict[str, Any]:
    """Return what a simulation gave, for JSON: local standard time, and hours."""
    return {
        "from": _local(plan, made.begin_s),
        "to": _local(plan, made.end_s),
        "missing": made.missing,
        "unknown_h": {name: _hours(s) for name, s in sorted(made.unknown_s.items())},
        "actuators": [_run_map(plan, run) for run in made.runs],
    }


def run_row(found: dict[str, Any]) -> list[str]:
    """Return one actuator of `simulation_map` as a row of a table."""
    held = ", ".join(f"{name} {each['times']} x" for name, each in found["held"].items())
    return [
        found["actuator"],
        f"{found['on_h']:.1f}",
        f"{found['mean_when_on']:.0f} %" if found["on_h"] else "",
        str(found["starts"]),
        str(found["moves"]),
        f"{found['blind_h']:.1f}",
        held,
    ]


def share_rows(found: dict[str, Any]) -> Iterator[list[str]]:
    """Yield who decided one actuator of `simulation_map`, most of the time first."""
    for share in found["decided"]:
        blind = tr(", blind") if share["cause"] == "blind" else ""
        who = (
            tr("no rule: idle") if not share["rule"] else f"{share['rule']} {share['name']}{blind}"
        )
        yield [found["actuator"], who.rstrip(), f"{share['share']:.1%}", f"{share['h']:.1f}"]


def volumes(found: dict[str, Any]) -> Iterator[str]:
    """Yield what pumps with a rate gave, by `simulation_map`."""
    for each in found["actuators"]:
        if each["volume_ml"] is not None:
            yield tr("{actuator} gave {ml} ml in {seconds} s, by its rate").format(
                actuator=each["actuator"], ml=each["volume_ml"], seconds=each["on_s"]
            )


def never_decided(plan: Plan, made: Simulation) -> list[str]:
    """Return the rules that never had their actuator, by number and name."""
    seen = {number for run in made.runs for _, number in run.by_s}
    return [control_words.title(rule) for rule, _ in plan.rules if rule.number not in seen]


def open_loop() -> str:
    """Return what a simulation over values cannot tell."""
    return tr("open loop: the values do not answer; it tells when rules act, not whether it helps")


def absences(made: Simulation) -> Iterator[str]:
    """Yield what the data do not have, in words."""
    if made.missing:
        names = ", ".join(made.missing)
        yield tr("no values of {names}: rules that look at it are blind all the time").format(
            names=names
        )
    for name, seconds in sorted(made.unknown_s.items()):
        yield tr("{name} has no value for {seconds} of {value}").format(
            name=name, seconds=span(seconds), value=span(made.end_s - made.begin_s)
        )


def _run_map(plan: Plan, run: Run) -> dict[str, Any]:
    names = {rule.number: rule.name for rule, _ in plan.rules}
    rate = plan.actuators[run.name].rate
    decided = sorted(
        (item for item in run.by_s.items() if item[1]),
        key=lambda item: (item[0][0] == control_rules.IDLE, -item[1]),
    )
    shares = _shares([seconds for _, seconds in decided])
    return {
        "actuator": run.name,
        "on_h": _hours(run.on_s),
        "on_s": run.on_s,
        "volume_ml": round(run.on_s * control_volumes.ml_s(rate)) if rate else None,
        "mean_when_on": round(run.value_s / run.on_s, 1) if run.on_s else 0,
        "starts": run.starts,
        "moves": run.moves,
        "blind_h": _hours(run.blind_s),
        "held": {
            HELD.get(why, decisions.why_name(why)): {
                "times": count,
                "h": _hours(run.held_s[why]),
            }
            for why, count in sorted(run.held.items())
        },
        "decided": [
            {
                "cause": decisions.cause_name(cause),
                "rule": number or None,
                "name": names.get(number, ""),
                "h": _hours(seconds),
                "share": share,
            }
            for ((cause, number), seconds), share in zip(decided, shares, strict=True)
        ],
    }


def _shares(seconds: Sequence[int]) -> list[float]:
    """Return the share of each, in thousandths that make a whole together.

    Of the time that all have, since the last look may reach beyond the end of the data.
    """
    whole_s = sum(seconds) or 1
    found = [1000 * each // whole_s for each in seconds]
    left = sorted(range(len(seconds)), key=lambda n: -(1000 * seconds[n] % whole_s))
    for n in left[: (1000 if seconds else 0) - sum(found)]:
        found[n] += 1
    return [each / 1000 for each in found]


def _hours(seconds: int) -> float:
    return round(seconds / 3600, 2)


def _local(plan: Plan, unix_s: int) -> str:
    moment = datetime.fromtimestamp(unix_s + plan.utc_offset_s, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}{plan.control.utc_offset}"
