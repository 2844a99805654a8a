"""Records in a few words, and the names of events, commands and stages."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fieldbeat.protocols import command, event, reasons, receipt, report_reader

from . import decisions, energy, operations, quantities
from .event_bodies import counters, number, receipt_of
from .language import tr
from .wording import counted

EVENT_NAMES = {
    event.BOOT: "boot",
    event.SCHEMA: "schema",
    event.HEALTH: "health",
    event.ALARM: "alarm",
    event.CONFIG: "config",
    event.RECEIPT: "receipt",
    event.SELF_TEST: "self-test",
    event.PICTURE: "picture",
    event.SILENCE: "silence",
    event.ENERGY: "energy",
    event.DECISION: "decision",
    event.ACTUATOR_FAULT: "actuator fault",
    event.OPERATION: "operation",
    event.ROOT: "root",
}

COMMAND_NAMES = {
    command.ALERT: "alert",
    command.CANCEL: "cancel",
    command.SELFTEST: "self-test",
    command.ALARM_RULES: "alarm rules",
    command.ISSUERS: "issuers",
    command.STATUS: "status",
    command.PICTURE: "picture",
    command.OPERATE: "operate",
    command.RECORD: "record",
}

STAGE_NAMES = {
    receipt.RECEIVED: "received",
    receipt.ACCEPTED: "accepted",
    receipt.STARTED: "started",
    receipt.DONE: "done",
    receipt.REFUSED: "refused",
    receipt.INTERRUPTED: "interrupted",
    receipt.CANCELLED: "cancelled",
    receipt.SILENT: "silent",
}


def _is_none(name: str) -> bool:
    return False


def describe(decoded: Any, is_motor: Callable[[str], bool] = _is_none) -> str:
    """Return a record in a few words, for a log line.

    Args:
        is_motor: tells it of the name of an actuator of that unit.
    """
    if decoded is None:
        return tr("kept undecoded")
    if isinstance(decoded, report_reader.Block):
        count = len(decoded.times)
        return counted(count, "sample") + ("" if decoded.synced else tr(", clock not set"))
    type_, body = decoded
    return describe_event(type_, body, is_motor)


def describe_event(type_: int, body: dict, is_motor: Callable[[str], bool] = _is_none) -> str:
    """Return an event in a few words."""
    name = tr(EVENT_NAMES.get(type_, "")) or tr("event {type}").format(type=type_)
    if type_ == event.BOOT:
        cause, version = body.get(event.BOOT_CAUSE), body.get(event.BOOT_VERSION)
        return tr("boot: {body}, app {body_2}").format(body=tr(str(cause)), body_2=version)
    if type_ == event.ALARM:
        return _describe_alarm(body)
    if type_ == event.RECEIPT:
        return _describe_receipt(body)
    if type_ == event.ENERGY:
        return energy.describe(body)
    if type_ == event.DECISION:
        return decisions.describe(body, is_motor)
    if type_ == event.ACTUATOR_FAULT:
        return decisions.describe_fault(body)
    if type_ == event.OPERATION:
        return operations.describe(body)
    if type_ == event.HEALTH:
        return name + "".join(f", {counter} {n}" for counter, n in counters(body).items())
    return name


def kind_name(kind: int) -> str:
    """Return what kind of command it is."""
    return COMMAND_NAMES.get(kind, tr("command {kind}").format(kind=kind))


def stage_name(stage: int) -> str:
    """Return how far a command came; a unit may be newer than its reader."""
    return STAGE_NAMES.get(stage, tr("stage {stage}").format(stage=stage))


def _describe_alarm(body: dict) -> str:
    rule, value, scale = (
        number(body, key) for key in (event.ALARM_RULE, event.ALARM_VALUE, event.ALARM_SCALE)
    )
    told = body.get(event.ALARM_VALUE) if value is None else value
    if rule is None or not scale or not isinstance(told, int):
        return tr("alarm")
    channel, unit = body.get(event.ALARM_CHANNEL), body.get(event.ALARM_UNIT)
    begins = body.get(event.ALARM_BEGINS)
    what = (
        tr("rule {rule} sounds").format(rule=rule)
        if begins is None
        else tr("{rule} begins" if begins else "{rule} ends").format(rule=rule)
    )
    return tr("alarm: {what}, {channel} is {value}").format(
        what=what, channel=channel, value=quantities.quantity(told, scale, str(unit))
    )


def _describe_receipt(body: dict) -> str:
    found = receipt_of(event.RECEIPT, body)
    if found is None:
        return tr("receipt that cannot be read")
    why = f", {reasons.name(found.reason)}" if found.reason else ""
    return tr("receipt {id}: {stage_name}{why}").format(
        id=found.id.hex(), stage_name=tr(stage_name(found.stage)), why=why
    )
