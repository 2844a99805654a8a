"""Counts what a collector refuses: by unit and reason, and bad tags by key id.

Who sends under a revoked key is told once, and counted from then on.

A flood of bad tags is told and locks nobody out: a frame whose tag is good is good, whoever else
shouts, and for a tag of 8 bytes a forger needs 2^63 guesses. To fall silent would hurt people.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections import Counter, deque
from contextlib import suppress

from .errors import FieldbeatError
from .language import tr
from .outcome import Outcome
from .store import Forgeries, Store
from .times import iso

BAD_TAGS_AN_HOUR = 100  # more are no accident, of a bad line or of a unit with another key
HOUR_S = 3600.0
FLUSH_S = 1.0  # counts are written at most this often: a flood must not wear a disk


class Refusals:
    """The counts of one collector, in memory until `flush` writes them.

    `counts`: reason -> how many since the start.
    """

    def __init__(self, store: Store) -> None:
        self.counts: Counter[str] = Counter()
        self._store = store
        self._unwritten: dict[tuple[str, str], tuple[int, float, str]] = {}
        self._bad_tags: dict[bytes, _BadTags] = {}
        self._forgeries: dict[bytes, Forgeries] = {}  # not written yet
        self._tried_s = float("-inf")
        self._told_revoked: set[bytes] = set()

    def count(self, outcome: Outcome) -> None:
        """Count a datagram that was refused; say in its detail if it begins a flood."""
        unit, reason = outcome.unit, outcome.reason
        self.counts[reason] += 1
        count = self._unwritten.get((unit, reason), (0, 0.0, ""))[0] + 1
        self._unwritten[unit, reason] = (count, outcome.at_s, outcome.source)
        if reason == "tag":
            self._count_bad_tag(outcome)
        if reason == "revoked" and outcome.kid not in self._told_revoked:
            self._told_revoked.add(outcome.kid)
            text = tr("told once; 'fieldbeat show {unit}' counts them")
            outcome.detail = text.format(unit=unit)

    def _count_bad_tag(self, outcome: Outcome) -> None:
        kid, at_s = outcome.kid, outcome.at_s
        known = self._bad_tags.setdefault(kid, _BadTags())  # a kid of the registry, so not many
        begins = known.add(at_s)
        if known.since_s is not None:
            told = (outcome.unit, known.since_s, at_s, known.count, outcome.source)
            self._forgeries[kid] = Forgeries(kid, *told)
        if begins:
            outcome.detail = tr(
                "more than {bad_tags_an_hour} bad tags in an hour under key id {kid}, "
                "since {since_s}: frames are forged, or the unit has another key"
            ).format(bad_tags_an_hour=BAD_TAGS_AN_HOUR, kid=kid.hex(), since_s=iso(known.since_s))

    def flush_if_due(self, now_s: float) -> None:
        """Write the counts unless that was tried within the last second."""
        if now_s - self._tried_s >= FLUSH_S:
            self._tried_s = now_s
            with suppress(FieldbeatError):  # they stay in memory until the disk takes them
                self.flush()

    def flush(self) -> None:
        """Write the counts."""
        if not self._unwritten:
            return
        with self._store.transaction():
            self._store.add_refusals([(*key, *row) for key, row in self._unwritten.items()])
            for forgeries in self._forgeries.values():
                self._store.save_forgeries(forgeries)
        self._unwritten.clear()
        self._forgeries.clear()


class _BadTags:
    """The last bad tags of a key id; `since_s` and `count` while they are too many in an hour."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=BAD_TAGS_AN_HOUR + 1)
        self.since_s: float | None = None
        self.count = 0

    def add(self, at_s: float) -> bool:
        """Count one more and tell whether a flood begins with it."""
        times = self._times
        times.append(at_s)
        if len(times) < BAD_TAGS_AN_HOUR + 1 or at_s - times[0] >= HOUR_S:
            self.since_s = None
            return False
        if self.since_s is not None:
            self.count += 1
            return False
        self.since_s, self.count = times[0], len(times)
        return True
