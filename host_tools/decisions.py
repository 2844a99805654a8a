"""What a station tells of its actuators: the DECISION and ACTUATOR_FAULT events, in words."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fieldbeat.protocols import actuator, control_rules, event, reasons

from .event_bodies import whole
from .language import tr

CAUSE_NAMES = {
    control_rules.IDLE: "idle",
    control_rules.RULE: "rule",
    control_rules.BLIND: "blind",
    control_rules.ORDER: "order",
}

# Why an actuator does not do what decides it wants.
WHY_NAMES = {
    actuator.ASKED: tr("as asked for"),
    actuator.LEASE: tr("nobody asked again before its lease ended, so it is at its safe value"),
    actuator.SWITCH: tr("its switch stands on manual, a person has it"),
    actuator.INTERLOCK: tr("the plant's own controller forbids it"),
    actuator.FAULT: tr("it is at fault and did not do what it was told"),
    actuator.MAX_RUN: tr("it has run as long as it may at once (max_run)"),
    actuator.MIN_PAUSE: tr("it stands still for as long as it must (min_pause)"),
    actuator.MAX_DAY: tr("it has run as long as it may in a day (max_day)"),
    actuator.NEEDS: tr("what it needs does not run"),
}

# A motor stays where it is; whatever else is off.
STOPPED = (actuator.SWITCH, actuator.INTERLOCK, actuator.FAULT)

FAULTS = {
    "actuator_no_effect": tr("was told to run, and what confirms it shows nothing"),
    "actuator_stuck": tr("was told to stop, and what confirms it shows that it still runs"),
    "sensor_timeout": tr("did not answer three times on its line"),
    "sensor_crc": tr("answered three times, but damaged"),
    "fs_corrupt": tr(
        "may not run: its flash did not keep how it rests, or what is left of its day"
    ),
    "travel_lost": tr("did not reach its end stop in time, and nobody knows where it stands"),
}


@dataclass(frozen=True)
class Decision:
    """An actuator has another value, or another one decides it; `value` is 0 to 100.

    Attributes:
        cause: IDLE ... of control_rules.py.
        rule: its number, 0 for none.
        why: ASKED ... of actuator.py.
        inputs: counts by the name of the channel, None for one without a value.
    """

    actuator: str
    value: int
    cause: int
    rule: int
    why: int
    inputs: dict[str, int | None] = field(default_factory=dict)
    synced: bool = False


@dataclass(frozen=True)
class Fault:
    """An actuator that did not do what it was told; `feedback` in counts of what confirms it."""

    actuator: str
    reason: str
    value: int
    feedback: int | None = None
    synced: bool = False

    @property
    def text(self) -> str:
        """It in words, without the actuator's name."""
        return FAULTS.get(self.reason, self.reason)


def cause_name(cause: int) -> str:
    """Return who decides; a unit may be newer than its reader."""
    return CAUSE_NAMES.get(cause, tr("cause {cause}").format(cause=cause))


def why_name(why: int) -> str:
    """Return what keeps an actuator from what is wanted of it."""
    return WHY_NAMES.get(why, tr("reason {why}").format(why=why))


def in_words(value: int) -> str:
    """Return a value as people say it: 'off', 'on' or '40 %'."""
    return {0: tr("off"), 100: tr("on")}.get(value, f"{value} %")


def motor_in_words(value: int, why: int) -> str:
    """Return what a motor between two ends is told, which it reaches only after its travel."""
    if why in STOPPED:
        return tr("stopped")
    ends = {0: tr("told closed"), 100: tr("told open")}
    return ends.get(value) or tr("told {percent} %").format(percent=value)


def value_in_words(found: Decision, is_motor: bool) -> str:
    """Return what an actuator is told to do: 'on', or where a motor goes."""
    if is_motor:
        return motor_in_words(found.value, found.why)
    return in_words(found.value)


def parse(body: dict[int, Any]) -> Decision | None:
    """Return the decision in the body of its event, or None if it makes no sense."""
    try:
        inputs = body.get(event.DECISION_INPUTS, {})
        return Decision(
            str(body[event.DECISION_ACTUATOR]),
            whole(body[event.DECISION_VALUE]),
            whole(body[event.DECISION_CAUSE]),
            whole(body[event.DECISION_RULE]),
            whole(body[event.DECISION_WHY]),
            {str(name): None if n is None else int(n) for name, n in inputs.items()},
            body.get(event.DECISION_SYNCED) is True,
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def parse_fault(body: dict[int, Any]) -> Fault | None:
    """Return the fault in the body of its event, or None if it makes no sense."""
    try:
        feedback = body.get(event.FAULT_FEEDBACK)
        return Fault(
            str(body[event.FAULT_ACTUATOR]),
            reasons.name(whole(body[event.FAULT_REASON])),
            whole(body[event.FAULT_VALUE]),
            None if feedback is None else int(feedback),
            body.get(event.FAULT_SYNCED) is True,
        )
    except (KeyError, ValueError, TypeError):
        return None


def describe(body: dict[int, Any], is_motor: Callable[[str], bool]) -> str:
    """Return a DECISION event in a few words; `is_motor` tells it of an actuator's name."""
    found = parse(body)
    if found is None:
        return tr("decision that cannot be read")
    who = tr("rule {rule}").format(rule=found.rule) if found.rule else tr(cause_name(found.cause))
    blind = tr(", which is blind") if found.cause == control_rules.BLIND else ""
    held = f", {why_name(found.why)}" if found.why != actuator.ASKED else ""
    words = value_in_words(found, is_motor(found.actuator))
    return tr("decision: {actuator} {in_words} by {who}{blind}{held}").format(
        actuator=found.actuator, in_words=words, who=who, blind=blind, held=held
    )


def describe_fault(body: dict[int, Any]) -> str:
    """Return an ACTUATOR_FAULT event in a few words."""
    found = parse_fault(body)
    return (
        tr("actuator fault: {actuator} {text}").format(actuator=found.actuator, text=found.text)
        if found
        else tr("actuator fault")
    )
