"""A technician who signs certificates: his key is opened once, for one unit or a whole batch."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from . import certificate_page
from .certificate import ENDING, Certificate, sign
from .errors import CannotTry
from .files import write_atomically
from .issuer_keys import PrivateKey
from .language import os_reason, tr
from .registry import Registry
from .technicians import Technician, Technicians, open_key
from .times import iso


@dataclass(frozen=True)
class Kept:
    """A certificate that was written: its file, its page, and the SHA-256 of the file."""

    file: Path
    page: Path
    sha256: str


@dataclass(frozen=True)
class Signer:
    """Who signs. Safe for several threads."""

    technician: Technician
    key: PrivateKey

    @classmethod
    def of(cls, registry: Registry, name: str, file: Path | None) -> Signer:
        """Return a technician with his key, by the passphrase in a file or of a person.

        Raises:
            CannotTry: there is no such technician, or his key does not open.
        """
        technician = Technicians(registry).get(name)
        return cls(technician, open_key(technician, file))

    def write(self, certificate: Certificate, folder: Path) -> Kept:
        """Sign a certificate; write it and its page into a folder, beside all earlier ones.

        Raises:
            CannotTry: it cannot be written.
        """
        data = sign(certificate, self.technician, self.key)
        day, time = iso(certificate.at_s).split("T")
        stem = f"{certificate.unit}-{day.replace('-', '')}-{time.rstrip('Z').replace(':', '')}"
        file, page = folder / (stem + ENDING), folder / f"{stem}.html"
        text = certificate_page.page(certificate, data, self.technician.kid)
        _make(folder)
        write_atomically(file, data)
        write_atomically(page, text.encode())
        return Kept(file, page, hashlib.sha256(data).hexdigest())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = tr("{folder} cannot be made: {reason}")
        step = tr("name a folder where you may write")
        raise CannotTry(message.format(folder=folder, reason=os_reason(error)), step) from None
