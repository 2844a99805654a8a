"""The file of `fieldbeat trace`: what a unit told, record by record as it did, with its roots.

Deterministic CBOR, described in protocols/cddl/trace.cddl. It begins and ends with a root, or
begins where the chain does: every byte in it is covered by a signature.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cbor2

from . import files
from .errors import FieldbeatError
from .language import tr

FORMAT = "fieldbeat trace 1"
CHECK_BYTES = 4  # of the chain's value after a record: it shows which of a day was changed
NO_CHECK = bytes(CHECK_BYTES)
FINGERPRINT_BYTES = 16
_KEY_BYTES = 64
_FORMAT, _UNIT, _KID, _KEYS, _RECORDS, _CHECKS = range(6)


class Damaged(FieldbeatError):
    """The file is not as it was written."""


@dataclass(frozen=True)
class TraceFile:
    """`keys` are public keys x | y; `checks` has CHECK_BYTES for each record."""

    unit: str
    kid: bytes
    keys: tuple[bytes, ...]
    records: Sequence[bytes]
    checks: bytes


def fingerprint(public: bytes) -> str:
    """Return what a person compares of a public key: 32 hex digits of its SHA-256."""
    return hashlib.sha256(public).digest()[:FINGERPRINT_BYTES].hex()


def encode(trace: TraceFile) -> bytes:
    """Return it as bytes; the same content gives the same bytes."""
    body = {
        _FORMAT: FORMAT,
        _UNIT: trace.unit,
        _KID: trace.kid,
        _KEYS: list(trace.keys),
        _RECORDS: list(trace.records),
        _CHECKS: trace.checks,
    }
    return cbor2.dumps(body, canonical=True)


def read(path: Path) -> TraceFile:
    """Read a file.

    Raises:
        CannotTry: it cannot be read.
        Damaged: it is none, or was changed so that it is none any more.
    """
    return decode(files.read(path, tr("name a file of 'trace export'")), str(path))


def decode(data: bytes, source: str) -> TraceFile:
    """Return what `encode` made into bytes; `source` names them in messages."""
    step = tr("get it again from whoever gave it to you")
    try:
        body = cbor2.loads(data)
    except Exception as error:  # whatever nonsense makes the decoder raise
        raise Damaged(
            tr("{source} is damaged, or no trace: {error}").format(source=source, error=error),
            step,
        ) from None
    if not isinstance(body, dict) or body.get(_FORMAT) != FORMAT:
        raise Damaged(
            tr("{source} is no trace, or its first bytes were changed").format(source=source), step
        )
    kid, keys, records = body.get(_KID), body.get(_KEYS), body.get(_RECORDS)
    unit, checks = body.get(_UNIT), body.get(_CHECKS)
    if not (
        isinstance(unit, str)
        and isinstance(kid, bytes)
        and isinstance(keys, list)
        and all(isinstance(key, bytes) and len(key) == _KEY_BYTES for key in keys)
        and isinstance(records, list)
        and all(type(record) is bytes for record in records)
        and isinstance(checks, bytes)
        and len(checks) == CHECK_BYTES * len(records) > 0
    ):
        raise Damaged(
            tr("{source} has parts that no trace has: it was changed").format(source=source), step
        )
    found = TraceFile(unit, kid, tuple(keys), records, checks)
    if encode(found) != data:
        raise Damaged(
            tr("{source} is written as no trace is: it was changed").format(source=source), step
        )
    return found


def number_of(raw: bytes) -> int:
    """Return the number of a record.

    Raises:
        ValueError: it does not begin like one.
    """
    try:
        at = 1
        if raw[0]:  # a report: its schema's id, flags
            while raw[at - 1] & 0x80:
                at += 1
            at += 1
        number, shift = raw[at] & 0x7F, 7
        while raw[at] & 0x80:
            at += 1
            number |= (raw[at] & 0x7F) << shift
            shift += 7
        return number
    except IndexError:
        raise ValueError(tr("no record begins like this")) from None
