"""Actuators and rules of a station: `[control]`, `[actuator.NAME]` and `[[rule]]`.

    [control]
    utc_offset = "+08:00"
    [actuator.fan]             # a fitted part of the board
    safe = "off"
    lease = "5 min"
    [[rule]]
    number = 1
    actuator = "fan"
    set = "on"
    when = [ { channel = "air_temperature", above = "28 Cel", back = "1 Cel" } ]

`docs/control.md` tells all of it. `control_plan.py` reads it, `control_logic.py` says which rules
contradict each other, `control_notes.py` what a person should know; here is what actuators are
connected to, and their limits.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import boards, control_logic, control_volumes, times
from .board_model import ACTUATORS
from .control_plan import Plan, read
from .control_tables import Actuator
from .control_words import MOTOR
from .language import tr
from .validation import did_you_mean
from .wording import all_of

if TYPE_CHECKING:
    from .node_config import NodeConfig

LEASE_LOOKS = 3  # a look that comes late, or fails, must not end what is wanted still
# A unit keeps them in its memory, and looks at all of them each time.
RULES_MAX = 32
ACTUATORS_MAX = 16


def to_device_map(config: NodeConfig) -> dict[str, Any] | None:
    """Return the table `control` of `/config.cbor`; None where nothing is controlled."""
    plan = read(config)
    return plan.to_device_map() if plan else None


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield what is wrong with the actuators and the rules."""
    tables = config.tables
    if tables.control is None:
        for name in [f"actuator.{name}" for name in tables.actuator] + ["rule"] * bool(
            tables.rule
        ):
            yield tr("[{name}]: needs a table [control], as in docs/control.md").format(name=name)
        return
    if config.profile.role != "station":
        yield tr("[control]: a {role} drives no actuators, remove the table").format(
            role=config.profile.role
        )
        return
    if not tables.actuator:
        yield tr("[control]: nothing to control, add an [actuator.NAME] or remove the table")
        return
    plan = read(config)
    if plan is None:
        return
    limits = [p for name, each in tables.actuator.items() for p in _limits(config, name, each)]
    found = [*_too_many(config), *_parts(config), *limits, *_sleep(config)]
    found += [*plan.problems, *_unmeasured(config, plan)]
    yield from found or control_logic.problems(plan)


def _too_many(config: NodeConfig) -> Iterator[str]:
    tables = config.tables
    for key, count, most in (
        ("[[rule]]", len(tables.rule), RULES_MAX),
        ("[actuator]", len(tables.actuator), ACTUATORS_MAX),
    ):
        if count > most:
            yield tr(
                "{key}: {count} of them, must be at most {most}, which fit in a unit's memory"
            ).format(key=key, count=count, most=most)
    numbers = [rule.number for rule in tables.rule]
    for number in sorted({n for n in numbers if numbers.count(n) > 1}):
        yield tr("[[rule]] number = {number}: used twice").format(number=number)


def _parts(config: NodeConfig) -> Iterator[str]:
    """What an actuator refers to: its part, its contacts, and what it needs."""
    board, actuators = config.board, config.tables.actuator
    drives = [name for name, part in board.fitted.items() if part.part in ACTUATORS]
    contacts = [name for name, part in board.fitted.items() if part.part == "contact"]
    if not drives:
        able = ", ".join(_boards_that_drive())
        yield tr("[node] board = '{id}': it drives nothing, those that do: {able}").format(
            id=board.id, able=able
        )
        return
    for name, actuator in actuators.items():
        place = f"[actuator.{name}]"
        part = board.fitted.get(name)
        if part is None:
            yield tr("{place}: not on {id}, {did_you_mean}").format(
                place=place, id=board.id, did_you_mean=did_you_mean(name, drives)
            )
        elif part.part not in ACTUATORS:
            yield tr("{place}: '{name}' is a {part} and drives nothing, {listed}").format(
                place=place, name=name, part=part.part, listed=_listed(drives)
            )
        elif name not in config.enabled:
            yield tr("{place}: needs [fitted.{name}], which is off: add enabled = true").format(
                place=place, name=name
            )
        for key in ("switch", "interlock"):
            contact = getattr(actuator, key)
            if contact is not None and contact not in contacts:
                near = did_you_mean(contact, contacts)
                yield tr("{place} {key} = '{contact}': no contact of {id}, {near}").format(
                    place=place, key=key, contact=contact, id=board.id, near=near
                )
            elif contact is not None and contact not in config.enabled:
                yield tr(
                    "{place} {key} = '{contact}': needs [fitted.{contact}], which is off"
                ).format(place=place, key=key, contact=contact)
        if actuator.switch and actuator.switch == actuator.interlock:
            yield (
                tr(
                    "{place} interlock = '{interlock}': is its switch, too; closed a person "
                    "has it and open it is forbidden, so that {name} never runs; name "
                    "another contact"
                ).format(place=place, interlock=actuator.interlock, name=name)
            )
    yield from _needs(actuators)


