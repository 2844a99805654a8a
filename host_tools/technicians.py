"""The technicians of a registry: who may sign certificates, known by public keys.

Private keys are in files of their own (`issuer_keys.py`). Public ones go into a file, by which
certificates are verified where no registry is.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from fieldbeat.protocols import cose

from . import issuer_keys
from .errors import CannotTry
from .issuer_keys import TECHNICIAN, PrivateKey
from .language import os_reason, tr
from .registry import Registry
from .times import iso, parse

FORMAT = "fieldbeat technicians 1"
DAY_S = 86_400
KID_BYTES = 8


class TechnicianError(CannotTry):
    """There is no such technician, or he may not do this."""


@dataclass(frozen=True)
class Technician:
    """One public key, and when it counts; times in Unix seconds."""

    kid: bytes
    name: str
    algorithm: int
    key: bytes
    created_s: float
    expires_s: float
    revoked_s: float | None = None

    def trouble(self, at_s: float) -> str:
        """Return why what he signed at that time does not count, '' if it does."""
        if at_s >= self.expires_s:
            return tr("the key of {name} expired {at}").format(
                name=self.name, at=iso(self.expires_s)
            )
        if self.revoked_s is not None and at_s >= self.revoked_s:
            return tr("the key of {name} was revoked {at}").format(
                name=self.name, at=iso(self.revoked_s)
            )
        if at_s < int(self.created_s):
            return tr("the key of {name} was made later, {at}").format(
                name=self.name, at=iso(self.created_s)
            )
        return ""

    def as_map(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "name": self.name,
            "kid": self.kid.hex(),
            "algorithm": self.algorithm,
            "key": self.key.hex(),
            "created": iso(self.created_s),
            "expires": iso(self.expires_s),
            "revoked": iso(self.revoked_s) or None,
        }


_COLUMNS = ", ".join(field.name for field in fields(Technician))


class Technicians:
    """The technicians in a registry.

    Args:
        registry: where they are kept.
        now: clock, Unix seconds.
    """

    def __init__(self, registry: Registry, now: Callable[[], float] = time.time) -> None:
        self._registry = registry
        self._database = registry.database
        self._now = now

    def all(self) -> list[Technician]:
        """Return every technician, also the revoked ones, by name and age."""
        return self._select("1 ORDER BY name, created_s")

    def get(self, name: str) -> Technician:
        """Return the technician in office of that name, whose key has not expired.

        Raises:
            TechnicianError: there is none.
        """
        found = self._select("name = ? AND revoked_s IS NULL", name)
        if not found:
            message = tr("no technician '{name}' is in {path}")
            step = tr("make a key: fieldbeat technician new {name}").format(name=name)
            raise TechnicianError(message.format(name=name, path=self._registry.path), step)
        if trouble := found[0].trouble(self._now()):
            step = tr("fieldbeat technician revoke {name}, then new {name}").format(name=name)
            raise TechnicianError(trouble, step)
        return found[0]

    def new(self, name: str, days: int, passphrase: str) -> Technician:
        """Make the key of a technician: in the registry and in its file, or in none of them.

        Raises:
            TechnicianError: the name is taken.
            KeyFileError: the file cannot be written.
        """
        key = issuer_keys.generate(cose.ES256)
        kid = hashlib.sha256(key.public).digest()[:KID_BYTES]
        now_s = self._now()
        made = Technician(kid, name, key.algorithm, key.public, now_s, now_s + DAY_S * days)
        with ExitStack() as undone, self._database.transaction():
            if self._select("name = ? AND revoked_s IS NULL", name):
                message = tr("{path} has a technician '{name}' already")
                step = tr("choose another name, or: fieldbeat technician revoke {name}")
                raise TechnicianError(
                    message.format(path=self._registry.path, name=name), step.format(name=name)
                )
            values = [getattr(made, field.name) for field in fields(Technician)]
            marks = ", ".join("?" for _ in values)
            self._database.write(f"INSERT INTO technicians ({_COLUMNS}) VALUES ({marks})", *values)
            self._registry.note(f"technician {name}", "added", kid.hex())
            undone.enter_context(issuer_keys.saved(name, key, passphrase, TECHNICIAN))
        return made

    def revoke(self, name: str) -> Technician:
        """End the time in which what he signs counts; his key file is moved aside.

        Raises:
            TechnicianError: there is none of that name.
        """
        with self._database.transaction():
            found = self._select("name = ? AND revoked_s IS NULL", name)
            if not found:
                message = tr("no technician '{name}' is in {path}")
                step = tr("see 'fieldbeat technician list'")
                raise TechnicianError(message.format(name=name, path=self._registry.path), step)
            sql = "UPDATE technicians SET revoked_s = ? WHERE kid = ?"
            self._database.write(sql, self._now(), found[0].kid)
            self._registry.note(f"technician {name}", "revoked", found[0].kid.hex())
        issuer_keys.retire(found[0], TECHNICIAN)
        return self._select("kid = ?", found[0].kid)[0]

    def _select(self, condition: str, *values: Any) -> list[Technician]:
        sql = f"SELECT {_COLUMNS} FROM technicians WHERE {condition}"
        return [Technician(*row) for row in self._database.all(sql, *values)]


def open_key(technician: Technician, file: Path | None) -> PrivateKey:
    """Return a technician's private key, by the passphrase in a file or of a person.

    Raises:
        KeyFileError: it is not here, or does not open.
    """
    from .asking import passphrase

    secret = passphrase(technician.name, file)
    return issuer_keys.load(technician, lambda path: secret, TECHNICIAN)


def to_file(technicians: Iterable[Technician]) -> bytes:
    """Return the public keys as a file, which holds nothing secret."""
    rows = [each.as_map() for each in technicians]
    return (json.dumps({"format": FORMAT, "technicians": rows}, indent=2) + "\n").encode()


def from_file(path: Path) -> list[Technician]:
    """Return the technicians of a file of public keys.

    Raises:
        CannotTry: it cannot be read, or is none.
    """
    step = tr("name a file of 'fieldbeat technician export'")
    try:
        table = json.loads(path.read_bytes())
        if table["format"] != FORMAT:
            raise ValueError(table["format"])
        return [_technician(row) for row in table["technicians"]]
    except OSError as error:
        message = tr("{file} cannot be read: {reason}")
        raise CannotTry(message.format(file=path, reason=os_reason(error)), step) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = tr("{file} is no file of technicians: {error}")
        raise CannotTry(message.format(file=path, error=error), step) from None


def _technician(row: dict[str, Any]) -> Technician:
    key, kid = bytes.fromhex(row["key"]), bytes.fromhex(row["kid"])
    if hashlib.sha256(key).digest()[:KID_BYTES] != kid:
        raise ValueError(tr("a key id is not that of its key"))
    if not isinstance(row["name"], str):
        raise TypeError(row["name"])
    return Technician(
        kid,
        row["name"],
        int(row["algorithm"]),
        key,
        parse(row["created"]),
        parse(row["expires"]),
        parse(row["revoked"]) if row["revoked"] else None,
    )


def known(keys: Path | None, registry: Path | None) -> list[Technician]:
    """Return whose signature counts: those of a file of keys, else those of a registry.

    Raises:
        CannotTry: neither is here.
    """
    if keys:
        return from_file(keys)
    try:
        units = Registry(registry, create=False)
    except FileNotFoundError:
        message = tr("neither a registry nor a file of keys is here")
        step = tr("name what 'fieldbeat technician export' has written: --keys FILE")
        raise CannotTry(message, step) from None
    with closing(units):
        return Technicians(units).all()
