"""What somebody has done to plants: the OPERATION event and the RECORD command, in words."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import event, operation

from . import unit_words
from .errors import CannotTry
from .language import tr

SOURCE_NAMES = {event.BUTTON: "button", event.SERIAL: "serial line", event.COMMAND: "command"}
_AMOUNT = re.compile(r"\s*(\S+)\s+(\S.*?)\s*")


@dataclass(frozen=True)
class Operation:
    """One operation; `amount` in thousandths of `unit`, `issuer` the kid of who signed it."""

    kind: str
    batch: str | None = None
    amount: int | None = None
    unit: str | None = None
    note: str | None = None
    source: int = event.SERIAL
    issuer: bytes | None = None
    synced: bool = False

    @property
    def amount_text(self) -> str:
        """The amount with its unit, '' without one."""
        return "" if self.amount is None else f"{in_units(self.amount)} {self.unit}"


def in_units(thousandths: int) -> str:
    """Return 2500 thousandths as '2.5'."""
    whole, rest = divmod(thousandths, operation.THOUSANDTHS)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")


def source_name(source: int) -> str:
    """Return where an operation was entered; a unit may be newer than its reader."""
    return tr(SOURCE_NAMES.get(source, "")) or tr("source {source}").format(source=source)


def parse(body: dict[int, Any]) -> Operation | None:
    """Return the operation in the body of its event, or None if it makes no sense."""
    try:
        kind, batch, amount, unit, note = operation.check(*(body.get(key) for key in range(2, 7)))
    except (ValueError, TypeError):
        return None
    source, issuer = body.get(event.OPERATION_SOURCE), body.get(event.OPERATION_ISSUER)
    if not isinstance(source, int) or not isinstance(issuer, bytes | None):
        return None
    synced = body.get(event.OPERATION_SYNCED) is True
    return Operation(kind, batch, amount, unit, note, source, issuer, synced)


def describe(body: dict[int, Any]) -> str:
    """Return an OPERATION event in a few words."""
    found = parse(body)
    if found is None:
        return tr("operation that cannot be read")
    parts = [
        found.kind,
        found.amount_text,
        found.batch and tr("batch {batch}").format(batch=found.batch),
    ]
    return f"{tr('operation')}: " + ", ".join(part for part in parts if part)


def fields(
    kind: str, batch: str | None = None, amount: str | None = None, note: str | None = None
) -> tuple[Any, ...]:
    """Return the arguments of a RECORD command.

    Args:
        kind: what was done.
        batch: to which batch.
        amount: how much, as '30 l'.
        note: more in words.

    Raises:
        CannotTry: one of them is not allowed.
    """
    try:
        number, unit = None, None
        if amount is not None:
            match = _AMOUNT.fullmatch(amount)
            if not match:
                raise ValueError(tr("amount: give a number and a unit, as '30 l'"))
            number, unit = operation.thousandths(match[1]), match[2]
        return operation.check(kind, batch, number, unit, note)
    except ValueError as error:
        what, _, step = re.split("(: |：)", unit_words.in_words(str(error)), maxsplit=1)
        raise CannotTry(tr("this {what} is not allowed").format(what=what), step) from None
