"""What was changed at the console of a unit, which the registry does not know."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from fieldbeat.protocols import cbor, event

from .language import tr
from .registry import Registry
from .store import Store

_ABSENT = "-"


def told(known: bytes, there: bytes | None) -> str:
    """Return in words how the `/config.cbor` of a unit differs from the one it was given."""
    before, now = _values(known), _values(there or b"")
    differ = [
        f"{name} {before.get(name, _ABSENT)} -> {now.get(name, _ABSENT)}"
        for name in sorted({*before, *now} if now else ())
        if before.get(name, _ABSENT) != now.get(name, _ABSENT)
    ]
    return tr("the unit runs a configuration that the registry does not know: {differ}").format(
        differ=", ".join(differ) or tr("it cannot be read")
    )


def is_unknown(store: Store, registry: Registry, unit: str) -> bool:
    """Tell whether a unit has last started with another configuration than it was given.

    What it said before it was given that, and what it said after but of a start before, does not
    count.
    """
    given = registry.config(unit)
    row = store.database.one(
        "SELECT t, body, received_s FROM events JOIN records ON records.id = events.record"
        " JOIN frames ON frames.id = records.frame"
        " WHERE events.unit = ? AND type = ? ORDER BY events.record DESC LIMIT 1",
        *(unit, event.BOOT),
    )
    if given is None or row is None:
        return False
    body = cbor.decode(row["body"])
    hash_ = body.get(event.BOOT_CONFIG_HASH)
    started_s = row["t"] if body.get(event.BOOT_SYNCED) else row["received_s"]
    is_later = min(started_s, row["received_s"]) > registry.config_given_s(unit)
    return bool(hash_) and is_later and hash_ != hashlib.sha256(given).digest()[: len(hash_)]


def _values(config: bytes) -> dict[str, str]:
    try:
        return dict(_flat(cbor.decode(config)))
    except (ValueError, TypeError, AttributeError):
        return {}


def _flat(value: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, each in value.items():
        if isinstance(each, Mapping):
            yield from _flat(each, f"{path}{name}.")
        else:
            yield f"{path}{name}", str(each)
