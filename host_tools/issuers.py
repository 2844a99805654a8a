"""The issuers of alerts: who may make loudspeakers speak, known by public keys in the registry.

An issuer may order alerts up to a class (daily, drill, emergency), and from a level on (1 is the
highest). Loudspeakers are told the public keys; the private keys are in files of their own
(`issuer_keys.py`). A key that was revoked stays listed, so that nobody takes it for a new one.

Every command that an issuer signs carries a number that was never used before: a loudspeaker takes
no number twice. It is reserved here, in a transaction, before it is used, and kept with the end of
its command. So a loudspeaker that is new, and has taken none, can be told up to which number all
are over: the floor, below which it takes nothing, whatever time somebody tells it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from fieldbeat.protocols import cbor, command, cose

from .errors import CannotTry
from .language import tr
from .registry import Registry
from .times import DEVICE_EPOCH_S, iso

CLASSES = ("daily", "drill", "emergency")  # by their numbers on the wire
LEVELS = (1, 2, 3, 4)  # 1 is the highest
ALGORITHMS = {"es256": cose.ES256, "sm2": cose.SM2_SM3}
# A command is over when it has been for so long: clocks of laptops are wrong by a time zone.
SURELY_OVER_S = 86_400.0
MOST_BYTES = 475  # of a list of issuers: a unit takes it in one frame


class IssuerError(CannotTry):
    """There is no such issuer, or he may not do this."""


def whose_step() -> str:
    """Return what to do where a unit would obey nobody: a new key is not one that others obey."""
    return tr(
        "where somebody gives orders already, work with his registry ('another laptop takes over'"
        " in docs/keys.md): a new key is another one, whatever its name. Where nobody does:"
        " 'fieldbeat issuer new NAME', then run the same command again"
    )


@dataclass(frozen=True)
class Issuer:
    """One public key with its rights; times in Unix seconds."""

    kid: bytes
    name: str
    algorithm: int
    key: bytes
    highest_class: int
    highest_level: int
    counter: int
    created_s: float
    revoked_s: float | None = None

    @property
    def algorithm_name(self) -> str:
        return next(name for name, number in ALGORITHMS.items() if number == self.algorithm)

    @property
    def rights(self) -> str:
        """What he may order, in words."""
        below = "" if self.highest_class == 0 else tr(" and below")
        levels = (
            tr("levels {highest_level} to 4").format(highest_level=self.highest_level)
            if self.highest_level < 4
            else "level 4"
        )
        return f"{tr(CLASSES[self.highest_class])}{below}, {levels}"

    def may(self, class_: int, level: int) -> bool:
        """Tell whether he may order an alert of this class and level."""
        return class_ <= self.highest_class and level >= self.highest_level

    def for_units(self, floor: int = 0) -> list[Any]:
        """Return it as units are told it: algorithm, key, rights, and his floor if he has one."""
        rights = {0: self.highest_class, 1: self.highest_level} | ({2: floor} if floor else {})
        return [self.algorithm, self.key, rights]

    def as_map(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "name": self.name,
            "kid": self.kid.hex(),
            "algorithm": self.algorithm_name,
            "key": self.key.hex(),
            "class": CLASSES[self.highest_class],
            "level": self.highest_level,
            "created": iso(self.created_s),
            "revoked": iso(self.revoked_s) or None,
        }


# How the history calls what tells a unit of the issuers; the first may have been broken off later.
_TOLD = ("provisioning", "provisioned", "flashed with key")
_NEVER = 1 << 62  # no history has so many lines
_COLUMNS = ", ".join(field.name for field in fields(Issuer))


class Issuers:
    """The issuers in a registry.

    Args:
        registry: where they are kept.
        now: clock, Unix seconds; without one that of the registry.
    """

    def __init__(self, registry: Registry, now: Callable[[], float] | None = None) -> None:
        self._registry = registry
        self._database = registry.database
        self._now = now or registry.now

    def all(self) -> list[Issuer]:
        """Return every issuer, also the revoked ones, by name and age."""
        return self._select("1 ORDER BY name, created_s")

    def in_office(self) -> list[Issuer]:
        """Return every issuer who was not revoked, by name."""
        return [issuer for issuer in self.all() if issuer.revoked_s is None]

    def get(self, name: str) -> Issuer:
        """Return the issuer in office of that name.

        Raises:
            IssuerError: there is none.
        """
        found = self._select("name = ? AND revoked_s IS NULL", name)
        if not found:
            known = ", ".join(issuer.name for issuer in self.in_office())
            step = (
                tr("known: {known}").format(known=known)
                if known
                else tr("make one: fieldbeat issuer new {name}").format(name=name)
            )
            gone = self._select("name = ? ORDER BY revoked_s DESC", name)
            was = (
                tr("; he was revoked at {revoked_s}").format(revoked_s=iso(gone[0].revoked_s))
                if gone
                else ""
            )
            raise IssuerError(
                tr("no issuer '{name}' is in {path}{was}").format(
                    name=name, path=self._registry.path, was=was
                ),
                step,
            )
        return found[0]

    def add(
        self,
        name: str,
        algorithm: int,
        key: bytes,
        highest_class: int,
        highest_level: int,
        also: Callable[[Issuer], object] = lambda issuer: None,
    ) -> Issuer:
        """Add an issuer.

        Args:
            name: no issuer in office has it.
            algorithm: of COSE, ES256 or SM2_SM3.
            key: the public key, x and y in 32 bytes each.
            highest_class: the highest class that he may order.
            highest_level: the highest level that he may order, 1 for all.
            also: belongs to it, and if it fails he is not added.

        Raises:
            IssuerError: the name is taken.
        """
        kid = command.issuer_kid(algorithm, key)
        issuer = Issuer(kid, name, algorithm, key, highest_class, highest_level, 0, self._now())
        with self._database.transaction():
            if self._select("name = ? AND revoked_s IS NULL", name):
                message = tr("{path} has an issuer '{name}' already").format(
                    path=self._registry.path, name=name
                )
                step = tr(
                    "choose another name, or revoke it first: fieldbeat issuer revoke {name}"
                ).format(name=name)
                raise IssuerError(message, step)
            values = [getattr(issuer, field.name) for field in fields(Issuer)]
            marks = ", ".join("?" for _ in values)
            self._database.write(f"INSERT INTO issuers ({_COLUMNS}) VALUES ({marks})", *values)
            self._registry.note(f"issuer {name}", "added", f"{kid.hex()}; {issuer.rights}")
            also(issuer)
        return issuer

    def revoke(self, name: str) -> Issuer:
        """Take an issuer out of office; he is never in office again with this key.

        Raises:
            IssuerError: there is none of that name.
        """
        with self._database.transaction():
            issuer = self.get(name)
            sql = "UPDATE issuers SET revoked_s = ? WHERE kid = ?"
            self._database.write(sql, self._now(), issuer.kid)
            self._registry.note(f"issuer {name}", "revoked", issuer.kid.hex())
        return issuer

    def obeyed_by(self, issuer: Issuer) -> list[str]:
        """Return the names of the loudspeakers that were told of an issuer who is in office.

        They obey him until they are provisioned again, whatever this registry says meanwhile.
        """
        begun, _ = self.terms().get(issuer.kid, (0, _NEVER))
        rows = self._database.all(
            "SELECT name FROM units WHERE role = ? AND name IN (SELECT unit FROM history"
            " WHERE rowid >= ? AND action IN (?, ?, ?)) ORDER BY name",
            *("speaker", begun, *_TOLD),
        )
        return [row["name"] for row in rows]

    def terms(self) -> dict[bytes, tuple[int, int]]:
        """Return by key id the lines of the history at which each was added, and was revoked.

        By the order of its lines, and not by their times: clocks of laptops are set.
        """
        rows = self._database.all(
            "SELECT rowid, action, substr(detail, 1, 16) AS kid FROM history"
            " WHERE unit LIKE 'issuer %' AND action IN ('added', 'revoked')"
        )
        lines = {(row["kid"], row["action"]): row["rowid"] for row in rows}
        return {
            each.kid: (
                lines.get((each.kid.hex(), "added"), 0),
                lines.get((each.kid.hex(), "revoked"), _NEVER),
            )
            for each in self.all()
        }

    def list_for_units(self, floors: bool = True) -> bytes:
        """Return all that are in office as a unit keeps them (`key/issuers`).

        Args:
            floors: with their floors, unless there is no room for them.

        Raises:
            IssuerError: they are too many.
        """
        office = self.in_office()
        full = cbor.encode([issuer.for_units(self.floor(issuer)) for issuer in office])
        if floors and len(full) <= MOST_BYTES:
            return full
        plain = cbor.encode([issuer.for_units() for issuer in office])
        if len(plain) > MOST_BYTES:
            message = tr("{count} issuers are in office: too many to tell a unit by cable")
            step = tr("revoke who is not needed: 'fieldbeat issuer list', 'issuer revoke'")
            raise IssuerError(message.format(count=len(office)), step)
        return plain

    def floor(self, issuer: Issuer) -> int:
        """Return the last number before which, and with which, all commands are over; 0: none.

        It was given out here: what is signed from now on has a higher one, and is obeyed whatever
        the clock of this computer says.
        """
        sql = (
            "SELECT max(number) FROM signed WHERE kid = ?1 AND number < ifnull("
            "(SELECT min(number) FROM signed WHERE kid = ?1 AND expires_s > ?2), 1 << 62)"
        )
        return self._database.one(sql, issuer.kid, self._now() - SURELY_OVER_S)[0] or 0

    def next_counter(self, issuer: Issuer, expires_s: float) -> int:
        """Reserve the number for the next command that an issuer signs; nobody else gets it.

        The first is the seconds since 2024, and each one after it is higher by 1: a loudspeaker
        takes numbers in any order within 64 of the highest, so that the next orders may overtake
        an alert that waits for its way.

        After the registry was restored from an old copy its numbers come again, and loudspeakers
        refuse them as `cmd_counter`: revoke its issuers, make new ones, and provision the
        loudspeakers again.

        Args:
            issuer: who signs.
            expires_s: when the command ends, Unix seconds.

        Raises:
            DatabaseError: the registry did not take the reservation.
            IssuerError: he was revoked meanwhile.
        """
        with self._database.transaction():
            last = self.get(issuer.name).counter
            number = last + 1 if last else max(1, int(self._now()) - DEVICE_EPOCH_S)
            sql = "UPDATE issuers SET counter = ? WHERE kid = ?"
            self._database.write(sql, number, issuer.kid)
            keep = "INSERT OR REPLACE INTO signed VALUES (?, ?, ?)"
            self._database.write(keep, issuer.kid, number, expires_s)
        return number

    def _select(self, condition: str, *values: Any) -> list[Issuer]:
        rows = self._database.all(f"SELECT {_COLUMNS} FROM issuers WHERE {condition}", *values)
        return [Issuer(*row) for row in rows]
