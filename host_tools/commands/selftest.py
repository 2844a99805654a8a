"""Have a unit test itself, and judge it by limits; a technician signs a certificate of it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..asking import PassphraseFileOption
from ..output import DbOption, JsonOption, RegistryOption, print_json, progress, remark, say

if TYPE_CHECKING:
    from ..acceptance import Check
    from ..certificate import Certificate
    from ..registry import Registry
    from ..signing import Kept
    from ..unit_acceptance import Facts


def selftest(
    port: str = typer.Option(help="Serial port of the unit."),
    technician: str | None = typer.Option(
        None, help="Who signs a certificate, see 'fieldbeat technician'; default: nobody does."
    ),
    key_file: PassphraseFileOption = None,
    on_air: bool = typer.Option(
        False, "--on-air", help="Let it report first: then signal, way and clock are tested, too."
    ),
    limits: Path | None = typer.Option(None, help="A TOML file of other limits, [[check]]."),
    image: Path | None = typer.Option(
        None, help="The image it was flashed with: its firmware is compared; the unit restarts."
    ),
    picture: list[Path] = typer.Option(
        [], help="A picture for the certificate, JPEG or PNG; repeat it."
    ),
    folder: Path = typer.Option(Path(), help="Where the certificate goes."),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Have a unit test itself, and judge it by limits; a technician signs a certificate of it.

    Nothing moves and nothing sounds. The exit code is 0 if it has passed, 1 if it has failed. With
    --technician a certificate is written in either case, without it none is.

    \b
    Example:
        fieldbeat selftest --port /dev/ttyUSB0 --on-air
        fieldbeat selftest --port /dev/ttyUSB0 --technician li --picture gate.jpg
    """
    import time

    from .. import acceptance, collected, open_files, told_issuers, unit_acceptance
    from .. import certificate as certificates
    from ..registered_unit import CAMERA, SPEAKER
    from ..registry import Registry
    from ..signing import Signer
    from .certificate import tell

    table = acceptance.limits(limits)
    pictures = [certificates.picture(file) for file in picture]
    with closing(Registry(registry)) if technician else nullcontext() as units:
        signer = Signer.of(units, technician, key_file) if units and technician else None
        firmware = _firmware(port, image) if image else None
        facts, found = _tested(port, units, on_air, registry, as_json)
        if facts.role == SPEAKER:
            with open_files.registry_if_there(registry) as known:
                found.append(told_issuers.check(facts.issuers, known))
            found.append(collected.sound(facts.unit, db, time.time()))
        if facts.role == CAMERA and (taken := collected.picture(facts.unit, db, time.time())):
            pictures.append(taken)
        done = unit_acceptance.certificate(
            facts, found, table, technician or "", time.time(), pictures, firmware
        )
        if not as_json:  # whatever becomes of the certificate
            tell(done)
        kept = signer.write(done, folder) if signer else None
        if units and kept and units.unit(facts.unit):
            units.note(facts.unit, f"certificate: {done.verdict}", kept.sha256)
    if as_json:
        files = {"certificate": str(kept.file), "page": str(kept.page)} if kept else {}
        print_json(certificates.as_map(done) | files)
    else:
        _tell_kept(kept)
        _tell_next(done, port)
    return 0 if done.passed else 1


def _tested(
    port: str, units: Registry | None, on_air: bool, registry: Path | None, as_json: bool
) -> tuple[Facts, list[Check]]:
    """Return what the unit at a port is, and what it found at itself."""
    from .. import retired_boards, unit_acceptance, unit_lock
    from ..language import tr
    from ..smp_link import SmpLink

    tell = partial(remark, as_json=as_json)
    with SmpLink(port, remark=tell) as link:
        link.wait()
        facts = unit_acceptance.facts(link)
        if units:
            retired_boards.must_be_in_use(units, facts.mac.hex(":"), facts.unit)
        with unit_lock.opened(link, registry, tell) if on_air else nullcontext():
            tell(tr("{unit} tests itself").format(unit=facts.unit))
            with progress(facts.unit, 100) as show:
                found = unit_acceptance.run(link, lambda share: show(round(100 * share)), on_air)
    return facts, found


def _tell_next(done: Certificate, port: str) -> None:
    from ..language import tr

    if not done.passed:
        step = tr(
            "do not mount it; 'fieldbeat doctor --port {port}' says what may be wrong; mend it,"
            " and test it again"
        )
        say(tr("next: {step}").format(step=step.format(port=port)))


def _tell_kept(kept: Kept | None) -> None:
    from ..language import tr

    if kept:
        say(tr("certificate: {file}").format(file=kept.file))
        say(tr("to print: {file}").format(file=kept.page))
    else:
        say(tr("not signed; with a certificate: --technician NAME"))


def _firmware(port: str, image: Path) -> bytes:
    from .. import firmware_hash
    from ..errors import CannotTry
    from ..language import os_reason, tr

    try:
        content = image.read_bytes()
    except OSError as error:
        message = tr("{file} cannot be read: {reason}").format(file=image, reason=os_reason(error))
        raise CannotTry(message, tr("name an image of 'fieldbeat build'")) from None
    return firmware_hash.at(port, content, str(image))
