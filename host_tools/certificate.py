"""A certificate: what a unit measured at itself before it went into the field, signed.

A COSE_Sign1 (RFC 9052) by ES256 under the key of a technician; the payload is deterministic CBOR
as protocols/cddl/certificate.cddl has it. All that is needed to verify it is his public key.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import cbor2
from fieldbeat.protocols import cose

from . import acceptance
from .acceptance import FAILED, NOT_TESTED, PASSED, Check
from .errors import CannotTry, FieldbeatError
from .issuer_keys import PrivateKey
from .language import os_reason, tr
from .strict_cbor import StrictCBORError, loads
from .technicians import Technician
from .times import iso

FORMAT = "fieldbeat certificate 1"
CONTENT_TYPE = "application/cbor"
ENDING = ".cert"
JPEG = "image/jpeg"
PICTURE_BYTES_MAX = 512 * 1024
EXPONENTS = range(-400, 41)  # of ten, in a number
AT_MAX_S = 2**40

(_FORMAT, _UNIT, _SITE, _KID, _MAC, _BOARD, _PROFILE, _FIRMWARE, _FIRMWARE_SHA256) = range(9)
(_APP, _BUILD_ID, _CONFIG_SHA256, _TECHNICIAN, _AT, _CHECKS, _PICTURES) = range(9, 16)
_VERDICTS = (PASSED, FAILED, NOT_TESTED)
_PICTURES_BEGIN = {b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": "image/png"}
_LABEL = "FBCERT1"
_BEGINS = (b"\xd2\x84", b"\x84")  # a COSE_Sign1, with its tag and without it


class Damaged(FieldbeatError):
    """The file is not as it was written."""


@dataclass(frozen=True)
class Picture:
    """A picture as it stands in a certificate."""

    caption: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Certificate:
    """What is certified; `firmware` as the unit tells it, its hash where that was compared."""

    unit: str
    site: str
    kid: bytes
    mac: bytes
    board: str
    profile: str
    firmware: str
    app: str
    build_id: str
    config_sha256: bytes
    technician: str
    at_s: int
    checks: tuple[Check, ...]
    pictures: tuple[Picture, ...] = ()
    firmware_sha256: bytes | None = None

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if check.verdict == FAILED]

    @property
    def passed(self) -> bool:
        """Whether nothing failed of what was tested, and something was."""
        return not self.failed and any(check.verdict == PASSED for check in self.checks)

    @property
    def verdict(self) -> str:
        return PASSED if self.passed else FAILED


@dataclass
class Finding:
    """What verifying a file came to; `certificate` is what it says, believed or not."""

    certificate: Certificate
    sha256: str
    kid: bytes
    problems: list[str] = field(default_factory=list)


def as_map(certificate: Certificate) -> dict[str, Any]:
    """Return it for JSON; pictures by their hashes."""
    checks = [
        {
            "name": each.name,
            "verdict": each.verdict,
            "value": None if each.value is None else float(each.value),
            "unit": each.unit or None,
            "low": None if each.low is None else float(each.low),
            "high": None if each.high is None else float(each.high),
            "text": each.text or None,
        }
        for each in certificate.checks
    ]
    pictures = [
        {"caption": each.caption, "sha256": hashlib.sha256(each.data).hexdigest()}
        for each in certificate.pictures
    ]
    more = {
        "verdict": certificate.verdict,
        "mac": certificate.mac.hex(":"),
        "at": iso(certificate.at_s),
        "checks": checks,
        "pictures": pictures,
    }
    return vars(certificate) | more


def label(certificate: Certificate, sha256: str) -> str:
    """Return what a QR code says: unit, verdict, SHA-256 of the certificate's file."""
    return ":".join([_LABEL, certificate.unit, certificate.verdict, sha256])


