"""What the bodies of events have; nobody has checked them before."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

from fieldbeat.protocols import event, reasons, receipt_reader


def floor(type_: int, body: dict) -> int | None:
    """Return the lowest record number that a unit still holds, if an event says so."""
    return number(body, event.HEALTH_FLOOR) if type_ == event.HEALTH else None


def number(body: dict, key: int) -> int | None:
    """Return an event's number, or None if it has none that makes sense."""
    value = body.get(key)
    return value if is_uint(value) else None


def counters(body: dict) -> dict[str, int]:
    """Return the counted reasons of a health event by name."""
    counts = body.get(event.HEALTH_COUNTERS)
    if not isinstance(counts, dict):
        return {}
    return {
        reasons.name(code): count
        for code, count in counts.items()
        if is_uint(code) and is_uint(count)
    }


def receipt_of(type_: int, body: dict) -> Any:
    """Return the receipt in an event, or None if it is none that makes sense."""
    if type_ != event.RECEIPT:
        return None
    try:
        return receipt_reader.parse(body)
    except receipt_reader.ReceiptError:
        return None


def is_uint(value: Any) -> bool:
    """Tell whether a value is a number of 32 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFFFFFF


def whole(value: Any) -> int:
    """Return a number that counts something.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError
    return value
