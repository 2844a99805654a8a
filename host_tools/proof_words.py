"""What a trace file proves, in plain words and for JSON."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

from . import operations
from .language import tr
from .times import iso
from .trace_file import fingerprint
from .trace_proof import Proof, Root
from .wording import counted, record_numbers


def in_words(proof: Proof) -> list[str]:
    """Return what is proven, in plain words."""
    good = proof.good_roots
    keys = ", ".join(fingerprint(key) for key in proof.keys)
    lines = [
        tr("unit {unit}, key id {kid}, signed with key {keys}").format(
            unit=proof.unit, kid=proof.kid.hex(), keys=keys
        )
    ]
    if not proof.judged:
        lines.append(
            tr(
                "this key is what the file itself says: compare it with the label, or "
                "with what its owner gave you, or give it with --key"
            )
        )
    lines.append(
        tr(
            "{counted}, numbers {first} to {last}: {proven} proven to be as the unit "
            "told them, in their order"
        ).format(
            counted=counted(proof.count, "record"),
            first=proof.first,
            last=proof.last,
            proven=proof.proven,
        )
    )
    if good:
        days = len({root.t // 86_400 for root in good if root.synced})
        lines.append(
            tr(
                "{counted} on {counted_2}: the first is record {rn} of {when}, the last "
                "record {rn_2} of {when_2}"
            ).format(
                counted=counted(len(good), "root"),
                counted_2=counted(days, "day"),
                rn=good[0].rn,
                when=_when(good[0]),
                rn_2=good[-1].rn,
                when_2=_when(good[-1]),
            )
        )
        lines.append(
            tr("complete up to record {rn}, {when}: what came later is not in it").format(
                rn=good[-1].rn, when=_when(good[-1])
            )
        )
    lines += [_given_up(first, last) for first, last in proof.given_up]
    for first, last in proof.unproven:
        lines.append(tr("{ranged}: not proven").format(ranged=record_numbers(first, last)))
    return lines


def _given_up(first: int, last: int) -> str:
    if first == last:
        return tr(
            "record {rn} is missing: the unit gave it up before it was sent, and has signed that"
        ).format(rn=first)
    return tr(
        "records {first} to {last} are missing: the unit gave them up before they were sent, and "
        "has signed that"
    ).format(first=first, last=last)


def _when(root: Root) -> str:
    return iso(root.t) if root.synced else tr("{t} (clock not set)").format(t=iso(root.t))


def as_map(proof: Proof) -> dict[str, Any]:
    """Return it for JSON."""
    return {
        "unit": proof.unit,
        "kid": proof.kid,
        "keys": [fingerprint(key) for key in proof.keys],
        "trusted": proof.trusted,
        "records": proof.count,
        "first": proof.first,
        "last": proof.last,
        "proven": proof.proven,
        "roots": [
            {"record": root.rn, "time": iso(root.t), "clock_set": root.synced, "good": root.good}
            for root in proof.roots
        ],
        "given_up": proof.given_up,
        "unproven": proof.unproven,
        "operations": [
            {
                "record": done.rn,
                "time": iso(done.t),
                "kind": done.operation.kind,
                "amount": done.operation.amount_text or None,
                "batch": done.operation.batch,
                "note": done.operation.note,
                "entered": operations.source_name(done.operation.source),
                "issuer": done.operation.issuer,
                "clock_set": done.operation.synced,
                "proven": done.proven,
            }
            for done in proof.operations
        ],
        "problems": proof.problems,
    }
