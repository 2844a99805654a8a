"""Check a unit's sensors with somebody in front of it, and calibrate them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..asking import forget_typed, must_be_there
from ..language import tr
from ..output import JsonOption, RegistryOption, print_json, remark, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..sensor_check import Person
    from ..sensor_verdict import Finding
    from ..smp_link import SmpLink
    from ..unit_parts import Unit

PortOption = Annotated[str, typer.Option(help="Serial port of the unit.")]
ByOption = Annotated[str | None, typer.Option(help="Who does it; default: your login name.")]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def check() -> None:
    """Check a unit's sensors with somebody in front of it, and calibrate them.

    \b
    Example:
        fieldbeat check sensors --port /dev/ttyUSB0
        fieldbeat check show gh-01
    """


@app.command()
def sensors(
    port: PortOption,
    part: Annotated[
        list[str] | None, typer.Option(help="Only this part; may be given several times.")
    ] = None,
    at_rest: Annotated[
        bool, typer.Option("--at-rest", help="Ask nobody: only what is absent or implausible.")
    ] = False,
    by: ByOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Lead from sensor to sensor: look at it, give it a stimulus, see what it does.

    The exit code is 0 if all have passed, 1 if one failed, 2 if some were not tried. With
    --at-rest nothing is tried: it is 0 if none is absent or implausible.

    \b
    Example:
        fieldbeat check sensors --port /dev/ttyUSB0
        fieldbeat check sensors --port /dev/ttyUSB0 --part air --part soil
    """
    import time

    from .. import check_records
    from ..errors import Interrupted
    from ..sensor_check import SensorCheck
    from ..wording import counted

    if not at_rest:
        must_be_there(tr("to touch the sensors"), tr("or add --at-rest: then nobody is asked"))
    who, units = _who(by), check_records.registry(registry)
    found = []
    try:
        with _unit_at(port, as_json) as (link, unit):
            subjects = unit.subjects(part or ())
            person = _nobody if at_rest else _person(as_json)
            session = SensorCheck(link, unit, person, lambda text: _tell(text, as_json))
            for finding in session.run(subjects):
                found.append(finding)
                if units:
                    check_records.keep(units, unit.name, who, finding, time.time())
    except KeyboardInterrupt:
        kept = tr("interrupted after {counted}").format(counted=counted(len(found), "channel"))
        raise Interrupted(kept, tr("run it again, --part NAME for the rest")) from None
    finally:
        if units:
            units.close()
    untried = [each.channel for each in found if each.verdict == "not tried"]
    failed = [each for each in found if not each.passed and each.channel not in untried]
    if as_json:
        print_json({"unit": unit.name, "by": who, "findings": [vars(each) for each in found]})
    else:
        _tell_findings(unit.name, found, failed)
        if untried:
            said = tr("only looked at: {listed}") if at_rest else tr("not tried: {listed}")
            say(said.format(listed=", ".join(untried)))
        if not units:
            say(tr("there is no registry here, so nothing of it was kept"))
    return 1 if failed else 2 if untried and not at_rest else 0


def _tell_findings(unit: str, found: list[Finding], failed: list[Finding]) -> None:
    title = tr("Sensors of {name}").format(name=unit)
    _print_findings(title, [vars(each) for each in found])
    for each in failed:
        say(
            tr("{channel}: {detail}; next: {next_step}").format(
                channel=each.channel, detail=each.detail, next_step=each.next_step
            )
        )


