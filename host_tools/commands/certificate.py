"""Show and verify certificates of units, and print their pages and labels."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..output import JsonOption, RegistryOption, print_facts, print_json, print_table, remark, say

if TYPE_CHECKING:
    from ..certificate import Certificate, Finding
    from ..technicians import Technician
    from ..unit_acceptance import Facts

app = typer.Typer(add_completion=False, rich_markup_mode=None)

FileArgument = Annotated[Path, typer.Argument(help="A certificate, of 'fieldbeat selftest'.")]
KeysOption = Annotated[
    Path | None,
    typer.Option(help="Public keys, of 'technician export'; default: those of the registry."),
]


@app.callback()
def certificate() -> None:
    """Show and verify certificates of units, and print their pages and labels.

    \b
    Example:
        fieldbeat certificate verify gh-01.cert --keys technicians.json
    """


@app.command()
def verify(
    file: FileArgument,
    keys: KeysOption = None,
    unit: str | None = typer.Option(None, help="Of which unit it has to be."),
    label: str | None = typer.Option(None, help="What the code on the label or page says."),
    port: str | None = typer.Option(
        None, help="Serial port of the unit: whether it is still as it was tested."
    ),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Tell whether a certificate is as it was signed, by whom, and what it says; offline.

    The exit code is 0 if nothing speaks against it and the unit has passed, else 1. Of a board
    that was replaced since, as the registry here has it, it says so.

    \b
    Example:
        fieldbeat certificate verify gh-01.cert
        fieldbeat certificate verify gh-01.cert --keys technicians.json --unit gh-01
        fieldbeat certificate verify gh-01.cert --port /dev/ttyUSB0
    """
    from .. import certificate as certificates
    from .. import retired_boards, technicians, unit_acceptance
    from ..language import tr

    known = technicians.known(keys, registry)
    finding = certificates.verify(certificates.read(file), known, str(file), unit)
    if label is not None:
        certificates.compare_label(finding, label)
    done = finding.certificate
    boards = {(done.mac, done.unit)}
    if port:
        here = _facts(port, as_json)
        finding.problems += unit_acceptance.differences(done, here)
        boards.add((here.mac, here.unit))
    for mac, name in sorted(boards):
        if trouble := retired_boards.trouble_here(registry, mac.hex(":"), name):
            finding.problems.append(trouble)
    if as_json:
        print_json({"valid": not finding.problems, "problems": finding.problems, **_map(finding)})
    elif finding.problems:
        say(tr("{file}: NOT VALID").format(file=file))
        for problem in finding.problems:
            say(f"  {problem}")
    else:
        _tell_genuine(done)
    return 1 if finding.problems or not done.passed else 0


