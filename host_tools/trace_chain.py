"""Goes along the chain of a trace file, record by record, and judges each by what is signed."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .language import tr
from .trace_file import CHECK_BYTES, TraceFile, number_of
from .wording import record_numbers

if TYPE_CHECKING:
    from .trace_proof import Proof


class Walk:
    """Goes along the chain, record by record."""

    def __init__(self, trace: TraceFile, proof: Proof) -> None:
        self._trace = trace
        self._proof = proof
        self._gaps = sorted(
            (gap for root in proof.good_roots for gap in root.gaps), key=lambda gap: gap.first
        )
        # What a signed root says of the chain's value before a record.
        self._anchors: dict[int, bytes] = {}
        for gap in self._gaps:
            self._anchors[gap.last + 1] = gap.after
            if gap.before is not None:
                self._anchors[gap.first] = gap.before
        self._anchors |= {root.rn: root.chain for root in proof.good_roots}
        self._roots = {root.rn for root in proof.good_roots}
        blind = (gap for gap in self._gaps if gap.is_blind and gap.first <= gap.last)
        self._blind = [(gap.first, gap.last) for gap in blind]
        self._pending: int | None = None  # the first record since what is signed
        self._changed: int | None = None  # the first one whose check is another, since then
        self._bad = 0  # the last record that is out of order, and not looked at

    def run(self) -> None:
        """Judge all records."""
        proof, anchors, blind = self._proof, self._anchors, self._blind
        sha256, checks = hashlib.sha256, self._trace.checks
        value: bytes | None = None
        last = 0
        at = 0
        for raw in self._trace.records:
            at += CHECK_BYTES
            try:
                rn = number_of(raw)
            except ValueError:
                proof.problems.append(
                    tr("what stands after record {last} is no record").format(last=last)
                )
                continue
            if rn != last + 1 and last:
                if rn <= last:
                    proof.problems.append(
                        tr(
                            "record {rn} stands after record {last}: it was put there, or moved"
                        ).format(rn=rn, last=last)
                    )
                    continue
                self._leave(last, rn, value)
                value = None
            if rn in anchors:
                self._reach(rn, last, value)
                value = anchors[rn]
                self._pending = rn
            elif not last and rn not in anchors:
                proof.problems.append(
                    tr(
                        "the file begins with record {rn}, before which no root is: its begin "
                        "was cut off"
                    ).format(rn=rn)
                )
            if blind and any(first <= rn <= end for first, end in blind):
                value = None
            if value is None:
                self._not_proven(rn, rn)
            else:
                value = sha256(value + rn.to_bytes(4, "big") + raw).digest()
                if value[:CHECK_BYTES] != checks[at - CHECK_BYTES : at] and not self._changed:
                    self._changed = rn
            proof.first = proof.first or rn
            last = rn
        proof.last = last
        self._end(last, value)
        proof.unproven = list(_joined(proof.unproven))

    def _reach(self, rn: int, last: int, value: bytes | None) -> None:
        """Judge what stands between the anchor before and this one."""
        problems, since, changed = self._proof.problems, self._pending, self._changed
        self._changed = None
        if value is None or since is None:
            return
        if value == self._anchors[rn]:
            if changed:
                problems.append(
                    tr("the check of record {changed} was changed; the record was not").format(
                        changed=changed
                    )
                )
            return
        self._not_proven(since, last)
        if changed:
            problems.append(
                tr("record {changed} was changed, by what is signed in record {rn}").format(
                    changed=changed, rn=rn
                )
            )
        else:
            problems.append(
                tr(
                    "between records {since} and {last} something was changed, by what is "
                    "signed in record {rn}"
                ).format(since=since, last=last, rn=rn)
            )

    def _leave(self, last: int, rn: int, value: bytes | None) -> None:
        """Judge what stands before missing numbers, and whether the unit has told of them."""
        proof = self._proof
        if last + 1 in self._anchors:
            self._reach(last + 1, last, value)
        elif value is not None and self._pending is not None:
            first = self._pending + (self._pending in self._roots)
            if first <= last:
                self._not_proven(first, last)
        self._pending = self._changed = None
        first = last + 1
        for gap in self._gaps:
            if gap.first <= first <= gap.last:
                end = min(gap.last, rn - 1)
                proof.given_up.append((first, end))
                first = end + 1
        if first < rn:
            proof.problems.append(_missing(first, rn - 1))

    def _end(self, last: int, value: bytes | None) -> None:
        if last in self._roots:
            if self._changed == last:
                self._proof.problems.append(
                    tr("the check of record {last} was changed").format(last=last)
                )
            return
        since = self._pending
        if since is None or value is None:
            since = last
        first = since + (since in self._roots)
        self._not_proven(first, last)
        self._proof.problems.append(
            tr(
                "the file ends with record {last}, and no root signs {ranged}: its end was cut off"
            ).format(last=last, ranged=record_numbers(first, last))
        )

    def _not_proven(self, first: int, last: int) -> None:
        self._proof.unproven.append((first, last))


def _missing(first: int, last: int) -> str:
    if first == last:
        return tr(
            "record {rn} is missing, and no root says that the unit gave it up: removed, or never "
            "exported"
        ).format(rn=first)
    return tr(
        "records {first} to {last} are missing, and no root says that the unit gave them up: "
        "removed, or never exported"
    ).format(first=first, last=last)


def _joined(ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    now: tuple[int, int] | None = None
    for first, last in sorted(ranges):
        if now and first <= now[1] + 1:
            now = now[0], max(now[1], last)
            continue
        if now:
            yield now
        now = first, last
    if now:
        yield now