def picture(path: Path) -> Picture:
    """Return a file as a picture of a certificate.

    Raises:
        CannotTry: it cannot be read, is of another kind, or too large.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        message = tr("{file} cannot be read: {reason}")
        step = tr("name a JPEG or PNG file")
        raise CannotTry(message.format(file=path, reason=os_reason(error)), step) from None
    kind = next((name for begin, name in _PICTURES_BEGIN.items() if data.startswith(begin)), None)
    if kind is None:
        message = tr("{file} is neither a JPEG nor a PNG").format(file=path)
        raise CannotTry(message, tr("name a JPEG or PNG file"))
    if len(data) > PICTURE_BYTES_MAX:
        message = tr("{file} has {size} kB, a certificate takes {most}")
        message = message.format(file=path, size=len(data) // 1024, most=PICTURE_BYTES_MAX // 1024)
        raise CannotTry(message, tr("make it smaller"))
    return Picture(path.stem, kind, data)


def sign(certificate: Certificate, technician: Technician, key: PrivateKey) -> bytes:
    """Return the file of a certificate."""
    headers = {
        cose.ALG: technician.algorithm,
        cose.CONTENT_TYPE: CONTENT_TYPE,
        cose.KID: technician.kid,
    }
    protected, payload = cose.protect(headers), encode(certificate)
    signature = key.sign(cose.structure(cose.SIGN1, protected, b"", payload))
    return cose.encode(cose.SIGN1, protected, {}, payload, signature)


def encode(certificate: Certificate) -> bytes:
    """Return the payload; the same content gives the same bytes."""
    body: dict[int, Any] = {
        _FORMAT: FORMAT,
        _UNIT: certificate.unit,
        _SITE: certificate.site,
        _KID: certificate.kid,
        _MAC: certificate.mac,
        _BOARD: certificate.board,
        _PROFILE: certificate.profile,
        _FIRMWARE: certificate.firmware,
        _APP: certificate.app,
        _BUILD_ID: certificate.build_id,
        _CONFIG_SHA256: certificate.config_sha256,
        _TECHNICIAN: certificate.technician,
        _AT: certificate.at_s,
        _CHECKS: [_check_row(check) for check in certificate.checks],
        _PICTURES: [[p.caption, p.media_type, p.data] for p in certificate.pictures],
    }
    if certificate.firmware_sha256:
        body[_FIRMWARE_SHA256] = certificate.firmware_sha256
    return cbor2.dumps(body, canonical=True)


def read(file: Path) -> bytes:
    """Return the content of a certificate's file.

    Raises:
        CannotTry: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        message = tr("{file} cannot be read: {reason}").format(file=file, reason=os_reason(error))
        raise CannotTry(message, tr("name a file of 'fieldbeat selftest'")) from None


def verify(
    data: bytes, technicians: Iterable[Technician], source: str, unit: str | None = None
) -> Finding:
    """Return what a file says and everything that speaks against it.

    Args:
        data: the file.
        technicians: whose signature counts.
        source: its name, for messages.
        unit: of which unit it should be; None: of any.

    Raises:
        Damaged: it is no certificate.
    """
    try:
        message = cose.decode(data, cose.SIGN1)
        found = _decode(loads(bytes(message.payload)))
        kid = _typed(message.headers.get(cose.KID), bytes)
        # What nobody has signed would change the hash by which labels know the file.
        if message.unprotected or encode(found) != message.payload:
            raise ValueError(tr("a part of it is of another kind"))
    except (cose.CoseError, StrictCBORError, KeyError, TypeError, IndexError):
        raise _damaged(data, source, tr("it is cut short or changed")) from None
    except ValueError as error:  # in our words
        raise _damaged(data, source, str(error)) from None
    finding = Finding(found, hashlib.sha256(data).hexdigest(), kid)
    finding.problems += _signature_problems(message, found, kid, {t.kid: t for t in technicians})
    if unit is not None and unit != found.unit:
        text = tr("it is of unit {found}, not of {unit}").format(found=found.unit, unit=unit)
        finding.problems.append(text)
    return finding


