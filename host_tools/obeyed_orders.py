"""The order to an actuator that its unit obeyed last, as its receipt tells it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass

from fieldbeat.protocols import command, receipt

from . import signed_commands
from .orders import Orders
from .store import Store


@dataclass(frozen=True)
class Obeyed:
    """What was ordered, in words, and its value (None: as the rules have it).

    Its receipt came at `heard_s` (Unix seconds); at the latest at `end_s` it holds no more.
    """

    told: str
    value: int | None
    heard_s: float
    end_s: float


def last(store: Store, unit: str, actuator: str) -> Obeyed | None:
    """Return the newest order to an actuator that was obeyed, None where there is none."""
    orders = Orders(store)
    for order in orders.all(command.OPERATE):  # newest first
        done = {
            each.command: each.heard_s
            for each in orders.deliveries(order)
            if each.unit == unit and each.stage == receipt.DONE and each.heard_s is not None
        }
        for id_, plaintext, _ in orders.commands(order) if done else ():
            name, value, for_s = (*signed_commands.opened(plaintext).args, None, None)[:3]
            if name == actuator and id_ in done:
                return Obeyed(order.told, value, done[id_], done[id_] + (for_s or 0))
    return None