@app.command()
def show(
    file: FileArgument,
    keys: KeysOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show all that a certificate says; the exit code is 1 if it is not genuine.

    \b
    Example:
        fieldbeat certificate show gh-01.cert
    """
    from .. import certificate as certificates
    from .. import certificate_page, technicians
    from ..language import tr

    known = technicians.known(keys, registry)
    finding = certificates.verify(certificates.read(file), known, str(file))
    done = finding.certificate
    if as_json:
        print_json({"valid": not finding.problems, "problems": finding.problems, **_map(finding)})
        return 1 if finding.problems else 0
    for problem in finding.problems:
        say(tr("NOT VALID: {problem}").format(problem=problem))
    tell(done)
    rows = certificate_page.facts(done, finding.sha256, finding.kid)
    print_facts([(name, value) for name, value, _ in rows])
    for each in done.pictures:
        size = len(each.data) // 1024
        say(tr("picture {name}, {size} kB").format(name=each.caption, size=size))
    return 1 if finding.problems else 0


@app.command()
def page(
    file: FileArgument,
    out: Path | None = typer.Option(None, "--out", help="The page, HTML; default: beside FILE."),
    keys: KeysOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the page of a certificate that is genuine: to read, to print, to save as PDF.

    \b
    Example:
        fieldbeat certificate page gh-01.cert
    """
    from .. import certificate as certificates
    from .. import certificate_page, technicians
    from ..files import write_atomically
    from ..language import tr

    data = certificates.read(file)
    finding = _genuine(file, data, technicians.known(keys, registry))
    path = out or file.with_suffix(".html")
    text = certificate_page.page(finding.certificate, data, finding.kid)
    write_atomically(path, text.encode())
    if as_json:
        print_json({"page": str(path)})
        return
    say(tr("{file}: open it in a browser, and print it").format(file=path))


@app.command()
def sheet(
    files: Annotated[list[Path], typer.Argument(help="Certificates.")],
    out: Path = typer.Option(..., "--out", help="The sheet to write, HTML."),
    keys: KeysOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a sheet of labels, 63 x 34 mm, three in a row of A4: the last one of each board.

    A board that is out of use, as the registry here has it, gets none.

    \b
    Example:
        fieldbeat certificate sheet *.cert --out labels.html
    """
    from .. import certificate as certificates
    from .. import retired_boards, technicians, unit_labels
    from ..certificate_page import CertificateLabel
    from ..errors import CannotTry
    from ..files import write_atomically
    from ..language import tr

    known = technicians.known(keys, registry)
    found = [_genuine(file, certificates.read(file), known) for file in files]
    found.sort(key=lambda each: each.certificate.at_s)
    last = {(each.certificate.unit, each.certificate.mac): each for each in found}
    labels: list[CertificateLabel] = []
    for (unit, mac), each in sorted(last.items(), key=lambda item: item[0]):
        if trouble := retired_boards.trouble_here(registry, mac.hex(":"), unit):
            remark(tr("left out: {reason}").format(reason=trouble), as_json)
        else:
            labels.append(CertificateLabel(each.certificate, each.sha256))
    if not labels:
        message = tr("no certificate is of a board that is in use")
        raise CannotTry(message, tr("name those of the boards that are in use"))
    write_atomically(out, unit_labels.sheet(labels, out.stem).encode())
    if as_json:
        print_json({"sheet": str(out), "units": [each.unit for each in labels]})
        return
    say(tr("{file}: print it at 100 %").format(file=out))


def tell(done: Certificate) -> None:
    """Show a certificate's checks and its verdict."""
    from ..acceptance import NOT_TESTED
    from ..certificate_page import in_words
    from ..language import tr

    columns = tr("Check"), tr("Found"), tr("Limits"), tr("Verdict")
    rows = [
        (each.name, each.measured, each.limits, in_words(each.verdict)) for each in done.checks
    ]
    print_table(columns, rows, tr("Self-test of {unit}").format(unit=done.unit))
    verdict = f"{done.unit}: {in_words(done.verdict).upper()}"
    if left := sum(each.verdict == NOT_TESTED for each in done.checks):
        verdict += tr(", {count} not tested").format(count=left)
    say(verdict)


def _tell_genuine(done: Certificate) -> None:
    from ..certificate_page import in_words
    from ..language import tr
    from ..times import iso

    text = tr("genuine: {unit} has {verdict}, signed by {technician} {at}")
    verdict = in_words(done.verdict) if done.passed else in_words(done.verdict).upper()
    at = iso(done.at_s)
    say(text.format(unit=done.unit, verdict=verdict, technician=done.technician, at=at))
    for each in done.failed:
        say(f"  {each.name}: {each.told}")


def _facts(port: str, as_json: bool) -> Facts:
    from .. import unit_acceptance
    from ..smp_link import SmpLink

    with SmpLink(port, remark=lambda text: remark(text, as_json)) as link:
        link.wait()
        return unit_acceptance.facts(link)


def _map(finding: Finding) -> dict[str, Any]:
    from ..certificate import as_map

    return as_map(finding.certificate) | {"sha256": finding.sha256, "signing_key": finding.kid}


def _genuine(file: Path, data: bytes, known: list[Technician]) -> Finding:
    from .. import certificate as certificates
    from ..errors import FieldbeatError
    from ..language import tr

    finding = certificates.verify(data, known, str(file))
    if finding.problems:
        message = tr("{file} is not genuine: {problem}")
        step = tr("see 'fieldbeat certificate verify {file}'").format(file=file)
        raise FieldbeatError(message.format(file=file, problem=finding.problems[0]), step)
    return finding
