"""The coverage of an order for JSON."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

from .coverage import SOUNDED, STATES, AreaCoverage, Coverage, UnitCoverage, done_word
from .orders import Order
from .record_words import kind_name


def as_map(found: Coverage) -> dict[str, Any]:
    """Return it for JSON."""
    done = done_word(found.order)
    return order_map(found.order) | {
        "sent": found.is_sent,
        "complete": found.is_complete,
        "total": _area_map(found.total, done),
        "areas": [_area_map(area, done) for area in found.areas],
        "units": [_unit_map(unit, done) for unit in found.units],
    }


def order_map(order: Order) -> dict[str, Any]:
    """Return an order for JSON."""
    return {
        "id": order.id,
        "kind": kind_name(order.kind),
        "told": order.told,
        "issuers": order.issuers,
        "class": order.class_,
        "level": order.level,
        "silent_drill": bool(order.silent),
        "made_s": order.made_s,
        "start_s": order.start_s,
        "expires_s": order.expires_s,
        "cancelled_s": order.cancelled_s,
    }


def _area_map(area: AreaCoverage, done: str) -> dict[str, Any]:
    states = {done if state == SOUNDED else state: area.counts[state] for state in STATES}
    named = {"area": area.area} if area.area else {}
    return named | {"units": area.units, **states, "proven": area.proven, "why": area.reasons}


def _unit_map(unit: UnitCoverage, done: str) -> dict[str, Any]:
    sent = unit.delivery
    return {
        "unit": unit.unit,
        "area": unit.area,
        "state": done if unit.state == SOUNDED else unit.state,
        "why": unit.why or None,
        "stage": unit.stage or None,
        "over": unit.is_over,
        "tries": sent.tries,
        "first_sent_s": sent.first_s,
        "first_receipt_s": sent.heard_s,
        "last_receipt_s": sent.told_s,
        "started_s": sent.started_s,
        "ended_s": sent.ended_s,
        "hops_ms": sent.hops_ms or None,
        "proof": unit.proof,
    }