def _needs(actuators: dict[str, Actuator]) -> Iterator[str]:
    """What actuators need beside them: others, and never in a circle."""
    for name, actuator in actuators.items():
        place = f"[actuator.{name}]"
        for other in actuator.needs:
            if other == name:
                yield tr("{place} needs = '{other}': it cannot need itself").format(
                    place=place, other=other
                )
            elif other not in actuators:
                yield tr("{place} needs = '{other}': no actuator, {did_you_mean}").format(
                    place=place, other=other, did_you_mean=did_you_mean(other, actuators)
                )
    others = {name: [n for n in each.needs if n != name] for name, each in actuators.items()}
    if circle := control_logic.circle(others):
        yield (
            tr(
                "[actuator.{circle}] needs: {listed}, so none of them could ever start; "
                "take one of these away"
            ).format(circle=circle[0], listed=tr(" needs ").join([*circle, circle[0]]))
        )


def _boards_that_drive() -> Iterator[str]:
    for name in boards.names():
        if any(part.part in ACTUATORS for part in boards.load(name).fitted.values()):
            yield name


def _listed(names: Iterable[str]) -> str:
    return tr("those that do: {value}").format(value=", ".join(sorted(names)) or tr("none"))


def _limits(config: NodeConfig, name: str, given: Actuator) -> Iterator[str]:
    """Times of one actuator that contradict each other, or its kind."""
    place, part = f"[actuator.{name}]", config.board.fitted.get(name)
    limits = [key for key in ("max_run", "min_pause", "max_day") if getattr(given, key)]
    if part and part.part == MOTOR:
        for key in limits:
            yield (
                tr(
                    "{place} {key}: a {motor} stands open without running, and this would "
                    "close it; remove it (its travel_ms limits its motor)"
                ).format(place=place, key=key, motor=MOTOR)
            )
        limits = []
    spans = {
        key: control_volumes.span_s(getattr(given, key), given.rate) for key in ("lease", *limits)
    }
    if None in spans.values():
        return  # told where they are read
    lease_s, run_s = spans["lease"] or 0, spans.get("max_run")
    look_s = config.tables.control.look_s if config.tables.control else 0
    if lease_s < LEASE_LOOKS * look_s:
        yield (
            tr(
                "{place} lease = '{lease}': must be at least {lease_looks} looks of "
                "[control] look_s, {span}, or one that fails stops it"
            ).format(
                place=place,
                lease=given.lease,
                lease_looks=LEASE_LOOKS,
                span=times.span(LEASE_LOOKS * look_s),
            )
        )
    if run_s and lease_s > max(run_s, LEASE_LOOKS * look_s):
        yield (
            tr(
                "{place} lease = '{lease}': must be at most max_run, '{max_run}', which "
                "ends it before"
            ).format(place=place, lease=given.lease, max_run=given.max_run)
        )
    if run_s and "min_pause" not in spans:
        yield (
            tr(
                "{place} min_pause: missing, with max_run = '{max_run}' it would start "
                "again at once; add a time like '2 min'"
            ).format(place=place, max_run=given.max_run)
        )
    forbids = [key for key in ("max_run", "max_day") if key in spans]
    if given.safe and forbids:
        yield (
            tr(
                "{place} safe = {safe}: {listed} would switch it off all the same; make "
                "it 'off', or remove the limit"
            ).format(place=place, safe=given.safe, listed=all_of(forbids))
        )
    if run_s and (spans.get("max_day") or run_s) < run_s:
        yield tr("{place} max_day = '{max_day}': must be at least max_run, '{max_run}'").format(
            place=place, max_day=given.max_day, max_run=given.max_run
        )


def _sleep(config: NodeConfig) -> Iterator[str]:
    """A chip that sleeps holds no output: what it drives would move."""
    power = config.tables.power
    if power is None or power.sleep == "never":
        return
    if power.sleep == "deep":
        yield (
            tr(
                "[power] sleep = 'deep': a unit that drives actuators must stay awake to "
                "hold them and to end their leases; take sleep = 'never'"
            )
        )
        return
    for name in config.tables.actuator:
        part = config.board.fitted.get(name)
        if part and part.part == "pwm_output":
            yield (
                tr(
                    "[power] sleep = 'light': the PWM of [actuator.{name}] stops in it; take "
                    "sleep = 'never'"
                ).format(name=name)
            )


def _unmeasured(config: NodeConfig, plan: Plan) -> Iterator[str]:
    """A rule on a part that is switched off is blind for ever."""
    for channel in plan.inputs.used.values():
        if channel.part in config.board.fitted and channel.part not in config.enabled:
            yield (
                tr(
                    "[control]: rules look at {name}, which needs [fitted.{part}], and that is off"
                ).format(name=channel.name, part=channel.part)
            )
