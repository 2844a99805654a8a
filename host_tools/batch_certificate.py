"""Acceptance in a batch, with a certificate: each unit tests itself, and a technician signs."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import batch_accept, certificate, firmware_hash, told_issuers, unit_acceptance
from .acceptance import Limit
from .batch_accept import Accepted, Link, NotAccepted
from .certificate import ENDING
from .certificate_page import CertificateLabel
from .errors import FieldbeatError
from .language import tr
from .registered_unit import SPEAKER
from .registry import Registry
from .signing import Signer
from .technicians import Technician
from .unit_job import Job


@dataclass(frozen=True)
class CertifiedAccept:
    """The test of a unit of a batch. Safe for several threads.

    Attributes:
        signer: who signs.
        registry: knows who may order.
        limits: what it is judged by.
        folder: where certificates go.
    """

    signer: Signer
    registry: Registry
    limits: Sequence[Limit]
    folder: Path

    def __call__(self, job: Job, link: Link, just_flashed: bool) -> Accepted:
        """Have a unit test itself, and write its certificate, whatever it says.

        Which firmware is in its flash was compared only if it was just flashed: else the
        certificate has no hash of it.

        Raises:
            NotAccepted: it is not as it should be.
            CannotTry: it has no self-test, or the certificate cannot be written.
            LinkError: the connection failed.
        """
        accepted = batch_accept.accept(job, link, just_flashed)
        facts, found = unit_acceptance.facts(link), unit_acceptance.run(link)
        if facts.role == SPEAKER:
            found.append(told_issuers.check(facts.issuers, self.registry))
        firmware = firmware_hash.of(job.image(), job.name) if just_flashed else None
        name = self.signer.technician.name
        done = unit_acceptance.certificate(
            facts, found, self.limits, name, time.time(), firmware_sha256=firmware
        )
        kept = self.signer.write(done, self.folder)
        if not done.passed:
            what = "; ".join(f"{each.name}: {each.told}" for each in done.failed)
            message = tr("{unit} FAILED its self-test: {what}").format(unit=job.name, what=what)
            raise NotAccepted(
                message, tr("mend it; all of it is in {page}").format(page=kept.page)
            )
        text = tr("{found}; certificate {file}")
        return Accepted(text.format(found=accepted.found, file=kept.file))


def label(
    folder: Path, job: Job, mac: str, technicians: Sequence[Technician]
) -> CertificateLabel | None:
    """Return the label of a unit's last certificate, None if that is not of the unit as it is."""
    files = sorted(folder.glob(f"{job.name}-????????-??????{ENDING}"))
    if not files:
        return None
    try:
        data = files[-1].read_bytes()
        finding = certificate.verify(data, technicians, str(files[-1]), job.name)
    except (FieldbeatError, OSError):
        return None
    done = finding.certificate
    same = done.mac.hex(":") == mac and done.config_sha256 == job.goal.config_sha256
    if finding.problems or not done.passed or not same:
        return None
    return CertificateLabel(done, finding.sha256)
