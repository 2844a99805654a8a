"""The keys with which units sign what they tell: made here, and known here by their public half.

The secret half is sent to its unit once and kept nowhere: whoever has the registry, with all its
master keys, cannot sign in the name of a unit.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .errors import CannotTry
from .language import os_reason, tr
from .registry import Registry
from .trace_file import fingerprint

_SIZE = 32
_END = b"-----END PUBLIC KEY-----"


@dataclass(frozen=True)
class TraceKey:
    """A new key; `for_unit` is what its unit keeps: the secret, x and y."""

    public: bytes
    for_unit: bytes = field(repr=False)


def generate() -> TraceKey:
    """Return a new key, by the system's source of randomness."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = _of(private.public_key())
    secret = private.private_numbers().private_value.to_bytes(_SIZE, "big")
    return TraceKey(public, secret + public)


class TraceKeys:
    """The public keys in a registry.

    Args:
        registry: where they are kept.
        now: clock, Unix seconds.
    """

    def __init__(self, registry: Registry, now: Callable[[], float] = time.time) -> None:
        self._registry = registry
        self._now = now

    def of_unit(self, unit: str) -> list[bytes]:
        """Return every public key that a unit was given, newest first."""
        rows = self._registry.database.all(
            "SELECT public FROM trace_keys WHERE unit = ? ORDER BY rowid DESC", unit
        )
        return [row["public"] for row in rows]

    def enter(self, unit: str, public: bytes) -> None:
        """List the public key that a unit says it has, unless it is listed."""
        if public not in self.of_unit(unit):
            with self._registry.database.transaction():
                self._registry.database.write(
                    "INSERT INTO trace_keys VALUES (?, ?, ?)", unit, public, self._now()
                )
                self._registry.note(unit, "signing key entered", fingerprint(public))

    def make(self, unit: str) -> TraceKey:
        """Make a key for a unit, and list its public half before anybody is sent the other."""
        key = generate()
        with self._registry.database.transaction():
            self._registry.database.write(
                "INSERT INTO trace_keys VALUES (?, ?, ?)", unit, key.public, self._now()
            )
            self._registry.note(unit, "signing key made", fingerprint(key.public))
        return key


def to_pem(public: bytes) -> bytes:
    """Return a public key as a PEM file."""
    x, y = (int.from_bytes(part, "big") for part in (public[:_SIZE], public[_SIZE:]))
    return (
        ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def from_pem(path: Path) -> list[bytes]:
    """Return the public keys x | y in a PEM file: that of a unit, and those it had before.

    Raises:
        CannotTry: there is none.
    """
    step = tr("name a file that 'fieldbeat trace key' wrote, or give the 32 digits of the label")
    try:
        texts = [each + _END for each in path.read_bytes().split(_END)[:-1]]
        keys = [serialization.load_pem_public_key(each) for each in texts or [b""]]
    except (OSError, ValueError) as error:
        reason = (
            os_reason(error)
            if isinstance(error, OSError)
            else tr("it is no PEM file of a public key")
        )
        raise CannotTry(
            tr("{path} cannot be read: {reason}").format(path=path, reason=reason), step
        ) from None
    found = [key for key in keys if isinstance(key, ec.EllipticCurvePublicKey)]
    if len(found) < len(keys) or any(key.curve.name != "secp256r1" for key in found):
        raise CannotTry(tr("{path} has a key of another kind than P-256").format(path=path), step)
    return [_of(key) for key in found]


def _of(key: ec.EllipticCurvePublicKey) -> bytes:
    numbers = key.public_numbers()
    return numbers.x.to_bytes(_SIZE, "big") + numbers.y.to_bytes(_SIZE, "big")
