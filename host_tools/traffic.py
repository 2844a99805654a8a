"""What the store says of the units that are talking now, kept in memory between frames."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass

from fieldbeat.protocols.replay import Window

from .store import Contact, Store


@dataclass
class Link:
    """A unit that is talking; `ahead`: stored record numbers beyond the cumulative one."""

    contact: Contact
    ahead: set[int]

    def knows(self, rn: int) -> bool:
        """Tell whether a record of this run is accounted for."""
        return rn <= self.contact.cumulative or rn in self.ahead

    def add(self, rn: int) -> None:
        """Count a record of this run as stored."""
        if rn > self.contact.cumulative:
            self.ahead.add(rn)

    def advance(self, cumulative: int) -> None:
        """Move the cumulative number to a value, and on over what is stored without a gap."""
        while cumulative + 1 in self.ahead:
            cumulative += 1
        if cumulative > self.contact.cumulative:
            self.ahead = {rn for rn in self.ahead if rn > cumulative}
            self.contact.cumulative = cumulative

    def begin_run(self, epoch: int, piv: int) -> None:
        """Begin to count records again, from the frame with this sequence number on."""
        self.contact.run += 1
        self.contact.run_epoch, self.contact.run_piv = epoch, piv
        self.contact.cumulative = 0
        self.ahead = set()


class Traffic:
    """Contacts and replay windows of a store.

    Changes are made in memory; `save` writes them inside the transaction that keeps their frames.
    What another process may have changed is read again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.forget()

    def forget(self) -> None:
        """Forget everything, as after a transaction that failed."""
        self._links: dict[str, Link] = {}
        self._windows: dict[tuple[bytes, int], Window] = {}
        self._newest: dict[bytes, int] = {}
        self._changed_links: set[str] = set()
        self._changed_windows: set[tuple[bytes, int]] = set()
        self._version = self._store.database.outside_version()

    def is_current(self) -> bool:
        """Tell whether nobody else has written to the store."""
        return self._version == self._store.database.outside_version()

    def link(self, unit: str, now_s: float) -> Link:
        """Return a unit's link."""
        if unit not in self._links:
            contact = self._store.contact(unit) or Contact(unit, now_s, now_s)
            ahead = self._store.stored_after(unit, contact.run, contact.cumulative)
            self._links[unit] = Link(contact, set(ahead))
        return self._links[unit]

    def contact(self, unit: str) -> Contact | None:
        """Return what is known of a unit's traffic, or None if it was never heard."""
        if unit not in self._links and self._store.contact(unit) is None:
            return None
        contact = self.link(unit, 0.0).contact
        return contact if contact.frames else None

    def change(self, unit: str, now_s: float) -> Link:
        """Return a unit's link, which is about to change."""
        self._changed_links.add(unit)
        return self.link(unit, now_s)

    def window(self, kid: bytes, epoch: int) -> Window:
        """Return the replay window of a key."""
        if (kid, epoch) not in self._windows:
            self._windows[kid, epoch] = self._store.window(kid, epoch)
        return self._windows[kid, epoch]

    def accept(self, kid: bytes, epoch: int, piv: int) -> None:
        """Take a sequence number into the window of its key."""
        self.window(kid, epoch).accept(piv)
        self._newest[kid] = max(epoch, self.newest_epoch(kid))
        self._changed_windows.add((kid, epoch))

    def newest_epoch(self, kid: bytes) -> int:
        """Return the highest epoch under which a key id has spoken, 0 for none."""
        if kid not in self._newest:
            self._newest[kid] = self._store.newest_epoch(kid)
        return self._newest[kid]

    def save(self) -> None:
        """Write what has changed."""
        for kid, epoch in self._changed_windows:
            self._store.save_window(kid, epoch, self._windows[kid, epoch])
        for unit in self._changed_links:
            self._store.save_contact(self._links[unit].contact)
        self._changed_windows.clear()
        self._changed_links.clear()
