"""What loudspeakers found when they tested themselves last, and who did not for too long."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import cbor, event, reasons

from .language import tr
from .refusal_words import in_words
from .store import Store
from .times import iso, span

TOO_LONG_S = 35 * 86_400.0  # a month, and some days to mend it
NOT_RUN = frozenset(("preempted", "cmd_expired", "cancelled", "revoked"))


@dataclass(frozen=True)
class SelfTest:
    """The last self-test that a unit told of; `at_s` None: it told of none. Unix seconds."""

    unit: str
    at_s: float | None = None
    failed: tuple[str, ...] = ()  # names of protocols/reasons.py
    silent: bool = False
    scheduled: bool = False
    missed: int = 0
    battery_mv: int | None = None

    @property
    def failures(self) -> str:
        """What failed, in words."""
        return ", ".join(in_words(reason) for reason in self.failed)

    def trouble(self, now_s: float) -> str:
        """Return what is wrong, '' if nothing is."""
        if self.at_s is None:
            return tr("no self-test is known")
        if self.failed:
            verb = tr("did not run") if NOT_RUN & set(self.failed) else tr("failed")
            return tr("self-test of {at_s} {verb}: {failures}").format(
                at_s=iso(self.at_s), verb=verb, failures=self.failures
            )
        if now_s - self.at_s > TOO_LONG_S:
            return tr("no self-test for {value}").format(value=span(now_s - self.at_s))
        return ""

    def told(self, now_s: float) -> str:
        """Return it in one line."""
        missed = (
            tr("; {missed} before it did not run").format(missed=self.missed)
            if self.missed
            else ""
        )
        if trouble := self.trouble(now_s):
            return trouble + missed
        passed = (
            tr("silent self-test passed {value} ago{missed}")
            if self.silent
            else tr("audible self-test passed {value} ago{missed}")
        )
        return passed.format(value=span(now_s - (self.at_s or 0)), missed=missed)

    def as_map(self, now_s: float) -> dict[str, Any]:
        """Return it for JSON."""
        return vars(self) | {"trouble": self.trouble(now_s) or None}


def last(store: Store, units: Iterable[str]) -> list[SelfTest]:
    """Return the last self-test of each unit, in their order."""
    rows = store.database.all(
        "SELECT unit, t, body, MAX(record) FROM events WHERE type = ? GROUP BY unit",
        event.SELF_TEST,
    )
    found = {row["unit"]: _read(row["unit"], row["t"], cbor.decode(row["body"])) for row in rows}
    return [found.get(unit) or SelfTest(unit) for unit in units]


def _read(unit: str, t: int, body: dict[int, Any]) -> SelfTest:
    codes = body.get(event.SELF_TEST_FAILED)
    codes = codes if isinstance(codes, list) else []
    missed, battery_mv = (
        body.get(k) for k in (event.SELF_TEST_MISSED, event.SELF_TEST_BATTERY_MV)
    )
    return SelfTest(
        unit,
        t,
        tuple(reasons.name(code) for code in codes if isinstance(code, int)),
        body.get(event.SELF_TEST_SILENT) is True,
        body.get(event.SELF_TEST_SCHEDULED) is True,
        missed if isinstance(missed, int) else 0,
        battery_mv if isinstance(battery_mv, int) else None,
    )
