"""What goes back to units: acknowledgements of what is stored, answers to parts of pictures."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence

from fieldbeat.protocols import ack, ack_writer, frame

from .database import DatabaseBusy
from .downlink import Downlink
from .errors import FieldbeatError
from .opener import Opened
from .store import Store
from .times import DEVICE_EPOCH_S
from .traffic import Traffic


class Answers:
    """Answers to frames that are stored.

    Args:
        store: tells which schemas a unit's records wait for.
        traffic: tells which records of a unit are there.
        downlink: gives out sequence numbers.
    """

    def __init__(self, store: Store, traffic: Traffic, downlink: Downlink) -> None:
        self._store = store
        self._traffic = traffic
        self._downlink = downlink

    def to(self, opened: Sequence[Opened | None]) -> list[list[bytes]]:
        """Return what to send back for each frame that is stored and asks for it."""
        replies: list[list[bytes]] = [[] for _ in opened]
        busy: DatabaseBusy | None = None
        for item, reply in zip(opened, replies, strict=True):
            if item is None or item.outcome.reason:
                continue
            try:
                if busy and (item.last or item.answer):
                    raise busy  # the registry: wait for it once, not once for each unit
                if item.last:
                    reply.append(self._acknowledgement(item))
                elif item.answer is not None:
                    reply.append(self._sealed(item, frame.BLOCK, item.answer))
            except DatabaseBusy as error:
                busy = error
                item.outcome.refuse("store", str(error))
            except FieldbeatError as error:
                item.outcome.refuse("store", str(error))
            if item.broken and not item.outcome.reason:
                # The others are kept, this one cannot be acknowledged.
                item.outcome.reason, item.outcome.detail = "record", item.broken
        return replies

    def _acknowledgement(self, item: Opened) -> bytes:
        """Return the acknowledgement of what is stored of a unit."""
        outcome = item.outcome
        link = self._traffic.link(outcome.unit, outcome.at_s)
        cumulative = link.contact.cumulative
        plaintext = ack_writer.encode(
            cumulative,
            bitmap=sum(1 << n for n in range(ack.BITMAP_SIZE) if cumulative + 1 + n in link.ahead)
            if link.ahead
            else 0,
            time=max(0, int(outcome.at_s) - DEVICE_EPOCH_S),
            schemas=self._store.schemas_wanted(outcome.unit),
            # Whoever holds an ack back holds back what it told of the time, too.
            question=outcome.piv,
        )
        sealed = self._sealed(item, frame.ACK, plaintext)
        outcome.cumulative = cumulative
        return sealed

    def _sealed(self, item: Opened, cls: int, plaintext: bytes) -> bytes:
        """Seal an answer to a frame under the keys that it came with."""
        keys = item.keys
        piv = self._downlink.next(keys.kid, keys.epoch, item.outcome.at_s)
        return keys.seal(cls, frame.DOWN, piv, plaintext)
