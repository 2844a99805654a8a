"""Opens frames: finds out who sent one, and with which of his keys it was sealed."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fieldbeat.protocols import frame, packing, packing_reader, report

from .errors import FieldbeatError
from .outcome import Outcome
from .records import identify
from .registered_unit import SPEAKER, Unit
from .registry import Registry
from .traffic import Traffic


@dataclass
class _Peer:
    """A unit with its keys, newest first, and the epochs of those that are revoked."""

    unit: Unit
    keysets: list[frame.KeySet]
    revoked: frozenset[int]


@dataclass
class Opened:
    """A frame that was opened, with what is to become of it."""

    keys: frame.KeySet
    numbered: list[tuple[int, int, bytes]]  # schema id, record number, record
    broken: str  # what is wrong with a record whose number is unknown
    last: bool
    datagram: bytes
    outcome: Outcome
    block: bytes | None = None  # the plaintext of a frame of class BLOCK
    answer: bytes | None = None  # to it, when it is stored
    receipted: list[Any] = field(default_factory=list)  # receipts, of protocols/receipt_reader.py


class Opener:
    """The units of a registry with their keys, as long as nobody changes them.

    Args:
        registry: units and keys.
        traffic: tells which of a unit's keys has spoken last.
    """

    def __init__(self, registry: Registry, traffic: Traffic) -> None:
        self._registry = registry
        self._traffic = traffic
        self._peers: dict[bytes, _Peer] = {}
        self._units: dict[str, Unit | None] = {}
        self._version: Any = None

    def follow(self) -> None:
        """Forget the keys if somebody has changed the registry."""
        version = self._registry.version()
        if version != self._version:
            self._peers.clear()
            self._units.clear()
            self._version = version

    def open(self, datagram: bytes, outcome: Outcome) -> Opened | None:
        """Open a datagram, or tell in its outcome why not."""
        try:
            header = frame.parse(datagram, self._registry.kid_size)
            outcome.kid = header.kid
            peer = self._peer(header.kid)
            outcome.unit = peer.unit.name
            keys, plaintext = self._decrypt(peer, header, datagram)
            outcome.epoch, outcome.piv = keys.epoch, header.piv
            if header.cls == frame.BLOCK:
                return Opened(keys, [], "", False, datagram, outcome, plaintext)
            if header.cls != frame.TELEMETRY:
                raise frame.FrameError("class")
            records, last = packing_reader.unpack(plaintext)
            return Opened(keys, *_numbered(records), last, datagram, outcome)
        except frame.FrameError as error:
            outcome.refuse(error.reason)
        except packing.PackingError as error:
            outcome.refuse("record", str(error))
        except FieldbeatError as error:
            outcome.refuse("store", str(error))
        return None

    def keys_of(self, unit: str) -> frame.KeySet | None:
        """Return the keys under which a unit spoke last, None without any that counts still."""
        found = self._known(unit)
        if found is None:
            return None
        peer, epoch = self._peer(found.kid), self._traffic.newest_epoch(found.kid)
        if epoch in peer.revoked:
            return None
        return next((keys for keys in peer.keysets if keys.epoch == epoch), None)

    def sleeps(self, unit: str) -> bool:
        """Tell whether a unit hears only for a while after it spoke: all but loudspeakers."""
        found = self._known(unit)
        return found is not None and found.role != SPEAKER

    def _known(self, name: str) -> Unit | None:
        if name not in self._units:
            self._units[name] = self._registry.unit(name)
        return self._units[name]

    def _peer(self, kid: bytes) -> _Peer:
        peer = self._peers.get(kid)
        if peer is None:
            unit = self._registry.unit_of_kid(kid)
            if unit is None:
                raise frame.FrameError("kid")  # not kept: strangers must not fill the memory
            keys = self._registry.keys(kid)
            keysets = [frame.KeySet(master, kid, epoch) for epoch, master in keys]
            peer = self._peers[kid] = _Peer(unit, keysets, self._registry.revoked(kid))
        return peer

    def _decrypt(
        self, peer: _Peer, header: frame.Header, datagram: bytes
    ) -> tuple[frame.KeySet, bytes]:
        """Open a frame under the newest key that fits; a key ends when a newer one has spoken.

        One under a revoked key is opened to tell whose it is, and refused.
        """
        newest = self._traffic.newest_epoch(header.kid)
        reason = "epoch"
        for keys in peer.keysets:
            revoked = keys.epoch in peer.revoked
            if header.epoch not in (None, keys.epoch) or (keys.epoch < newest and not revoked):
                continue
            try:
                plaintext = keys.open(frame.UP, datagram)[2]
            except frame.FrameError as error:
                reason = error.reason
                continue
            if revoked:
                raise frame.FrameError("revoked")
            return keys, plaintext
        raise frame.FrameError(reason)


def _numbered(records: list[bytes]) -> tuple[list[tuple[int, int, bytes]], str]:
    """Return (schema id, record number, bytes) of records, and what is wrong with one of them."""
    numbered, broken = [], ""
    for record in records:
        try:
            numbered.append((*identify(record), record))
        except report.ReportError as error:
            broken = str(error)
    return numbered, broken