def _damaged(data: bytes, source: str, what: str) -> Damaged:
    if not data:
        text = tr("{file} is empty").format(file=source)
    elif not data.startswith(_BEGINS):
        text = tr("{file} is no certificate").format(file=source)
    else:
        text = tr("{file} is damaged: {what}").format(file=source, what=what)
    step = tr(
        "get the file {ending} again from whoever made it, as a file and not as text; if nobody"
        " has it whole, the unit is tested again: 'fieldbeat selftest'"
    )
    return Damaged(text, step.format(ending=ENDING))


def compare_label(finding: Finding, text: str) -> None:
    """Add to a finding what a label says that the file does not."""
    if text.strip() != label(finding.certificate, finding.sha256):
        finding.problems.append(tr("the label is of another certificate, or of none"))


def _signature_problems(
    message: cose.Message, found: Certificate, kid: bytes, known: dict[bytes, Technician]
) -> list[str]:
    if kid not in known:
        text = tr(
            "it is signed by a key that is not known here: {kid} (--keys names a file of known"
            " ones, which 'fieldbeat technician export' has written)"
        )
        return [text.format(kid=kid.hex())]
    signer = known[kid]
    try:
        cose.check1(message, {kid: (signer.algorithm, signer.key)})
    except cose.CoseError:
        return [tr("it was changed, or signed by somebody else")]
    problems = [trouble] if (trouble := signer.trouble(found.at_s)) else []
    if signer.name != found.technician:
        text = tr("it names {name}, and {signer} has signed it")
        problems.append(text.format(name=found.technician, signer=signer.name))
    return problems


def _check_row(check: Check) -> list[Any]:
    numbers = check.value, check.unit, check.low, check.high
    return [check.name, _VERDICTS.index(check.verdict), *numbers, check.text]


def _decode(body: Any) -> Certificate:
    if not isinstance(body, dict) or body.get(_FORMAT) != FORMAT:
        raise ValueError(tr("its first words are others"))
    pictures = tuple(Picture(*map(_typed, row, (str, str, bytes))) for row in body[_PICTURES])
    found = Certificate(
        unit=_typed(body[_UNIT], str),
        site=_typed(body[_SITE], str),
        kid=_typed(body[_KID], bytes),
        mac=_typed(body[_MAC], bytes),
        board=_typed(body[_BOARD], str),
        profile=_typed(body[_PROFILE], str),
        firmware=_typed(body[_FIRMWARE], str),
        app=_typed(body[_APP], str),
        build_id=_typed(body[_BUILD_ID], str),
        config_sha256=_typed(body[_CONFIG_SHA256], bytes),
        technician=_typed(body[_TECHNICIAN], str),
        at_s=_typed(body[_AT], int),
        checks=tuple(_check(row) for row in body[_CHECKS]),
        pictures=pictures,
        firmware_sha256=_typed(body[_FIRMWARE_SHA256], bytes)
        if _FIRMWARE_SHA256 in body
        else None,
    )
    if not 0 <= found.at_s <= AT_MAX_S:
        raise ValueError(tr("a value is no number"))
    if any(p.media_type not in _PICTURES_BEGIN.values() for p in pictures):
        raise ValueError(tr("a picture is of an unknown kind"))
    return found


def _check(row: list[Any]) -> Check:
    if not isinstance(row, list) or len(row) != 7:
        raise ValueError(tr("a part of it is of another kind"))
    name, verdict, value, unit, low, high, text = row
    for number in (value, low, high):
        if number is not None and not _is_measured(number):
            raise ValueError(tr("a value is no number"))
    return acceptance.Check(
        *(_typed(name, str), _VERDICTS[_typed(verdict, int)], value),
        *(_typed(unit, str), low, high, _typed(text, str)),
    )


def _is_measured(number: Any) -> bool:
    """Whether it is a decimal number that any reader can reckon with, and write in one line."""
    if not isinstance(number, Decimal) or not number.is_finite():
        return False
    return number.as_tuple().exponent in EXPONENTS and number.adjusted() in EXPONENTS


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(tr("a part of it is of another kind"))
    if isinstance(value, str) and not value.isprintable():
        raise ValueError(tr("a text in it is not printable"))
    return value
