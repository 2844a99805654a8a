"""The private keys of people: one encrypted PEM file each, readable by its owner alone.

    ~/.local/share/fieldbeat/issuers/NAME.pem        (in $FIELDBEAT_HOME if that is set)
    ~/.local/share/fieldbeat/technicians/NAME.pem

A key for ES256 is ordinary encrypted PKCS #8, which `openssl pkey -in NAME.pem` reads. SM2 keys,
which `cryptography` cannot write, have a PEM of their own: salt | nonce | AES-256-GCM of the 32
bytes under a key that scrypt makes of the passphrase. Nothing here prints a private key.

Behind it stands the public key, so that a file is known without its passphrase: another registry
may have somebody of the same name.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import base64
import os
import secrets
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from fieldbeat.protocols import cose

from . import secret_file, sm2_signer
from .errors import CannotTry
from .files import PRIVATE, write_new
from .language import os_reason, tr
from .paths import data_folder

ISSUER, TECHNICIAN = "issuer", "technician"
PASSPHRASE_MIN = 8  # characters
_SIZE = 32  # bytes of a coordinate, of a private number, and of each half of a signature
_SALT_SIZE, _NONCE_SIZE = 16, 12
_PUBLIC = b"public key: "
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


class Owner(Protocol):
    """Whose a key is, by its public half."""

    @property
    def name(self) -> str: ...
    @property
    def kid(self) -> bytes: ...
    @property
    def algorithm(self) -> int: ...
    @property
    def key(self) -> bytes: ...


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


def key_path(name: str, kind: str = ISSUER) -> Path:
    """Return the file of somebody's private key; it need not exist."""
    return data_folder() / f"{kind}s" / f"{name}.pem"


def save(name: str, key: PrivateKey, passphrase: str, kind: str = ISSUER) -> Path:
    """Write a new key file and return its path; a file of that name is never replaced.

    Raises:
        KeyFileError: there is one of that name.
        CannotTry: it cannot be written.
    """
    path = key_path(name, kind)
    content = key.to_pem(passphrase.encode()) + _PUBLIC + key.public.hex().encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        message = tr("{parent} cannot be made: {strerror}").format(
            parent=path.parent, strerror=os_reason(error)
        )
        raise KeyFileError(message, tr("set FIELDBEAT_HOME to a folder of yours")) from None
    try:
        write_new(path, content, PRIVATE)
    except FileExistsError:
        raise KeyFileError(
            tr("{path} exists already").format(path=path),
            tr("choose another name, or move that file away"),
        ) from None
    return path


@contextmanager
def saved(name: str, key: PrivateKey, passphrase: str, kind: str = ISSUER) -> Iterator[Path]:
    """Have a new key file, which goes again if what it belongs to fails. See `save`."""
    path = save(name, key, passphrase, kind)
    try:
        yield path
    except Exception:
        path.unlink(missing_ok=True)
        raise


def retire(owner: Owner, kind: str = ISSUER) -> Path | None:
    """Move the key file of who was revoked aside; return where it is now, if there was one.

    The file of a namesake stays where it is, and one that does not say whose it is (they did not,
    once): with a revoked key nobody signs anything.
    """
    path = key_path(owner.name, kind)
    try:
        if _public_half(path.read_bytes()) != owner.key.hex().encode():
            return None
    except OSError:
        return None
    aside = path.with_name(f"{owner.name}.{owner.kid.hex()}.revoked")
    os.replace(path, aside)
    return aside