@app.command()
def calibrate(
    channel: str = typer.Argument(help="The channel, as in the unit's profile: air_temperature."),
    port: str = typer.Option(help="Serial port of the unit."),
    reference: str = typer.Option(help="What is true now, with its unit: '23.4 Cel'."),
    against: str = typer.Option(help="What says so: 'thermometer 4711'."),
    second: str | None = typer.Option(
        None, help="A second truth, for a factor too; it is asked for when it is time."
    ),
    by: ByOption = None,
    config: Path | None = typer.Option(None, help="The node's TOML file, to write it into."),
    force: bool = typer.Option(False, help="Also where it is off by a lot."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a channel with a reference for half a minute, and correct it from then on.

    The unit gets it when it is provisioned with that file.

    \b
    Example:
        fieldbeat check calibrate --port /dev/ttyUSB0 air_temperature \\
            --reference "23.4 Cel" --against "thermometer 4711" --config gh-01.toml
    """
    from .. import calibration_session, check_records

    if second:
        must_be_there(
            tr("to bring the sensor to the second reference"), tr("or leave out --second")
        )
    who, units = _who(by), check_records.registry(registry)
    wanted = calibration_session.Wanted(channel, reference, second, against, who, config, force)
    try:
        with _unit_at(port, as_json) as (link, unit):
            person, tell = _person(as_json), lambda text: _tell(text, as_json)
            done = calibration_session.run(link, unit, wanted, person, tell)
        if units:
            check_records.keep_calibration(units, done.record)
    finally:
        if units:
            units.close()
    if as_json:
        print_json(vars(done.record) | {"table": done.table})
        return
    say(
        tr("{channel}: {before} before, {after} now").format(
            channel=channel, before=done.record.before, after=done.record.after
        )
    )
    if config:
        say(
            tr("{config} has it; next: fieldbeat provision --port {port} {config}").format(
                config=config, port=port
            )
        )
    else:
        say(tr("put this into the node's file, and provision the unit with it:"))
        print(done.text, end="")


@app.command()
def show(
    unit: str = typer.Argument(help="Name of the unit."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was found at a unit, and how its channels were calibrated.

    \b
    Example:
        fieldbeat check show gh-01
    """
    from .. import check_records
    from ..errors import CannotTry
    from ..output import print_table
    from ..times import iso

    units = check_records.registry(registry)
    if units is None:
        raise CannotTry(tr("there is no registry here"), tr("name one with --registry"))
    try:
        checks = check_records.checks(units, unit)
        calibrations = check_records.calibrations(units, unit)
        known = units.unit(unit) is not None
    finally:
        units.close()
    if not (known or checks or calibrations):
        raise CannotTry(
            tr("nothing is known of {unit}").format(unit=unit),
            tr("see 'fieldbeat show' for the units"),
        )
    if as_json:
        kept = {"checks": list(map(vars, checks)), "calibrations": list(map(vars, calibrations))}
        print_json({"unit": unit} | kept)
        return
    if not checks and not calibrations:
        say(
            tr("{unit} was not checked yet; next: fieldbeat check sensors --port PORT").format(
                unit=unit
            )
        )
    if checks:
        columns = ("Time (UTC)", "Who", "Part", "Channel", "Verdict", "Before", "After", "What")
        rows = [
            (iso(r.at_s), r.who, r.part, r.channel, r.verdict, *_ends(vars(r)), r.detail)
            for r in checks
        ]
        print_table(columns, rows, tr("Checks of {unit}").format(unit=unit))
    if calibrations:
        names = ("Time (UTC)", "Who", "Channel", "Against", "Before", "After")
        done = [
            (iso(r.at_s), r.who, r.channel, r.against, r.before, r.after) for r in calibrations
        ]
        print_table(names, done, tr("Calibrations of {unit}").format(unit=unit))


@contextmanager
def _unit_at(port: str, as_json: bool) -> Iterator[tuple[SmpLink, Unit]]:
    from .. import unit_parts
    from ..smp_link import SmpLink

    with SmpLink(port, remark=lambda text: remark(text, as_json)) as link:
        link.wait()
        unit = unit_parts.ask(link)
        parts = ", ".join(dict.fromkeys(subject.part for subject in unit.subjects()))
        _tell(
            tr("{name}, {board} with profile {profile}: {parts}").format(
                name=unit.name, board=unit.board, profile=unit.profile, parts=parts
            ),
            as_json,
        )
        yield link, unit


def _person(as_json: bool) -> Person:
    """Return what asks a person on the terminal; what he typed before is no answer."""

    def ask(question: str) -> str | None:
        forget_typed()
        print(question, end="", file=sys.stderr if as_json else sys.stdout, flush=True)
        line = sys.stdin.readline()
        return line.strip() if line else None

    return ask


def _nobody(question: str) -> str | None:
    return None


def _tell(text: str, as_json: bool) -> None:
    say(text, sys.stderr if as_json else sys.stdout)


def _who(by: str | None) -> str:
    import getpass

    from ..errors import CannotTry

    if by:
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise CannotTry(tr("your login has no name"), tr("say who you are: --by NAME")) from None


def _print_findings(title: str, rows: list[dict[str, Any]]) -> None:
    from ..output import print_table

    columns = ("Part", "Channel", "Before", "After", "Verdict")
    cells = [(row["part"], row["channel"], *_ends(row), row["verdict"]) for row in rows]
    print_table(columns, cells, title)


def _ends(row: dict[str, Any]) -> tuple[str, str]:
    """Return the values before and after, with their unit."""
    unit = row.get("value_unit", row.get("unit", ""))
    before, after = (
        "" if row[name] is None else f"{row[name]:g} {unit}".rstrip()
        for name in ("before", "after")
    )
    return before, after
