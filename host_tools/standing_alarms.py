"""Which alarms of a station still stand, as its events told."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass

from fieldbeat.protocols import cbor, event

from . import scaled
from .event_bodies import number
from .language import tr
from .store import Store
from .times import iso


@dataclass(frozen=True)
class StandingAlarm:
    """An alarm that began and is not over; `value`: when it began, with its unit."""

    number: int
    channel: str
    since_s: int | None  # None: the unit's clock was not set
    value: str

    @property
    def told(self) -> str:
        """The alarm in words."""
        since = iso(self.since_s) if self.since_s else tr("a time that its clock did not know")
        return tr("ALARM {number} since {since}, {channel} was {value}").format(
            number=self.number, since=since, channel=self.channel, value=self.value
        )


def of_unit(store: Store, unit: str) -> list[StandingAlarm]:
    """Return the alarms of a unit that stand, by number.

    One that stood before a restart does not count: the unit tells it anew if it still holds.
    """
    rows = store.database.all(
        "SELECT type, t, body FROM events JOIN records ON records.id = record"
        " WHERE events.unit = ? AND type IN (?, ?) ORDER BY run, rn",
        *(unit, event.ALARM, event.BOOT),
    )
    standing: dict[int, StandingAlarm] = {}
    for row in rows:
        if row["type"] == event.BOOT:
            standing.clear()
            continue
        body = cbor.decode(row["body"])
        rule, scale = number(body, event.ALARM_RULE), number(body, event.ALARM_SCALE)
        counts = body.get(event.ALARM_VALUE)
        if rule is None or not scale or type(counts) is not int:
            continue
        if body.get(event.ALARM_BEGINS):
            since_s = row["t"] if body.get(event.ALARM_SYNCED) else None
            value = f"{scaled.text(counts, scale)} {body.get(event.ALARM_UNIT)}"
            channel = str(body.get(event.ALARM_CHANNEL))
            standing[rule] = StandingAlarm(rule, channel, since_s, value)
        else:
            standing.pop(rule, None)
    return [standing[rule] for rule in sorted(standing)]