def load(owner: Owner, ask: Callable[[Path], str], kind: str = ISSUER) -> PrivateKey:
    """Open the private key of an issuer or a technician.

    Args:
        owner: whose key it is.
        ask: returns the passphrase of a file.
        kind: ISSUER or TECHNICIAN.

    Raises:
        KeyFileError: there is none, it does not open, or it is not the key of this owner.
    """
    path = key_path(owner.name, kind)
    if not path.is_file():
        message = tr("the private key of {kind} '{name}' is not here: {path} is missing").format(
            kind=kind, name=owner.name, path=path
        )
        raise KeyFileError(message, tr("sign where it was made, or copy that file to its place"))
    if not secret_file.is_private(path):
        raise KeyFileError(
            tr("others may read {path}").format(path=path),
            tr("chmod 600 {path}, then try again").format(path=path),
        )
    key = _read(path, ask(path).encode())
    if (key.algorithm, key.public) != (owner.algorithm, owner.key):
        message = tr("{path} is not the key of {kind} '{name}' ({kid})").format(
            path=path, kind=kind, name=owner.name, kid=owner.kid.hex()
        )
        raise KeyFileError(message, tr("put that {kind}'s own file there").format(kind=kind))
    return key


def read_passphrase(file: Path) -> str:
    """Return the passphrase that a file holds in its first line.

    Raises:
        CannotTry: others may read it, it cannot be read, or is too short.
    """
    step = tr("name a file whose first line is the passphrase")
    return checked_passphrase(secret_file.first_line(file, step), str(file))


def checked_passphrase(text: str, place: str = tr("the passphrase")) -> str:
    """Return a passphrase that is long enough.

    Raises:
        KeyFileError: it is not.
    """
    if len(text) < PASSPHRASE_MIN:
        message = tr("{place} has {count} characters, a passphrase needs {passphrase_min}").format(
            place=place, count=len(text), passphrase_min=PASSPHRASE_MIN
        )
        raise KeyFileError(message, tr("choose several words"))
    return text


def _read(path: Path, passphrase: bytes) -> PrivateKey:
    try:
        key = _opened(path.read_bytes(), passphrase)
    except OSError as error:
        message = tr("{path} cannot be read: {strerror}").format(
            path=path, strerror=os_reason(error)
        )
        raise KeyFileError(message, tr("see that it is yours")) from None
    except (ValueError, TypeError, InvalidTag, UnsupportedAlgorithm):
        message = tr("{path} does not open with this passphrase, or is no key file").format(
            path=path
        )
        raise WrongPassphrase(
            message, tr("try again with the passphrase that it was made with")
        ) from None
    if key is None:
        message = tr("{path} has a key of another kind than ES256").format(path=path)
        raise KeyFileError(message, tr("put the issuer's own file there"))
    return key


def _opened(content: bytes, passphrase: bytes) -> PrivateKey | None:
    """Return the key in a file, None for one of another kind.

    Raises:
        ValueError and others: it does not open, or is another than the file says.
    """
    key: PrivateKey
    if content.startswith(_BEGIN.encode()):
        key = _read_sm2(content, passphrase)
    else:
        found = serialization.load_pem_private_key(content, passphrase)
        if not isinstance(found, ec.EllipticCurvePrivateKey) or found.curve.name != "secp256r1":
            return None
        key = _ES256(found)
    if _public_half(content) not in (b"", key.public.hex().encode()):
        raise ValueError
    return key


def _public_half(content: bytes) -> bytes:
    """Return the public key that a key file names in hexadecimal digits, b"" if it names none."""
    return content.rpartition(b"\n" + _PUBLIC)[2].strip() if _PUBLIC in content else b""


def _read_sm2(content: bytes, passphrase: bytes) -> PrivateKey:
    text, _, _ = content.decode("ascii").partition(_END)
    data = base64.b64decode("".join(text.splitlines()[1:]), validate=True)
    salt, nonce = data[:_SALT_SIZE], data[_SALT_SIZE : _SALT_SIZE + _NONCE_SIZE]
    sealed = data[_SALT_SIZE + _NONCE_SIZE :]
    secret = AESGCM(_stretched(passphrase, salt)).decrypt(nonce, sealed, None)
    return _SM2(int.from_bytes(secret, "big"))


def _stretched(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase)
