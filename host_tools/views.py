"""What a store says about units, for people: latest values, histories, gaps, silence."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldbeat.protocols import cbor, event
from fieldbeat.protocols.schema import NORMAL

from . import (
    config_changes,
    control_spoken,
    decision_log,
    energy,
    open_files,
    scaled,
    self_tests,
    standing_alarms,
    unit_clips,
)
from .errors import CannotTry
from .event_bodies import counters, number
from .gaps import Gap, Gaps
from .language import tr
from .refusals import HOUR_S
from .registered_unit import SPEAKER, Unit
from .registry import Registry
from .series import none_yet
from .standing_alarms import StandingAlarm
from .store import Contact, Forgeries, Report, Store
from .times import iso, span

SILENT_AFTER_REPORTS = 2
DECISIONS = 400  # the last ones say how actuators stand, but of one that hardly moves
REPORT_S = 3600  # assumed while a unit's own interval is not known


@dataclass(frozen=True)
class Reading:
    """One value of a channel; `text` has the digits that its scale gives it."""

    channel: str
    at_s: int
    value: float | None
    text: str
    symbol: str
    quality: str
    clock_set: bool


@dataclass
class UnitView:
    """A unit at a glance; times in Unix seconds, ages and intervals in seconds."""

    name: str
    site: str = ""
    state: str = ""
    report_s: int = REPORT_S
    last_s: float | None = None
    source: str = ""
    silent: bool = True
    readings: list[Reading] = field(default_factory=list)
    app: str = ""
    restart: str = ""
    config_unknown: bool = False  # it was changed at its console since it was provisioned
    uptime_s: int | None = None  # as it told at ...
    uptime_at_s: int | None = None
    pending: int | None = None
    rsrp_dbm: float | None = None
    battery_v: float | None = None
    counters: dict[str, int] = field(default_factory=dict)
    alarms: list[StandingAlarm] = field(default_factory=list)  # of a station, that stand
    actuators: list[str] = field(default_factory=list)  # what each does, in words
    actuator_faults: list[str] = field(default_factory=list)
    energy: str = ""  # where it went in the last day that the unit told, in words
    refused: dict[str, int] = field(default_factory=dict)
    forged: list[str] = field(default_factory=list)  # floods of bad tags, in words
    self_test: str = ""  # of a loudspeaker, in words
    self_test_bad: bool = False
    clips: list[str] | None = None  # of a loudspeaker that has told them
    records: int = 0
    missing: int = 0
    waiting: int = 0
    bytes: int = 0

    def age_s(self, now_s: float) -> float | None:
        """Return how long ago the unit was heard."""
        return None if self.last_s is None else now_s - self.last_s


class Views:
    """Questions to a store, with names and intervals from the registry where there is one."""

    def __init__(self, store: Store, registry: Registry | None = None) -> None:
        self._store = store
        self._all = store.database.all
        self._one = store.database.one
        self._gaps = Gaps(store)
        self._registry = registry

    def names(self) -> list[str]:
        """Return the units that are registered or were heard."""
        known = [unit.name for unit in self._registry.units()] if self._registry else []
        heard = [contact.unit for contact in self._store.contacts()]
        return sorted({*known, *heard})

    def must_exist(self, name: str) -> None:
        """Raise CannotTry for a unit that nobody knows."""
        names = self.names()
        if name not in names:
            known = ", ".join(names) or tr("none")
            raise CannotTry(
                tr("no unit '{name}' is registered or was heard").format(name=name),
                tr("known: {known}").format(known=known),
            )

    def units(self, now_s: float) -> list[UnitView]:
        """Return every unit, by name."""
        return [self.unit(name, now_s) for name in self.names()]

    def unit(self, name: str, now_s: float) -> UnitView:
        """Return one unit as it is known now."""
        view = UnitView(name)
        unit = self._registry.unit(name) if self._registry else None
        contact = self._store.contact(name)
        self._describe(view, unit, contact, now_s)
        view.readings = self._latest(name, now_s)
        self._add_events(view, now_s)
        self._add_counts(view, contact)
        if unit and unit.role == SPEAKER:
            (test,) = self_tests.last(self._store, [name])
            view.self_test, view.self_test_bad = test.told(now_s), bool(test.trouble(now_s))
            clips = unit_clips.told(self._store).get(name)
            view.clips = list(clips.names) if clips else None
        view.forged = [_told(each) for each in self._store.forgeries(name, now_s - HOUR_S)]
        by_channel = {reading.channel: reading.value for reading in view.readings}
        view.rsrp_dbm = by_channel.get("rsrp") or view.rsrp_dbm
        view.battery_v = by_channel.get("battery") or view.battery_v
        return view

    def refusals(self) -> list[dict[str, Any]]:
        """Return the counts of refused datagrams: unit ('' for strangers), reason, last."""
        rows = self._all("SELECT unit, reason, count, last_s, source FROM refusals ORDER BY 1, 2")
        return [dict(row) for row in rows]

    def history(self, name: str, channel: str, count: int) -> list[Reading]:
        """Return the last values of a channel, oldest first.

        Raises:
            CannotTry: the unit has no such channel.
        """
        series = self._series(name)
        wanted = {key: row for key, row in series.items() if row["name"] == channel}
        contact = self._store.contact(name)
        if not series and contact:
            unit = self._registry.unit(name) if self._registry else None
            raise none_yet(name, contact.first_s, unit.report_interval_s if unit else None)
        if not wanted:
            known = ", ".join(dict.fromkeys(row["name"] for row in series.values())) or tr("none")
            raise CannotTry(
                tr("{name} has no channel '{channel}'").format(name=name, channel=channel),
                tr("known: {known}").format(known=known),
            )
        readings = [
            reading
            for layout, columns in self._store.layouts(name)
            if not wanted.keys().isdisjoint(columns)
            for report in self._store.last_reports(layout, count, 2**62)
            for reading in _readings(report, columns, wanted)
        ]
        return sorted(readings, key=lambda reading: reading.at_s)[-count:]

    def gaps(self, name: str) -> list[Gap]:
        """Return what is missing of a unit: records, samples, and when it was silent."""
        contact = self._store.contact(name)
        if contact is None:
            return []
        samples = self._gaps.samples(contact, self.slow_s(name))
        return [*self._gaps.records(contact), *samples, *self._gaps.silences(contact)]

    def slow_s(self, name: str) -> int:
        """Return the slower interval of a unit with a pace, 0 if it has none or nobody knows."""
        kept = self._registry.config(name) if self._registry else None
        table = cbor.decode(kept) if kept else {}
        if not (table.get("watch") or {}).get("pace"):
            return 0
        return int(table.get("sampling", {}).get("interval_s", 0))

    # One unit

    def _describe(
        self, view: UnitView, unit: Unit | None, contact: Contact | None, now_s: float
    ) -> None:
        if unit:
            view.site, view.state = unit.site, unit.state
        report_s = (unit and unit.report_interval_s) or (contact and contact.report_s)
        view.report_s = report_s or REPORT_S
        if contact:
            view.last_s, view.source, view.bytes = contact.last_s, contact.source, contact.bytes
            view.silent = now_s - contact.last_s > SILENT_AFTER_REPORTS * view.report_s

    def _series(self, name: str) -> dict[int, Any]:
        rows = self._all(
            "SELECT id, name, symbol, scale FROM series WHERE unit = ? ORDER BY id", name
        )
        return {row["id"]: row for row in rows}

    def _latest(self, name: str, now_s: float) -> list[Reading]:
        """Return the last value of each channel; a clock that ran a day ahead does not count."""
        series = self._series(name)
        latest: dict[str, Reading] = {}
        for layout, columns in self._store.layouts(name):
            for report in self._store.last_reports(layout, 1, now_s + 86_400):
                for reading in _readings(report, columns, series):
                    if latest.get(reading.channel, reading).at_s <= reading.at_s <= now_s + 86_400:
                        latest[reading.channel] = reading
        return list(latest.values())

    def _last_event(self, name: str, type_: int) -> dict:
        return self._last_told(name, type_)[1]

    def _last_told(self, name: str, type_: int) -> tuple[int | None, dict]:
        row = self._one(
            "SELECT t, body FROM events WHERE unit = ? AND type = ? ORDER BY record DESC LIMIT 1",
            *(name, type_),
        )
        return (row["t"], cbor.decode(row["body"])) if row else (None, {})

    def _add_events(self, view: UnitView, now_s: float) -> None:
        boot = self._last_event(view.name, event.BOOT)
        view.app = str(boot.get(event.BOOT_VERSION, ""))
        view.restart = str(boot.get(event.BOOT_CAUSE, ""))
        if self._registry:
            view.config_unknown = config_changes.is_unknown(self._store, self._registry, view.name)
        ledger = energy.parse(self._last_event(view.name, event.ENERGY))
        view.energy = ledger.text if ledger else ""
        view.alarms = standing_alarms.of_unit(self._store, view.name)
        told = decision_log.of_unit(self._store, view.name, DECISIONS)
        view.actuators = decision_log.brief(told, now_s, self._travels_s(view.name))
        view.actuator_faults = [
            decision_log.fault_told(each) for each in decision_log.faults(told)
        ]
        told_s, health = self._last_told(view.name, event.HEALTH)
        view.uptime_s = number(health, event.HEALTH_UPTIME_S)
        view.uptime_at_s = told_s
        view.pending = number(health, event.HEALTH_PENDING)
        view.counters = counters(health)
        signal = health.get(event.HEALTH_SIGNAL)
        rsrp = signal.get("rsrp_dbm") if isinstance(signal, dict) else None
        view.rsrp_dbm = rsrp if isinstance(rsrp, int | float) else None
        millivolts = number(health, event.HEALTH_BATTERY_MV)
        view.battery_v = millivolts / 1000 if millivolts else None

    def _travels_s(self, name: str) -> dict[str, float]:
        spoken = control_spoken.parse(self._registry.control(name)) if self._registry else None
        return spoken.travels_s if spoken else {}

    def _add_counts(self, view: UnitView, contact: Contact | None) -> None:
        name = view.name
        rows = self._all("SELECT reason, count FROM refusals WHERE unit = ?", name)
        view.refused = {row["reason"]: row["count"] for row in rows}
        view.records = self._one("SELECT COUNT(*) FROM records WHERE unit = ?", name)[0]
        sql = "SELECT COUNT(*) FROM records WHERE unit = ? AND state = 'waiting'"
        view.waiting = self._one(sql, name)[0]
        view.missing = self._gaps.count(contact) if contact else 0


def registered(registry: Path | None) -> list[UnitView]:
    """Return the units of a registry, if there is one, as what it says of them."""
    with open_files.registry_if_there(registry) as units:
        return [
            UnitView(unit.name, unit.site, unit.state, unit.report_interval_s or REPORT_S)
            for unit in (units.units() if units else ())
        ]


@contextmanager
def opened(db: Path | None, registry: Path | None) -> Iterator[tuple[Store, Views]]:
    """Open a store, and the registry if there is one, to be asked.

    Raises:
        CannotTry: nothing was collected yet, or a file cannot be opened.
    """
    with open_files.store(db) as store, open_files.registry_if_there(registry) as units:
        yield store, Views(store, units)


def must_exist(store: Store, unit: str, registry: Path | None) -> None:
    """Raise CannotTry for a unit that is neither registered nor was heard."""
    with open_files.registry_if_there(registry) as units:
        Views(store, units).must_exist(unit)


def _readings(report: Report, columns: list[int], series: dict[int, Any]) -> Iterator[Reading]:
    """Yield the values of some series of a report, one after the other."""
    for c, key in enumerate(columns):
        if key not in series:
            continue
        codes = report.qualities[c] if report.qualities else [NORMAL] * len(report.times)
        for sample in zip(report.times, report.counts[c], codes, strict=True):
            yield _reading(series[key], *sample, report.synced)


def _reading(series: Any, t: int, counts: int | None, quality: int, synced: bool) -> Reading:
    scale = series["scale"]
    value = None if counts is None else counts / scale
    return Reading(
        channel=series["name"],
        at_s=t,
        value=value,
        text="" if counts is None else scaled.text(counts, scale),
        symbol=scaled.symbol(series["symbol"]),
        quality=scaled.quality_name(quality),
        clock_set=synced,
    )


def _told(forgeries: Forgeries) -> str:
    last_s, kid = forgeries.last_s, forgeries.kid.hex()
    during = tr("{count} bad tags under key id {kid} in {value}").format(
        count=forgeries.count, kid=kid, value=span(last_s - forgeries.since_s)
    )
    return tr("{during} until {last_s}, the last from {source}").format(
        during=during, last_s=iso(last_s), source=forgeries.source
    )
