"""The coverage of an alert as tables for a terminal."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fieldbeat.protocols import command
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .coverage import (
    IN_PART,
    OF_STATIONS,
    REFUSED,
    SILENT,
    SOUNDED,
    STOPPED,
    WAITING,
    AreaCoverage,
    Coverage,
    UnitCoverage,
    done_word,
    soonest,
)
from .language import tr
from .orders import Order
from .record_words import kind_name
from .self_tests import TOO_LONG_S, SelfTest
from .styles import ASIDE, BAD, GOOD, ODD
from .tables import table
from .times import iso, span
from .wording import first

TOO_LONG = tr("tested for {too_long_s}").format(too_long_s=span(TOO_LONG_S))
FEW_UNITS = 20  # so many are shown one by one
_STYLES = {
    SOUNDED: GOOD,
    IN_PART: BAD,
    STOPPED: ODD,
    WAITING: ODD,
    REFUSED: BAD,
    SILENT: BAD,
}
_HEADS = {IN_PART: "In part", STOPPED: "Stopped"}  # shown where somebody is in that state


def screen(
    found: Coverage, every_unit: bool, now_s: float, tests: Sequence[SelfTest] = ()
) -> RenderableType:
    """Return what became of an order: its head, a line for each area, and the units if few.

    Of the self-tests of its units those are shown that failed, or that are missing.
    """
    parts: list[RenderableType] = [_head(found, now_s), _areas(found)]
    if every_unit or len(found.units) <= FEW_UNITS:
        parts.append(_units(found))
    times = found.sample_ms()
    if times and found.order.kind == command.ALERT:
        would = tr("would have sounded") if found.order.silent else tr("sounded")
        parts.append(
            Text(
                tr("How soon they {would}: {soonest}").format(would=would, soonest=soonest(times)),
                style=ASIDE,
            )
        )
    parts += [Text(line, style=ODD) for line in _troubles(tests, now_s)]
    return Group(*parts)


def _troubles(tests: Sequence[SelfTest], now_s: float) -> list[str]:
    """Return what is wrong with the last self-tests, a line for each kind of it."""
    lines = [f"{test.unit}: {test.told(now_s)}" for test in tests if test.failed]
    never = [test.unit for test in tests if test.at_s is None]
    old = [t.unit for t in tests if t.at_s is not None and not t.failed and t.trouble(now_s)]
    for units, what in ((never, tr("told of a self-test yet")), (old, TOO_LONG)):
        if units:
            lines.append(
                tr("Not {what}: {first}").format(what=what, first=first(units, FEW_UNITS))
            )
    return lines


def _head(found: Coverage, now_s: float) -> Text:
    order = found.order
    head = Text(f"{tr(kind_name(order.kind))} {order.id.hex()}  ", style="bold")
    head.append(order.told, style="")
    by = (
        tr(" by {issuers}").format(issuers=order.issuers) if order.issuers else ""
    )  # nobody signs a question
    head.append(
        tr("\nordered {made_s}{by}, {state}").format(
            made_s=iso(order.made_s), by=by, state=found.state(now_s)
        ),
        style=ASIDE,
    )
    return head


def listing(orders: Iterable[tuple[Order, str]], title: str) -> Table:
    """Return a table of orders with their states, a line each."""
    made = table(title, ("Id", "Ordered", "Who", "State", "What"))
    for each, state in orders:
        made.add_row(
            *(each.id.hex()[:6], iso(each.made_s), Text(each.issuers), state, Text(each.told))
        )
    return made


def _areas(found: Coverage) -> Table:
    sounded = tr("Would sound") if found.order.silent else done_word(found.order).capitalize()
    odd = [state for state in _HEADS if found.total.counts[state]]
    heads = [_HEADS[state] for state in odd]
    proven = ("Proven",) * _can_be_heard(found.order)
    numbers = ("Units", sounded, *proven, *heads, "Waiting", "Refused", "Silent")
    made = table("Coverage", ("Area", *numbers, "Reason"), right=numbers)
    for area in found.areas:
        made.add_row(Text(area.area or tr("(none)")), *_numbers(area, odd, proven), _reasons(area))
    if len(found.areas) > 1:
        made.add_section()
        made.add_row(tr("all"), *_numbers(found.total, odd, proven), "")
    return made


def _can_be_heard(order: Order) -> bool:
    """Whether it is for loudspeakers; what others do has no proof by its sound."""
    return order.kind not in OF_STATIONS


def _numbers(area: AreaCoverage, odd: Sequence[str], proof: Sequence[str]) -> list[Text]:
    def count(state: str) -> Text:
        number = area.counts[state]
        return Text(str(number), style=_STYLES[state] if number else "")

    proven = Text(str(area.proven))
    rest = (count(state) for state in (*odd, WAITING, REFUSED, SILENT))
    return [Text(str(area.units)), count(SOUNDED), *(proven for _ in proof), *rest]


def _reasons(area: AreaCoverage) -> Text:
    told = (f"{count} x {reason}" for reason, count in area.reasons.most_common())
    return Text("; ".join(told))


def _units(found: Coverage) -> Table:
    done = done_word(found.order)
    if not _can_be_heard(found.order):
        made = table("Units", ("Unit", "Area", "State", "Stage", "Reason"))
        for unit in found.units:
            made.add_row(*_state(unit, done), tr(unit.stage), Text(unit.why))
        return made
    made = table("Loudspeakers", ("Unit", "Area", "State", "Stage", "Took", "Proof", "Reason"))
    for unit in found.units:
        made.add_row(*_state(unit, done), *_heard(unit))
    return made


def _heard(unit: UnitCoverage) -> list[Any]:
    after = "" if unit.sample_ms is None else f"{unit.sample_ms / 1000:.2f} s"
    proof = ""
    if unit.proof:
        proof = tr("{proof} {proof_2:.0%} of the time").format(
            proof=tr(unit.proof["kind"]), proof_2=unit.proof["share"]
        )
    return [tr(unit.stage), after, proof, Text(unit.why)]


def _state(unit: UnitCoverage, done: str) -> list[Text]:
    word = done if unit.state == SOUNDED else unit.state.replace("_", " ")
    return [Text(unit.unit), Text(unit.area), Text(tr(word), style=_STYLES[unit.state])]
