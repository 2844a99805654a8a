"""The code of a unit: who has it may change the unit over its serial port.

Eight characters of Crockford's base32 (no I, L, O, U: https://www.crockford.com/base32.html), 40
bits from the operating system. The registry keeps it as any secret of a unit; the unit keeps a
salt and an iterated SHA-256 of it, see firmware/lock.py, which counts wrong codes and makes who
guesses wait.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import os
import re
import secrets
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from . import asking, secret_file
from .errors import CannotTry
from .language import tr
from .registry import Registry
from .unit_words import in_words

VARIABLE = "FIELDBEAT_CODE"
OPTION = "--code-file FILE"
NAME = "unlock code"  # of the secret in the registry
_KEPT = "lock"  # of another one: what the unit keeps of its code
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8
SALT_BYTES = 8
# Of SHA-256: 0.2 s on an ESP32 at 0.1 ms each (estimated, docs/performance.md).
ROUNDS = 2000
_TYPED = re.compile(r"(?i)(\bunlock[ \t]+)(?!CODE\b)[^\s\"]+")


def of_unit(registry: Registry, unit: str) -> str | None:
    """Return the code of a unit, None if it was given none.

    Raises:
        LockedError: the registry is locked, and what opens it is not here.
    """
    code = registry.secret(unit, NAME)
    return None if code is None else code.decode()


def make(registry: Registry, unit: str) -> str:
    """Return the code of a unit; one that has none is given one, and it is kept first.

    Raises:
        LockedError: the registry is locked, and what opens it is not here.
    """
    code = of_unit(registry, unit)
    if code is None:
        code = "".join(ALPHABET[byte % len(ALPHABET)] for byte in registry.random_bytes(LENGTH))
        registry.keep_secret(unit, NAME, code.encode())
    return code


def kept(registry: Registry, unit: str, anew: bool = False) -> bytes:
    """Return what a unit is to keep of its code; `anew`: of one that was given to it since.

    Raises:
        LockedError: the registry is locked, and what opens it is not here.
    """
    found = None if anew else registry.secret(unit, _KEPT)
    if found is None:
        found = for_unit(make(registry, unit), registry.random_bytes(SALT_BYTES))
        registry.keep_secret(unit, _KEPT, found)
    return found


def of_holder(registry: Registry, held: bytes | None) -> str | None:
    """Return the code of the unit that says this of what it keeps, whoever it is by now.

    Raises:
        LockedError: the registry is locked, and what opens it is not here.
    """
    for unit in registry.units():
        found = registry.secret(unit.name, _KEPT)
        if found and check_value(found) == held:
            return of_unit(registry, unit.name)
    return None


class Link(Protocol):
    """What unlocking needs of an `SmpLink`."""

    def run(self, argv: list[str]) -> tuple[str, int]: ...


def unlock(
    link: Link, held: bytes | None, registry: Registry | None, ask: Callable[[], str] = str
) -> tuple[bool, str]:
    """Unlock a unit that is locked, by the code that it was given.

    Args:
        link: the unit.
        held: what it says of what it keeps of its code, its setting `key/code`.
        registry: may have the code.
        ask: is asked for it where the registry does not; returns '' if nobody knows it.

    Returns:
        Whether it is open now, and what it said, for people; '' if no code was tried.

    Raises:
        LockedError: the registry is locked, and what opens it is not here.
        LinkError: the connection failed.
    """
    code = (of_holder(registry, held) if registry else None) or ask()
    if not code:
        return False, ""
    told, failed = link.run(["unlock", code])
    return not failed, in_words(told)


def for_unit(code: str, salt: bytes | None = None, rounds: int = ROUNDS) -> bytes:
    """Return what a unit keeps of a code: salt, rounds and the iterated SHA-256."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    head = salt + struct.pack(">H", rounds)
    digest = head + code.encode()
    for _ in range(rounds):
        digest = hashlib.sha256(digest).digest()
    return head + digest


def check_value(kept: bytes) -> bytes:
    """Return the four bytes by which a unit says what it keeps."""
    return hashlib.sha256(kept).digest()[:4]


def find(file: Path | None) -> str:
    """Return the code that somebody has written down, '' if nobody can be asked for it.

    In this order: the first line of `file`, $FIELDBEAT_CODE, and what a person types unseen.

    Raises:
        CannotTry: others may read the file, or it cannot be read; or that is no code.
    """
    if file:
        step = tr("name a file whose first line is the code")
        return _checked(secret_file.first_line(file, step), str(file))
    if VARIABLE in os.environ:
        return _checked(os.environ[VARIABLE], f"${VARIABLE}")
    if not asking.may_ask_secret():
        return ""
    asked = asking.secret(tr("Code of the unit, as written down"))
    return _checked(asked, tr("what was typed"))


def _checked(text: str, place: str) -> str:
    code = normal(text.strip())
    if len(code) != LENGTH or set(code) - set(ALPHABET):
        message = tr("{place} is no code of a unit").format(place=place)
        raise CannotTry(message, tr("give the eight letters and digits that were written down"))
    return code


def masked(text: str) -> str:
    """Return what was said at a console without the codes that were typed there."""
    return _TYPED.sub(r"\1***", text)


def normal(text: str) -> str:
    """Return a code as it was made: people write hyphens, small letters, O for 0, I for 1."""
    return text.upper().replace("-", "").translate(str.maketrans("OIL", "011"))


def pretty(code: str) -> str:
    """Return a code as people read and write it: in two halves."""
    return f"{code[:4]}-{code[4:]}"
