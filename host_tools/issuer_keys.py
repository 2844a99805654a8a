"""The private keys of issuers: one encrypted PEM file each, readable by its owner alone.

    ~/.local/share/fieldbeat/issuers/NAME.pem        (in $FIELDBEAT_HOME if that is set)

A key for ES256 is ordinary encrypted PKCS #8, which `openssl pkey -in NAME.pem` reads. SM2 keys,
which `cryptography` cannot write, have a PEM of their own: salt | nonce | AES-256-GCM of the 32
bytes under a key that scrypt makes of the passphrase. Nothing here prints a private key.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import base64
import os
import secrets
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from fieldbeat.protocols import cose

from . import sm2_signer
from .errors import CannotTry
from .files import PRIVATE, write_atomically
from .issuers import Issuer
from .paths import data_folder

PASSPHRASE_MIN = 8  # characters
_SIZE = 32  # bytes of a coordinate, of a private number, and of each half of a signature
_SALT_SIZE, _NONCE_SIZE = 16, 12
_BEGIN, _END = "-----BEGIN FIELDBEAT SM2 KEY-----", "-----END FIELDBEAT SM2 KEY-----"


class KeyFileError(CannotTry):
    """A key file is missing, is another issuer's, or does not open."""


class WrongPassphrase(KeyFileError):
    """A key file does not open with this passphrase."""


class PrivateKey(Protocol):
    """A private key that signs; `public` is x and y."""

    algorithm: int
    public: bytes

    def sign(self, data: bytes) -> bytes:
        """Return r and s, 32 bytes each."""

    def to_pem(self, passphrase: bytes) -> bytes:
        """Return the encrypted file."""


class _ES256:
    algorithm = cose.ES256

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        numbers = key.public_key().public_numbers()
        self.public = numbers.x.to_bytes(_SIZE, "big") + numbers.y.to_bytes(_SIZE, "big")

    def sign(self, data: bytes) -> bytes:
        der = self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        return b"".join(n.to_bytes(_SIZE, "big") for n in utils.decode_dss_signature(der))

    def to_pem(self, passphrase: bytes) -> bytes:
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase),
        )


class _SM2:
    algorithm = cose.SM2_SM3

    def __init__(self, number: int) -> None:
        self._number = number
        self.public = sm2_signer.public_key(number)

    def sign(self, data: bytes) -> bytes:
        return sm2_signer.sign(self._number, self.public, data)

    def to_pem(self, passphrase: bytes) -> bytes:
        salt, nonce = secrets.token_bytes(_SALT_SIZE), secrets.token_bytes(_NONCE_SIZE)
        secret = self._number.to_bytes(_SIZE, "big")
        sealed = AESGCM(_stretched(passphrase, salt)).encrypt(nonce, secret, None)
        text = base64.b64encode(salt + nonce + sealed).decode()
        return "\n".join([_BEGIN, *textwrap.wrap(text, 64), _END, ""]).encode()


def generate(algorithm: int) -> PrivateKey:
    """Return a new private key for ES256 or SM2_SM3."""
    if algorithm == cose.SM2_SM3:
        return _SM2(sm2_signer.generate())
    return _ES256(ec.generate_private_key(ec.SECP256R1()))


def key_path(name: str) -> Path:
    """Return the file of an issuer's private key; it need not exist."""
    return data_folder() / "issuers" / f"{name}.pem"


def save(name: str, key: PrivateKey, passphrase: str) -> Path:
    """Write a new key file and return its path.

    Raises:
        KeyFileError: there is one of that name.
        CannotTry: it cannot be written.
    """
    path = key_path(name)
    if path.exists():
        raise KeyFileError(f"{path} exists already", "choose another name, or move that file away")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        message = f"{path.parent} cannot be made: {error.strerror}"
        raise KeyFileError(message, "set FIELDBEAT_HOME to a folder of yours") from None
    write_atomically(path, key.to_pem(passphrase.encode()), PRIVATE)
    return path


def retire(issuer: Issuer) -> Path | None:
    """Move the key file of a revoked issuer aside; return where it is now, if there was one."""
    path = key_path(issuer.name)
    if not path.exists():
        return None
    aside = path.with_name(f"{issuer.name}.{issuer.kid.hex()}.revoked")
    os.replace(path, aside)
    return aside


def load(issuer: Issuer, ask: Callable[[Path], str]) -> PrivateKey:
    """Open the private key of an issuer.

    Args:
        issuer: whose key it is.
        ask: returns the passphrase of a file.

    Raises:
        KeyFileError: there is none, it does not open, or it is not the key of this issuer.
    """
    path = key_path(issuer.name)
    if not path.is_file():
        message = f"the private key of issuer '{issuer.name}' is not here: {path} is missing"
        raise KeyFileError(message, "sign where it was made, or copy that file to its place")
    if path.stat().st_mode & 0o077:
        raise KeyFileError(f"others may read {path}", f"chmod 600 {path}, then try again")
    key = _read(path, ask(path).encode())
    if (key.algorithm, key.public) != (issuer.algorithm, issuer.key):
        message = f"{path} is not the key of issuer '{issuer.name}' ({issuer.kid.hex()})"
        raise KeyFileError(message, "put that issuer's own file there")
    return key


def read_passphrase(file: Path) -> str:
    """Return the passphrase that a file holds in its first line.

    Raises:
        KeyFileError: it cannot be read, or is too short.
    """
    try:
        lines = file.read_text().splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        step = "name a file whose first line is the passphrase"
        raise KeyFileError(f"{file} cannot be read: {reason}", step) from None
    return checked_passphrase(lines[0] if lines else "", str(file))


def checked_passphrase(text: str, place: str = "the passphrase") -> str:
    """Return a passphrase that is long enough.

    Raises:
        KeyFileError: it is not.
    """
    if len(text) < PASSPHRASE_MIN:
        message = f"{place} has {len(text)} characters, a passphrase needs {PASSPHRASE_MIN}"
        raise KeyFileError(message, "choose several words")
    return text


def _read(path: Path, passphrase: bytes) -> PrivateKey:
    try:
        content = path.read_bytes()
        if content.startswith(_BEGIN.encode()):
            return _read_sm2(content, passphrase)
        key = serialization.load_pem_private_key(content, passphrase)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise KeyFileError(message, "see that it is yours") from None
    except (ValueError, TypeError, InvalidTag, UnsupportedAlgorithm):
        message = f"{path} does not open with this passphrase, or is no key file"
        raise WrongPassphrase(
            message, "try again with the passphrase that it was made with"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        message = f"{path} has a key of another kind than ES256"
        raise KeyFileError(message, "put the issuer's own file there")
    return _ES256(key)


def _read_sm2(content: bytes, passphrase: bytes) -> PrivateKey:
    lines = content.decode("ascii").splitlines()
    data = base64.b64decode("".join(lines[1:-1]), validate=True)
    salt, nonce = data[:_SALT_SIZE], data[_SALT_SIZE : _SALT_SIZE + _NONCE_SIZE]
    sealed = data[_SALT_SIZE + _NONCE_SIZE :]
    secret = AESGCM(_stretched(passphrase, salt)).decrypt(nonce, sealed, None)
    return _SM2(int.from_bytes(secret, "big"))


def _stretched(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase)
