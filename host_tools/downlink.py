"""Sequence numbers for the answers to units: each is given once, whoever else answers.

A collector takes them out of the registry by the block, so that it writes to the registry once in
many answers. What it has not used when it ends is lost; no number comes twice.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator

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
        self._left: dict[tuple[bytes, int], Iterator[int]] = {}

    def next(self, kid: bytes, epoch: int, now_s: float) -> int:
        """Return the next number of a key.

        Raises:
            DatabaseError: the registry did not take the reservation.
        """
        left = self._left.get((kid, epoch))
        number = next(left, None) if left else None
        if number is None:
            lowest = int(now_s) - DEVICE_EPOCH_S
            number = self._registry.reserve_down(kid, epoch, BLOCK, lowest)
            self._left[kid, epoch] = iter(range(number + 1, number + BLOCK))
        return number
