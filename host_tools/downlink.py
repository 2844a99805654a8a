"""Sequence numbers for what is sent to units: each is given once, whoever else sends.

A collector takes them out of the registry by the block, so that it writes to the registry once in
many answers. What it has not used when it ends is lost; no number comes twice.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable

from .registry import Registry
from .times import DEVICE_EPOCH_S

BLOCK = 256


class Downlink:
    """Gives out the numbers of every key of a registry.

    They begin no lower than the seconds since 2024, so that they go on upwards even when the
    registry was restored from an old copy.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._left: dict[tuple[bytes, int], range] = {}

    def next(self, kid: bytes, epoch: int, now_s: float) -> int:
        """Return the next number of a key.

        Raises:
            DatabaseError: the registry did not take the reservation.
        """
        self.reserve([(kid, epoch)], now_s)
        left = self._left[kid, epoch]
        self._left[kid, epoch] = left[1:]
        return left[0]

    def reserve(self, keys: Iterable[tuple[bytes, int]], now_s: float) -> None:
        """Have a number ready for each (key id, epoch); one transaction for all that have none.

        Raises:
            DatabaseError: the registry did not take the reservation.
        """
        lacking = {key for key in keys if not self._left.get(key)}
        if not lacking:
            return
        lowest, ready = int(now_s) - DEVICE_EPOCH_S, {}
        with self._registry.database.transaction():
            for kid, epoch in lacking:
                first = self._registry.reserve_down(kid, epoch, BLOCK, lowest)
                ready[kid, epoch] = range(first, first + BLOCK)
        self._left |= ready
