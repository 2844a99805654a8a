"""Has a unit note an operation, by a signed command, and tells what has become of that."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from fieldbeat.protocols import command, event, receipt

from . import trace_export, unit_orders
from .alert_desk import Desk
from .alert_error import AlertError
from .alert_plan import Plan
from .language import tr
from .operations import in_units
from .orders import Order
from .store import Store
from .trace_keys import TraceKeys
from .unit_orders import REFUSED, WAITING, Answer

ROLE = "station"
NOTED = "noted"
BEGIN = "batch-begin"
KINDS = ("irrigated", "fertilised", "sprayed", "harvested", BEGIN, "batch-end", "correction")
LIKE = 0.8  # of difflib: a letter or two are another one


def plan(desk: Desk, unit: str, fields: tuple[Any, ...], issuers: Sequence[str]) -> Plan:
    """Return the order that has a unit note an operation.

    Args:
        desk: where it is made.
        unit: the name of one that signs what it tells.
        fields: of `operations.fields`.
        issuers: who signs, by name; nobody: who alone may.

    Raises:
        AlertError: there is no such unit, or it signs nothing.
        IssuerError: nobody may order it, or it is not told who does.
    """
    found = desk.registry.unit(unit)
    if found is None:
        known = ", ".join(each.name for each in desk.registry.units() if each.role == ROLE)
        message = tr("no unit is called '{unit}'").format(unit=unit)
        raise AlertError(message, tr("known: {known}").format(known=known or tr("none")))
    if not TraceKeys(desk.registry).of_unit(unit):
        message = tr("{unit} signs nothing of what it tells").format(unit=unit)
        raise AlertError(message, tr("provision it with a table [trace] in its file"))
    kind, batch, amount, symbol, _ = fields
    much = f" {in_units(amount)} {symbol}" if amount is not None else ""
    told = tr("operation '{kind}'{much}{value}").format(
        kind=kind, much=much, value=tr(" of batch {batch}").format(batch=batch) if batch else ""
    )
    order = (
        command.RECORD,
        fields,
        told,
        tr("to be noted by {unit}, if it hears of it by {{}}").format(unit=unit),
    )
    more = list(_slips(desk.store, unit, kind, batch))
    return unit_orders.plan(desk, found, *order, issuers, tr("an operation"), more=more)


def _slips(store: Store, unit: str, kind: str, batch: str | None) -> Iterator[str]:
    """Yield what may be a slip of the pen, before it is signed for ever."""
    told = [each for each in trace_export.events(store, unit, event.OPERATION) if each.operation]
    kinds = {*KINDS, *(each.operation.kind for each in told if each.operation)}
    near = difflib.get_close_matches(kind, sorted(kinds), 1, LIKE)
    if near and near != [kind]:
        yield tr("note: did you mean '{near}'? what is signed cannot be taken back").format(
            near=near[0]
        )
    batches = sorted({each.batch for each in told} - {""})
    if kind == BEGIN and batch in batches:
        yield tr(
            "note: {unit} has told of batch '{batch}' before: who looks for it finds both as one"
        ).format(unit=unit, batch=batch)
    elif kind != BEGIN and batch and batch not in batches:
        yield tr("note: {unit} has told of no batch '{batch}' yet; known: {listed}").format(
            unit=unit, batch=batch, listed=", ".join(batches) or tr("none")
        )


def answer(store: Store, order: Order) -> Answer:
    """Return what has become of an order until now."""
    delivery, refusal = unit_orders.delivery_of(store, order)
    if refusal:
        return Answer(REFUSED, refusal)
    if delivery.stage == receipt.DONE:
        return Answer(NOTED)
    never = "" if delivery.tries else tr("it gets it when it wakes, and 'fieldbeat collect' runs")
    return Answer(WAITING, never, is_last=False)
