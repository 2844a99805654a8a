"""Seals secrets: AES-256-GCM under a data key, which is itself sealed by a key file or passphrase.

A data key is 32 random bytes. It is wrapped by AES-256-GCM under the 32 random bytes of a key
file, or under what scrypt makes of a passphrase (RFC 7914; its cost as OWASP recommends it, and
stored with the salt). A sealed value is nonce | ciphertext | tag; the place where it lies is
authenticated with it, so that no two can change places. Nonces are random: 96 bits are enough for
2^32 values under one data key (NIST SP 800-38D, 8.3), and a registry has some thousands.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from .errors import CannotTry
from .files import PRIVATE, write_new
from .language import os_reason, tr
from .secret_file import is_private

KEY_FILE, PASSPHRASE = "key file", "passphrase"
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1  # 128 MiB and some tenths of a second
_SIZE, _NONCE_SIZE, _SALT_SIZE = 32, 12, 16
_WRAPPING = b"fieldbeat: the data key of a registry"
_ABOUT = (
    "# The key of a fieldbeat registry. Whoever has both has the keys of all "
    "its units. Keep a\n# copy in a safe place: without it the units need new "
    "keys ('fieldbeat registry rebuild').\n"
)


class DoesNotOpen(Exception):
    """Sealed bytes and a key do not belong together, or the bytes were changed."""


class Sealer:
    """Seals and opens values under one data key."""

    def __init__(self, data_key: bytes) -> None:
        self._cipher = AESGCM(data_key)

    def seal(self, value: bytes, place: bytes) -> bytes:
        """Return a value sealed for a place."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._cipher.encrypt(nonce, value, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Return the value that was sealed for a place.

        Raises:
            DoesNotOpen: it was sealed by another key or for another place, or changed.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], place)
        except (InvalidTag, ValueError):
            raise DoesNotOpen from None


@dataclass(frozen=True)
class Wrapped:
    """A data key as it may lie anywhere: `by` names what opens it, `n`, `r` and `p` its cost."""

    by: str
    salt: bytes
    n: int
    r: int
    p: int
    key: bytes = field(repr=False)

    def open(self, secret: bytes) -> Sealer:
        """Return the sealer of this data key.

        Args:
            secret: content of the key file as `read_key_file` returns it, or the passphrase.

        Raises:
            DoesNotOpen: it was wrapped under something else.
        """
        return Sealer(Sealer(self._wrapping_key(secret)).open(self.key, _WRAPPING))

    def _wrapping_key(self, secret: bytes) -> bytes:
        if self.by == KEY_FILE:
            return secret
        return Scrypt(salt=self.salt, length=_SIZE, n=self.n, r=self.r, p=self.p).derive(secret)


def wrap(by: str, secret: bytes) -> tuple[Wrapped, Sealer]:
    """Make a new data key, wrapped under a secret of the kind `by`."""
    data_key, salt = secrets.token_bytes(_SIZE), secrets.token_bytes(_SALT_SIZE)
    cost = (SCRYPT_N, SCRYPT_R, SCRYPT_P) if by == PASSPHRASE else (0, 0, 0)
    empty = Wrapped(by, salt, *cost, b"")
    key = Sealer(empty._wrapping_key(secret)).seal(data_key, _WRAPPING)
    return Wrapped(by, salt, *cost, key), Sealer(data_key)


def passphrase_bytes(text: str) -> bytes:
    """Return a passphrase as bytes, the same however a keyboard composes its letters."""
    return unicodedata.normalize("NFC", text).encode()


def read_key_file(path: Path) -> bytes:
    """Return the 32 bytes in a key file.

    Raises:
        CannotTry: it cannot be read, is none, or others may read it.
    """
    try:
        if not is_private(path):
            message = tr("others may read the key file {path}").format(path=path)
            raise CannotTry(message, f"chmod 600 {path}")
        lines = path.read_text("ascii").split("\n")
        [key] = [bytes.fromhex(line) for line in lines if line and not line.startswith("#")]
        if len(key) == _SIZE:
            return key
    except OSError as error:
        message = tr("the key file {path} cannot be read: {reason}")
        raise CannotTry(
            message.format(path=path, reason=os_reason(error)),
            tr("put it back from its copy, or name it by FIELDBEAT_KEY_FILE"),
        ) from None
    except ValueError:
        pass
    message = tr("{path} is no key file of a registry").format(path=path)
    raise CannotTry(message, tr("name another file; this one was left as it is")) from None


def make_key_file(path: Path) -> bytes:
    """Return the key in a file that only its owner may read; make it if there is none.

    It is on the disk on return: what is sealed under it must not outlive it.

    Raises:
        CannotTry: it cannot be written, or something else lies there.
    """
    if path.exists():
        return read_key_file(path)
    key = secrets.token_bytes(_SIZE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_new(path, f"{_ABOUT}{key.hex()}\n".encode(), PRIVATE)
    except FileExistsError:  # another program has just made it
        return read_key_file(path)
    except OSError as error:
        message = tr("the key file {path} cannot be made: {reason}")
        raise CannotTry(
            message.format(path=path, reason=os_reason(error)),
            tr("name a file in a folder where you may write"),
        ) from None
    return key
