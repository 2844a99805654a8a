"""Say what is wrong with a unit."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import typer

from ..language import tr
from ..output import DbOption, JsonOption, RegistryOption, print_json, remark, say


def doctor(
    port: str | None = typer.Option(None, help="The serial port of the unit."),
    bundle_from: Path | None = typer.Option(
        None, help="A bundle that doctor has written, instead of a unit."
    ),
    bundle: Path | None = typer.Option(
        None,
        metavar="FILE",
        help="Write all that was seen into one ZIP file, without secrets.",
    ),
    no_network: bool = typer.Option(
        False,
        "--no-network",
        help="There is no network or server here: what comes of that is no fault.",
    ),
    registry: RegistryOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say what is wrong with a unit, the likeliest cause first, and what to do next.

    It reads the flight recorder, tracebacks, counters, log and configuration, and what registry
    and store here know. A unit that does not answer is reset and held before its program begins.

    Exit code 0: nothing is wrong; 1: something is; 2: the unit could not be read.

    \b
    Example:
        fieldbeat doctor --port /dev/ttyUSB0
        fieldbeat doctor --port /dev/ttyUSB0 --bundle gh-07.zip
        fieldbeat doctor --bundle-from gh-07.zip
        fieldbeat doctor --port /dev/ttyUSB0 --no-network
    """
    from .. import doctor_bundle, doctor_reading
    from ..doctor import diagnose
    from ..errors import CannotTry

    if (port is None) == (bundle_from is None):
        step = tr("fieldbeat doctor --port PORT, or --bundle-from FILE")
        raise CannotTry(tr("doctor looks at one unit: by its port, or by a bundle"), step)
    if port is not None:
        evidence = doctor_reading.read_port(port, lambda text: remark(text, as_json))
        doctor_reading.add_knowledge(evidence, registry, db)
        unit, lines, missing = evidence.unit, evidence.lines(), evidence.missing
    else:
        evidence, missing = None, []
        unit, lines = doctor_bundle.read(bundle_from) if bundle_from else ("", [])
    findings = diagnose(lines, no_network)
    if bundle is not None:
        if evidence is None:
            raise CannotTry(tr("a bundle is made of a unit"), tr("add --port, or leave --bundle"))
        doctor_bundle.write(bundle, evidence, findings)
    _print(unit or port or "", findings, missing, bundle, as_json)
    return 1 if any(finding.is_fault for finding in findings) else 0


def _print(
    unit: str, findings: list, missing: list[str], bundle: Path | None, as_json: bool
) -> None:
    from dataclasses import asdict

    from ..doctor_masks import masked
    from ..unit_words import in_words

    missing = list(map(masked, missing))
    if as_json:
        print_json({"unit": unit, "findings": list(map(asdict, findings)), "missing": missing})
        return
    if not findings:
        say(tr("{unit}: nothing is wrong").format(unit=unit))
    numbers = {finding.cause: str(number) for number, finding in enumerate(findings, 1)}
    for finding in findings:
        say(f"{numbers[finding.cause]}. {finding.sentence}")
        say("   " + tr("do: {action}").format(action=finding.action), indent=7)
        if finding.seen:
            say("   " + tr("seen: {line}").format(line=in_words(finding.seen)), indent=9)
        if about := sorted(map(numbers.__getitem__, finding.about), key=int):
            say("   " + tr("about: {numbers}").format(numbers=", ".join(about)), indent=10)
    for each in missing:
        say(tr("not read: {what}").format(what=each))
    if bundle is not None:
        say(tr("all of it, without secrets, is in {path}").format(path=bundle))
