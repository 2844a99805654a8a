"""Go or no-go: what the looks at each spot mean, in words, and what to do next.

A spot is as good as its bad moments: the weakest tenth of its looks is what counts.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any

from .language import tr
from .survey_limits import Limits
from .survey_sample import DENIED, IDLE, SEARCHING, Sample

GO, WEAK, NO_GO, UNKNOWN = "go", "weak", "no-go", "unknown"
_ORDER = (GO, WEAK, NO_GO, UNKNOWN)
WORDS = {GO: tr("go"), WEAK: tr("weak"), NO_GO: tr("no-go"), UNKNOWN: tr("unknown")}
UNNAMED = tr("start")  # a place that nobody has named
# 3GPP TS 24.301, 9.9.3.9, those that people meet: what the network says, in their words.
CAUSES = {
    2: tr("the SIM is unknown to the network"),
    3: tr("the network does not take this SIM"),
    6: tr("the network does not take this modem (its IMEI)"),
    7: tr("the contract has no data"),
    8: tr("the contract has no data"),
    11: tr("this network is not allowed to the SIM"),
    12: tr("this area is not allowed to the SIM"),
    13: tr("roaming is not allowed here"),
    14: tr("this network has no data for the SIM"),
    15: tr("no cell here is allowed to the SIM: often a contract without NB-IoT"),
    22: tr("the network is full at the moment"),
}


Visit = list[Sample]  # what was looked at in a row at one place; it may be visited again


@dataclass(frozen=True)
class Seen:
    """What was seen at one place of the antenna; `low_...`: of its weakest tenth.

    `registered`: in which part of the looks, of each visit from the first one on.
    `attach_s`: the longest.
    """

    name: str
    looks: int
    registered: float
    attach_s: float | None
    rsrp_dbm: float | None
    low_rsrp_dbm: float | None
    snr_db: float | None
    low_snr_db: float | None
    ecl: int | None
    cells: tuple[str, ...]
    bands: tuple[int, ...]
    operator: str


@dataclass(frozen=True)
class Spot(Seen):
    """The same, judged."""

    verdict: str
    reason: str
    next_step: str

    @property
    def is_fit(self) -> bool:
        """Whether a unit may stand there; one that could not be judged is none yet."""
        return self.verdict in (GO, WEAK)

    def as_map(self) -> dict[str, Any]:
        """Return it for JSON."""
        return vars(self) | {"cells": list(self.cells), "bands": list(self.bands)}


def spots(samples: Iterable[Sample], limits: Limits, bands: Sequence[int] = ()) -> list[Spot]:
    """Return each place of the antenna, in the order in which it was there.

    Args:
        samples: of a survey.
        limits: what is good enough.
        bands: in which the modem searches, as far as it said so.
    """
    by_name: dict[str, list[Visit]] = {}
    for name, visit in groupby(samples, lambda sample: sample.spot or UNNAMED):
        by_name.setdefault(name, []).append(list(visit))
    return [_spot(name, found, limits, bands) for name, found in by_name.items()]


def best(found: Sequence[Spot]) -> Spot | None:
    """Return the spot where a unit is heard best; where none is fit, the one to go on with."""

    def rank(spot: Spot) -> tuple:
        low = spot.low_rsrp_dbm if spot.low_rsrp_dbm is not None else -1000.0
        snr = spot.low_snr_db if spot.low_snr_db is not None else -1000.0
        return _ORDER.index(spot.verdict), spot.ecl or 0, -low, -snr

    return min(found, key=rank, default=None)


def in_words(found: Sequence[Spot], best: Spot) -> list[str]:
    """Return lines that say what each spot is good for, the best one last, and what to do."""
    lines = [
        f"{spot.name}: {WORDS[spot.verdict]}: {spot.reason}" for spot in found if spot is not best
    ]
    if len(found) > 1 and best.is_fit:
        lines.append(tr("best: {spot}").format(spot=best.name))
    elif len(found) > 1:
        lines.append(tr("best: no place is known yet to be good enough"))
    lines.append(f"{WORDS[best.verdict]}: {best.name}: {best.reason}")
    return [*lines, tr("next: {step}").format(step=best.next_step)]


def level_of(rsrp_dbm: float, limits: Limits) -> int:
    """Return the coverage level that is likely at a signal."""
    return (rsrp_dbm < limits.level_0_dbm) + (rsrp_dbm < limits.level_1_dbm)


def _spot(name: str, visits: list[Visit], limits: Limits, bands: Sequence[int]) -> Spot:
    samples = [each for visit in visits for each in visit]
    inside = [each for each in samples if each.registered]
    heard = [each.rsrp_dbm for each in samples if each.rsrp_dbm is not None]
    clear = [each.snr_db for each in samples if each.snr_db is not None]
    levels = [each.ecl for each in samples if each.ecl is not None]
    attached = [each.attach_s for each in samples if each.attach_s is not None]
    low_dbm = _low(heard)
    ecl = _high(levels)
    if ecl is None and low_dbm is not None:
        ecl = level_of(low_dbm, limits)
    seen = Seen(
        name=name,
        looks=len(samples),
        registered=_share(visits, limits.most_attach_s),
        attach_s=max(attached, default=None),
        rsrp_dbm=median(heard) if heard else None,
        low_rsrp_dbm=low_dbm,
        snr_db=median(clear) if clear else None,
        low_snr_db=_low(clear),
        ecl=ecl,
        cells=tuple(dict.fromkeys(each.cell for each in inside if each.cell)),
        bands=tuple(dict.fromkeys(each.band for each in inside if each.band)),
        operator=next((each.operator for each in reversed(samples) if each.operator), ""),
    )
    verdict, reason, step = _judge(seen, visits, limits, bands)
    return Spot(**vars(seen), verdict=verdict, reason=reason, next_step=step)


def _share(visits: list[Visit], most_attach_s: float) -> float:
    """Return which part of the looks found it registered, of each visit from when it first was.

    A visit that was too short for a search says nothing.
    """
    counted: Visit = []
    for visit in visits:
        first = next((n for n, each in enumerate(visit) if each.registered), None)
        if first is not None:
            counted += visit[first:]
        elif _waited_s(visit) >= most_attach_s:
            counted += visit
    return sum(each.registered for each in counted) / len(counted) if counted else 0.0


def _waited_s(visit: Visit) -> float:
    return visit[-1].at_s - visit[0].at_s


def _low(values: list[float]) -> float | None:
    """Return the value that nine in ten are not below."""
    return sorted(values)[len(values) // 10] if values else None


def _high(levels: list[int]) -> int | None:
    return sorted(levels)[-1 - len(levels) // 10] if levels else None


Judged = tuple[str, str, str]


def _judge(seen: Seen, visits: list[Visit], limits: Limits, bands: Sequence[int]) -> Judged:
    if not any(each.registered for visit in visits for each in visit):
        return _outside(seen, visits, limits, bands)
    if seen.looks < limits.looks:
        reason = tr("only {looks} looks").format(looks=seen.looks)
        return UNKNOWN, reason, tr("leave the antenna there for {s} s").format(s=2 * limits.looks)
    if seen.low_rsrp_dbm is None:
        reason = tr("the modem tells no signal (CSQ 99)")
        return UNKNOWN, reason, tr("wait longer, or survey with another modem")
    if seen.registered < limits.registered:
        reason = tr("registered in only {share:.0%} of the looks").format(share=seen.registered)
        return NO_GO, reason, _MOVE
    bad = _beyond(seen, limits.least_rsrp_dbm, limits.least_snr_db, limits.most_ecl)
    bad += _late(seen.attach_s, limits.most_attach_s)
    if bad:
        return NO_GO, "; ".join(bad), _MOVE
    weak = _beyond(seen, limits.go_rsrp_dbm, limits.go_snr_db, limits.go_ecl)
    weak += _late(seen.attach_s, limits.go_attach_s)
    if weak:
        return WEAK, "; ".join(weak), _TRY
    told = [f"{seen.low_rsrp_dbm:.0f} dBm"]
    told += [] if seen.low_snr_db is None else [f"SNR {seen.low_snr_db:.0f} dB"]
    told += [tr("coverage level {ecl}").format(ecl=seen.ecl)]
    return GO, ", ".join(told), tr("drill here")


_MOVE = tr("move the antenna: higher, outside, away from metal, to the side of the base station")
_TRY = tr("try 1 m higher or the other side; else it works, and costs charge: see the forecast")


def _beyond(seen: Seen, dbm: float, snr: float, ecl: int) -> list[str]:
    found = []
    if seen.low_rsrp_dbm is not None and seen.low_rsrp_dbm < dbm:
        text = tr("the signal falls to {value:.0f} dBm, below {limit:.0f}")
        found.append(text.format(value=seen.low_rsrp_dbm, limit=dbm))
    if seen.low_snr_db is not None and seen.low_snr_db < snr:
        text = tr("SNR {value:.0f} dB, below {limit:.0f}")
        if not found:  # the signal alone would do
            text = tr("SNR {value:.0f} dB, below {limit:.0f}: noise, or cells that disturb it")
        found.append(text.format(value=seen.low_snr_db, limit=snr))
    if seen.ecl is not None and seen.ecl > ecl:
        text = tr("coverage level {value}: everything is sent many times")
        found.append(text.format(value=seen.ecl))
    return found


def _late(attach_s: float | None, most_s: float) -> list[str]:
    if attach_s is None or attach_s <= most_s:
        return []
    return [tr("it took {s:.0f} s to be registered").format(s=attach_s)]


def _outside(seen: Seen, visits: list[Visit], limits: Limits, bands: Sequence[int]) -> Judged:
    """What keeps it from being registered, where nothing is."""
    samples = [each for visit in visits for each in visit]
    stats = Counter(each.stat for each in samples if each.stat is not None)
    if stats[DENIED]:
        cause = next((each.cause for each in reversed(samples) if each.cause), None)
        why = CAUSES.get(cause, "") if cause else ""
        number = tr("cause {cause}").format(cause=cause) if cause else ""
        told = ", ".join(filter(None, ("CEREG 0,3", number, why)))
        step = tr("ask the carrier: is the SIM active, has its contract NB-IoT, what is its APN?")
        return NO_GO, tr("the network refuses the SIM ({told})").format(told=told), step
    waited_s = max(map(_waited_s, visits))
    if waited_s < limits.most_attach_s:
        reason = tr("not registered yet after {s:.0f} s").format(s=waited_s)
        step = tr("wait: a first search takes up to {s:.0f} s")
        return UNKNOWN, reason, step.format(s=limits.most_attach_s)
    told = {SEARCHING: "CEREG 0,2", IDLE: "CEREG 0,0"}.get(samples[-1].stat or 0, "")
    if seen.rsrp_dbm is not None:
        text = tr("a cell is heard at {dbm:.0f} dBm and does not let it in ({told})")
        step = tr("see the APN, and ask the carrier whether the SIM is active and may roam here")
        return NO_GO, text.format(dbm=seen.rsrp_dbm, told=told), step
    searched = ", ".join(map(str, bands))
    where = tr("in its bands {bands}").format(bands=searched) if searched else tr("in all bands")
    text = tr("no NB-IoT cell is heard (CSQ 99, {told}) {where}").format(told=told, where=where)
    step = tr(
        "see the antenna and its plug; ask the carrier for its NB-IoT band here, and whether there"
        " is NB-IoT at all; set it with [modem] bands"
    )
    return NO_GO, text, step
