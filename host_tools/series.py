"""Stored series, ready to leave: every value of a unit's channels with its time and quality."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from . import scaled
from .errors import CannotTry
from .language import tr
from .store import Store
from .times import iso


class Sample(NamedTuple):
    """One value: Unix seconds, counts or None, quality code, whether the unit's clock was set."""

    t: int
    counts: int | None
    quality: int
    clock_set: bool

    @property
    def good(self) -> bool:
        """Whether it is a normal value with a time that can be trusted."""
        return self.counts is not None and self.quality == 0 and self.clock_set


@dataclass(frozen=True)
class Series:
    """The samples of one channel in one unit and scale, by time; `scale` is counts per unit."""

    unit: str
    channel: str
    symbol: str
    scale: int
    samples: list[Sample]

    def value(self, sample: Sample) -> int | float | None:
        """Return a value in the channel's unit; whole numbers are int."""
        if sample.counts is None:
            return None
        whole, rest = divmod(sample.counts, self.scale)
        return sample.counts / self.scale if rest else whole

    def text(self, sample: Sample) -> str:
        """Return a value with the digits that its scale gives it; '' for none."""
        return "" if sample.counts is None else scaled.text(sample.counts, self.scale)


def read(
    store: Store,
    unit: str,
    channel: str | None = None,
    from_s: float | None = None,
    to_s: float | None = None,
    report_s: float | None = None,
) -> list[Series]:
    """Return a unit's series.

    Args:
        store: what was collected.
        unit: its name.
        channel: only this one.
        from_s: nothing before it, Unix seconds.
        to_s: nothing at or after it, Unix seconds.
        report_s: how often it reports, for what is said where it has not.

    Raises:
        CannotTry: the store has no such unit or channel.
    """
    rows = store.database.all(
        "SELECT id, name, symbol, scale FROM series WHERE unit = ? ORDER BY id", unit
    )
    if not rows and (contact := store.contact(unit)):
        raise none_yet(unit, contact.first_s, report_s)
    if not rows:
        known = ", ".join(contact.unit for contact in store.contacts()) or tr("none")
        raise CannotTry(
            tr("nothing is stored of a unit '{unit}'").format(unit=unit),
            tr("known: {known}").format(known=known),
        )
    chosen = {row["id"]: row for row in rows if channel in (None, row["name"])}
    if not chosen:
        known = ", ".join(dict.fromkeys(row["name"] for row in rows))
        raise CannotTry(
            tr("{unit} has no channel '{channel}'").format(unit=unit, channel=channel),
            tr("known: {known}").format(known=known),
        )
    samples = _samples(store, unit, chosen, from_s, to_s)
    return [
        Series(unit, row["name"], row["symbol"], row["scale"], samples[key])
        for key, row in chosen.items()
    ]


def none_yet(unit: str, first_s: float, report_s: float | None) -> CannotTry:
    """Return that a unit which was heard has not reported yet, and when it does.

    Args:
        first_s: when it was heard first, Unix seconds.
        report_s: how often it reports, None where nobody knows.
    """
    message = tr("there are no samples of {unit} yet").format(unit=unit)
    if report_s is None:
        step = tr("wait for its first report, after [sampling] report_samples of them")
        return CannotTry(message, step)
    step = tr("its first report comes at about {at}").format(at=iso(first_s + report_s))
    return CannotTry(message, step)


def _samples(
    store: Store, unit: str, chosen: dict[int, Any], from_s: float | None, to_s: float | None
) -> dict[int, list[Sample]]:
    first = float("-inf") if from_s is None else from_s
    end = float("inf") if to_s is None else to_s
    samples: dict[int, list[Sample]] = {key: [] for key in chosen}
    for layout, columns in store.layouts(unit):
        if chosen.keys().isdisjoint(columns):
            continue
        for report in store.reports(layout, first, end):
            for c, key in enumerate(columns):
                if key not in chosen:
                    continue
                codes = report.qualities[c] if report.qualities else [0] * len(report.times)
                samples[key] += [
                    Sample(t, counts, code, report.synced)
                    for t, counts, code in zip(report.times, report.counts[c], codes, strict=True)
                    if first <= t < end
                ]
    for found in samples.values():
        found.sort(key=lambda sample: sample.t)
    return samples
