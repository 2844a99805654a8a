"""Who sounded: the receipts of an order, by unit and by area.

A unit is in one of six states:

- sounded: it plays or has played; in a silent drill: it says that it would have. Where there is
  nothing that measures, nobody knows better: "not measured".
- in part: it has sounded, but not to the end, and says why; or it has begun, and its window ended
  without a word of how.
- stopped: it was cancelled, or its issuer was revoked: somebody wanted it so.
- waiting: it can still sound. It has it and waits for its time, or it has only just been sent, or
  it refused it for now and gets it again; or it is at a self-test.
- refused: it says that it did not, and why.
- silent: it has not answered for `SILENT_AFTER_S`, or its window ended without a sound, or it has
  played and its proof shows current or sound for less than `LEAST_SHARE` of the time.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fieldbeat.protocols import command, reasons, receipt
from fieldbeat.protocols.reason_codes import CODES

from .language import tr
from .orders import Delivery, Order, is_for_now
from .record_words import stage_name
from .refusal_words import in_words
from .wording import counted

SILENT_AFTER_S = 10.0
LATE_S = 60.0  # after its time: who waits for something more urgent to end waits for longer
UNSENT_AFTER_S = 3.0  # a collector that runs has sent an order to somebody by then
LEAST_SHARE = 1 / 8  # of the time of play; speech has pauses
SOUNDED, IN_PART, STOPPED, WAITING, REFUSED, SILENT = STATES = (
    *("sounded", "in_part", "stopped"),
    *("waiting", "refused", "silent"),
)
FAILED = (IN_PART, REFUSED, SILENT)
FIRST_SAMPLE = 3  # among the hops of a receipt: received, verified, decided, first sample
_UNSENT = tr("not sent")
ASLEEP = tr("it gets it when it wakes, and 'fieldbeat collect' runs")
UNHEARD = tr("never heard of, so no address is known")
NO_COLLECTOR = tr("not sent: does 'fieldbeat collect' run?")
NO_CANCEL = tr("its cancel is not sent: does 'fieldbeat collect' run?")
_UNANSWERED = tr("does not answer")
CROWDED = tr(
    "does not answer, and has counted orders without room in its memory (docs/control.md)"
)
CANCEL_UNHEARD = tr("does not answer its cancel")
_TOO_SHORT = tr("its time was over before it was said once")
_NO_END = tr("did not say how it ended")
_DONE = {
    command.ALERT: SOUNDED,
    command.SELFTEST: "passed",
    command.STATUS: "answered",
    command.PICTURE: "taken",
    command.OPERATE: "obeyed",
    command.RECORD: "noted",
}
OF_STATIONS = (command.PICTURE, command.OPERATE, command.RECORD)  # who takes these: no loudspeaker
_ON_PURPOSE = (CODES["cancelled"], CODES["revoked"])
PROOFS = {1: "line current", 2: "microphone"}


@dataclass(frozen=True)
class UnitCoverage:
    """One unit; `why` is a reason in words, '' where there is nothing to explain."""

    unit: str
    area: str
    state: str
    why: str
    stage: str
    sample_ms: int | None  # from the order to the first sample, as the unit says
    proof: dict[str, Any] | None
    delivery: Delivery
    is_over: bool  # it has told how it ended, or nothing can come of it any more
    goes_on: bool = False  # it was cancelled, and this unit does not know, or does not obey that

    @property
    def is_proven(self) -> bool:
        """Whether current or sound was measured while it played."""
        return bool(self.proof and self.proof["share"] >= LEAST_SHARE)


@dataclass
class AreaCoverage:
    """The units of an area, counted."""

    area: str
    units: int = 0
    counts: Counter[str] = field(default_factory=Counter)  # by state
    reasons: Counter[str] = field(default_factory=Counter)  # what there is to explain
    proven: int = 0


@dataclass(frozen=True)
class Coverage:
    """What became of an order."""

    order: Order
    units: tuple[UnitCoverage, ...]
    areas: tuple[AreaCoverage, ...]
    total: AreaCoverage

    @property
    def is_complete(self) -> bool:
        """Whether every unit sounded."""
        return self.total.counts[SOUNDED] == self.total.units

    @property
    def is_decided(self) -> bool:
        """Whether nothing is waited for any more: every unit has told how it ended."""
        return all(unit.is_over for unit in self.units)

    @property
    def has_failed(self) -> bool:
        """Whether a unit has not sounded, or not to the end, and nobody wanted it so."""
        goes_on = any(unit.goes_on for unit in self.units)
        return goes_on or any(self.total.counts[state] for state in FAILED)

    @property
    def is_sent(self) -> bool:
        """Whether anybody was sent it."""
        return any(is_tried(unit.delivery) for unit in self.units)

    def state(self, now_s: float) -> str:
        """Return in words whether the order counts still, and that a cancel is not obeyed."""
        text = self.order.state(now_s, self.is_decided)
        count = sum(unit.goes_on for unit in self.units)
        if not count:
            return text
        where = counted(count, "loudspeaker")
        return tr("{text}, and GOES ON at {where}").format(text=text, where=where)

    def sample_ms(self) -> list[int]:
        """Return how soon units sounded, in ms since it was ordered, the soonest first."""
        return sorted(u.sample_ms for u in self.units if u.sample_ms is not None)


def is_tried(delivery: Delivery) -> bool:
    """Whether a collector has sent it, as far as the store has it."""
    return delivery.first_s is not None or delivery.stage is not None


def done_word(order: Order) -> str:
    """Return what a unit has done that was `SOUNDED`, as it is called for people and in JSON."""
    return _DONE.get(order.kind, "done")


def coverage(
    order: Order,
    deliveries: Iterable[Delivery],
    now_s: float,
    heard: Collection[str] | None = None,
    cancels: Iterable[Delivery] = (),
    asleep: Collection[str] = (),
    crowded: Collection[str] = (),
) -> Coverage:
    """Return what became of an order until now.

    Args:
        order: it.
        deliveries: of it, to its units.
        now_s: the time, Unix seconds.
        heard: names of the units that ever sent anything, to tell why it was not sent to others.
        cancels: of its cancels, to its units, the last one last.
        asleep: names of the units that sleep, and hear of it only when they wake.
        crowded: names of the units that had no memory to judge an order.
    """
    asked, cancels = list(deliveries), list(cancels)
    obeyed = {each.unit for each in cancels if _is_obeyed(each)}
    others = [each for each in cancels if each.unit not in obeyed]
    missed = {each.unit: why for each in others if (why := _missed(order, each, cancels, now_s))}
    sleep = {each.unit for each in asked if order.kind in OF_STATIONS or each.unit in asleep}
    units = tuple(
        _unit(order, each, now_s, heard, _patience_s(asked), missed, obeyed, each.unit in sleep)
        for each in asked
    )
    units = tuple(
        replace(each, why=CROWDED) if each.why == _UNANSWERED and each.unit in crowded else each
        for each in units
    )
    areas = {name: AreaCoverage(name) for name in sorted({unit.area for unit in units})}
    total = AreaCoverage("")
    for unit in units:
        for sums in (areas[unit.area], total):
            sums.units += 1
            sums.counts[unit.state] += 1
            sums.proven += unit.is_proven
            if unit.why:
                sums.reasons[unit.why] += 1
    return Coverage(order, units, tuple(areas.values()), total)


def _patience_s(deliveries: Iterable[Delivery]) -> float:
    """Return how long a unit may wait to be sent something; no longer if nobody was sent it."""
    return SILENT_AFTER_S if any(map(is_tried, deliveries)) else UNSENT_AFTER_S


def _is_obeyed(cancel: Delivery) -> bool:
    return cancel.stage not in (None, receipt.REFUSED)


def _missed(order: Order, cancel: Delivery, cancels: Iterable[Delivery], now_s: float) -> str:
    """Return why a unit goes on with what was cancelled, or may; '' if it does not."""
    if order.cancelled_s is None or order.expires_s <= now_s:
        return ""
    if cancel.stage == receipt.REFUSED:
        named = reasons.name(cancel.reason) if cancel.reason else ""
        return tr("GOES ON, its cancel was refused: {reason}").format(
            reason=in_words(named) if named else stage_name(receipt.REFUSED)
        )
    if cancel.first_s is None:
        return NO_CANCEL if now_s - order.cancelled_s > _patience_s(cancels) else ""
    return CANCEL_UNHEARD if now_s - cancel.first_s > SILENT_AFTER_S else ""


def _unit(
    order: Order,
    delivery: Delivery,
    now_s: float,
    heard: Collection[str] | None,
    patience_s: float,
    missed: dict[str, str],
    obeyed: set[str],
    asleep: bool,
) -> UnitCoverage:
    state, why = _state(order, delivery, now_s, patience_s)
    if why == _UNSENT and asleep and order.expires_s > now_s:
        state, why = WAITING, ASLEEP
    if why == _UNSENT and heard is not None:
        why = NO_COLLECTOR if delivery.unit in heard else UNHEARD
    if delivery.stage is None and delivery.unit in obeyed:
        state, why = STOPPED, tr("cancelled before it came")
    goes_on = is_tried(delivery) and not delivery.is_over and delivery.unit in missed
    if goes_on:
        why = missed[delivery.unit]
    stage = "" if delivery.stage is None else stage_name(delivery.stage)
    hops = delivery.hops_ms
    sample_ms = hops[FIRST_SAMPLE] if len(hops) > FIRST_SAMPLE else None
    proof = delivery.proof and _proof(delivery.proof)
    past = state in (SILENT, IN_PART) and order.expires_s <= now_s
    return UnitCoverage(
        *(delivery.unit, delivery.area, state, why, stage, sample_ms, proof or None, delivery),
        is_over=delivery.is_over or past or state in (REFUSED, STOPPED),
        goes_on=goes_on,
    )


def _state(order: Order, delivery: Delivery, now_s: float, patience_s: float) -> tuple[str, str]:
    stage, over = delivery.stage, order.expires_s <= now_s
    if stage == receipt.DONE:
        return _done(order, delivery)
    if stage == receipt.STARTED:
        return _started(order, now_s)
    if stage == receipt.SILENT:
        return SOUNDED if order.silent else REFUSED, "" if order.silent else tr(
            "it was not to sound"
        )
    if stage in (receipt.REFUSED, receipt.INTERRUPTED, receipt.CANCELLED):
        named = reasons.name(delivery.reason) if delivery.reason else ""
        again = delivery.heard_s is None and not over and order.cancelled_s is None
        if again and is_for_now(stage, delivery.reason):
            state = WAITING
        else:
            state = _ended(order, delivery)
        if stage == receipt.INTERRUPTED and named == "cmd_expired":
            return state, _TOO_SHORT
        return state, in_words(named) if named else stage_name(stage or 0)
    if stage is not None:  # received, accepted, or what a later version says
        what = tr("that it sounded") if order.kind == command.ALERT else tr("how it ended")
        if over:
            return SILENT, tr("has it, and did not say {what}").format(what=what)
        late = order.kind == command.ALERT and now_s > max(order.start_s, order.made_s) + LATE_S
        return WAITING, tr("has it, and does not say yet that it sounds") if late else ""
    if delivery.first_s is None and order.cancelled_s is not None:
        return STOPPED, tr("cancelled before it was sent")
    if delivery.first_s is None:
        waited_s = now_s - order.made_s
        state = SILENT if over or waited_s > patience_s else WAITING
        return state, _UNSENT if state == SILENT or waited_s > UNSENT_AFTER_S else ""
    late = now_s - delivery.first_s > SILENT_AFTER_S
    return (SILENT, _UNANSWERED) if late or over else (WAITING, "")


def _started(order: Order, now_s: float) -> tuple[str, str]:
    if order.kind == command.ALERT:  # what ended with its window has a while to say so
        late = now_s > order.expires_s + SILENT_AFTER_S
        return (IN_PART, _NO_END) if late else (SOUNDED, "")
    return (SILENT, _NO_END) if order.expires_s <= now_s else (WAITING, "")


def _ended(order: Order, delivery: Delivery) -> str:
    """Return the state of what a unit did not do, or not to the end."""
    if order.kind != command.ALERT or delivery.stage == receipt.REFUSED:
        return REFUSED
    wanted = order.cancelled_s is not None or delivery.stage == receipt.CANCELLED
    if delivery.reason in _ON_PURPOSE or (wanted and not delivery.reason):
        return STOPPED
    heard = delivery.started_s is not None or len(delivery.hops_ms) > FIRST_SAMPLE
    if delivery.proof:
        heard = _proof(delivery.proof)["share"] >= LEAST_SHARE
    return IN_PART if heard else REFUSED


def _done(order: Order, delivery: Delivery) -> tuple[str, str]:
    if not delivery.proof:  # a unit that measures says so, even if it measured nothing
        return SOUNDED, tr("not measured") if order.kind == command.ALERT else ""
    proof = _proof(delivery.proof)
    if proof["share"] < LEAST_SHARE:
        return SILENT, tr("{proof} in only {proof_2:.0%} of the time").format(
            proof=proof["kind"], proof_2=proof["share"]
        )
    return SOUNDED, ""


def _proof(data: bytes) -> dict[str, Any]:
    kind, level, share = data
    return {
        "kind": PROOFS.get(kind, tr("kind {kind}").format(kind=kind)),
        "level": round(level / 255, 3),
        "share": round(share / 255, 3),
    }


def soonest(times: Sequence[int]) -> str:
    """Return the median and the last of times in ms, in words."""
    return tr("median {value:.2f} s, last {value_2:.2f} s").format(
        value=times[len(times) // 2] / 1000, value_2=times[-1] / 1000
    )
