"""Which alarms of a station still stand, as its events told."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass, replace

from fieldbeat.protocols import cbor, event
from fieldbeat.protocols.schema import MAINTENANCE, NORMAL

from . import quantities
from .event_bodies import number
from .language import tr
from .store import Store
from .times import iso


@dataclass(frozen=True)
class StandingAlarm:
    """An alarm that began and is not over; `value`: when it began, with its unit.

    `restarted`: run and record number of the unit's first restart since then.
    """

    number: int
    channel: str
    since_s: int | None  # None: the unit's clock was not set
    value: str
    restarted: tuple[int, int] | None = None

    @property
    def told(self) -> str:
        """The alarm in words."""
        since = iso(self.since_s) if self.since_s else tr("a time that its clock did not know")
        told = tr("ALARM {number} since {since}, {channel} was {value}").format(
            number=self.number, since=since, channel=self.channel, value=self.value
        )
        if not self.restarted:
            return told
        return tr("{told}, and after a restart the unit could not measure it").format(told=told)


def of_unit(store: Store, unit: str) -> list[StandingAlarm]:
    """Return the alarms of a unit that stand, by number.

    One that stood before a restart does not count once its channel was measured again: the unit
    tells it anew if it still holds. Until then nobody knows, so it stands.
    """
    rows = store.database.all(
        "SELECT type, t, body, run, rn FROM events JOIN records ON records.id = record"
        " WHERE events.unit = ? AND type IN (?, ?) ORDER BY run, rn",
        *(unit, event.ALARM, event.BOOT),
    )
    standing: dict[int, StandingAlarm] = {}
    for row in rows:
        if row["type"] == event.BOOT:
            restart = row["run"], row["rn"]
            for held, alarm in standing.items():
                standing[held] = replace(alarm, restarted=alarm.restarted or restart)
            continue
        body = cbor.decode(row["body"])
        rule, scale = number(body, event.ALARM_RULE), number(body, event.ALARM_SCALE)
        counts = body.get(event.ALARM_VALUE)
        if rule is None or not scale or type(counts) is not int:
            continue
        if body.get(event.ALARM_BEGINS):
            since_s = row["t"] if body.get(event.ALARM_SYNCED) else None
            value = quantities.quantity(counts, scale, str(body.get(event.ALARM_UNIT)))
            channel = str(body.get(event.ALARM_CHANNEL))
            standing[rule] = StandingAlarm(rule, channel, since_s, value)
        else:
            standing.pop(rule, None)
    return [
        standing[rule] for rule in sorted(standing) if not _is_past(store, unit, standing[rule])
    ]


def _is_past(store: Store, unit: str, alarm: StandingAlarm) -> bool:
    """Whether its channel was measured after a restart, or is no longer to be."""
    return alarm.restarted is not None and bool(
        store.database.one(
            "SELECT 1 FROM records JOIN samples ON samples.record = records.id"
            " JOIN series ON series.id = samples.series"
            " WHERE records.unit = ? AND (records.run, records.rn) > (?, ?)"
            " AND series.name = ? AND quality IN (?, ?) LIMIT 1",
            *(unit, *alarm.restarted, alarm.channel, NORMAL, MAINTENANCE),
        )
    )
