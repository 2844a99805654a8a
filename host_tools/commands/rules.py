"""Rules of control: read them in words, try them on recorded values, ask why one acted."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .. import open_files
from ..language import tr
from ..output import (
    DbOption,
    JsonOption,
    RegistryOption,
    print_json,
    print_table,
    progress,
    remark,
    say,
)

if TYPE_CHECKING:
    from ..control_data import Data
    from ..control_plan import Plan
    from ..node_config import NodeConfig
    from ..store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ConfigArgument = typer.Argument(help="The node's TOML file.")


@app.callback()
def rules() -> None:
    """What a station's actuators do by themselves: read it, try it, ask why.

    \b
    Example:
        fieldbeat rules check docs/examples/climate.toml
        fieldbeat rules simulate docs/examples/climate.toml --recorded
        fieldbeat rules why gh-07 roof
    """


def _plan(file: Path, as_json: bool) -> tuple[NodeConfig, Plan]:
    """Return a node's configuration with its control; every mistake in it is told.

    Raises:
        CannotTry: it has none.
        FieldbeatError: it has mistakes.
    """
    from .. import control_plan
    from ..errors import CannotTry
    from .config import checked

    config = checked(file, as_json)
    plan = control_plan.read(config)
    if plan is None:
        raise CannotTry(
            tr("{file} has no [control]").format(file=file),
            tr("see docs/control.md and climate.toml"),
        )
    return config, plan


@app.command()
def check(file: Path = ConfigArgument, as_json: JsonOption = False) -> None:
    """Tell the rules of a node in plain words, by actuator, in the order in which they count.

    The first that applies has the actuator. Mistakes are told as 'config check' does.

    \b
    Example:
        fieldbeat rules check docs/examples/climate.toml
    """
    from ..control_notes import notes
    from ..control_report import plan_map, rule_rows
    from ..wording import counted

    config, plan = _plan(file, as_json)
    found, said = plan_map(plan), list(notes(config))
    if as_json:
        print_json(found | {"notes": said})
        return
    columns = ("Rule", "Priority", "Does", "If blind")
    for each in found["actuators"]:
        say(f"{each['actuator']}: {each['limits']}")
        if each["rules"]:
            print_table(columns, rule_rows(each))
    for note in said:
        say(tr("note: {note}").format(note=note))
    actuators = counted(len(plan.actuators), "actuator")
    say(
        tr("{counted} of {actuators}, looked at every {found} s").format(
            counted=counted(len(plan.rules), "rule"), actuators=actuators, found=found["look_s"]
        )
    )


@app.command()
def simulate(
    file: Path = ConfigArgument,
    data: Path | None = typer.Option(
        None, "--data", help="A CSV file: channels in its header, hourly, or with a column time."
    ),
    unit: str | None = typer.Option(None, "--unit", help="What is stored of this unit."),
    recorded: bool = typer.Option(False, "--recorded", help="The recorded year of the bench."),
    from_: str | None = typer.Option(
        None, "--from", help="Nothing before it; local standard time unless it says otherwise."
    ),
    to: str | None = typer.Option(None, "--to", help="Nothing after it."),
    plot: Path | None = typer.Option(None, help="Draw it as a .svg, .png or .pdf."),
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what the rules of a node would have done with recorded values.

    It runs the code of the unit at each of its looks; a year takes half a minute. Motors are
    where they are told to be at once, and nothing fails. The values do not answer: air that was
    recorded does not get cooler because a roof opens.

    \b
    Example:
        fieldbeat rules simulate climate.toml --recorded --from 2025-05-01 --to 2025-05-04
        fieldbeat rules simulate climate.toml --unit gh-07 --plot may.svg
        fieldbeat rules simulate climate.toml --data greenhouse.csv --json
    """
    from .. import control_data, control_report, control_simulation

    _, plan = _plan(file, as_json)
    begin_s, end_s = (_moment(text, plan.utc_offset_s) for text in (from_, to))
    found = control_data.chosen(plan, data, unit, recorded, db, begin_s, end_s)
    first, last = begin_s or found.begin_s, end_s or found.end_s
    with progress("simulate", int(last - first)) as seen:
        made = control_simulation.run(plan, found, begin_s, end_s, seen=seen)
    table = control_report.simulation_map(plan, made)
    if plot:
        _draw(plan, found, made, plot)
    if as_json:
        print_json({"source": found.source, **table})
        return
    remark(tr("note: {open_loop}").format(open_loop=control_report.open_loop()))
    for line in control_report.absences(made):
        remark(tr("note: {line}").format(line=line))
    say(
        tr("{source}, {table} to {table_2}").format(
            source=found.source, table=table["from"], table_2=table["to"]
        )
    )
    columns = ("Actuator", "On, h", "At", "Starts", "Moves", "Blind, h", tr("Held back"))
    print_table(columns, [control_report.run_row(each) for each in table["actuators"]])
    rows = [row for each in table["actuators"] for row in control_report.share_rows(each)]
    print_table(("Actuator", tr("Decided by rule"), "Share", "h"), rows)
    for line in control_report.volumes(table):
        say(line)
    if never := control_report.never_decided(plan, made):
        say(tr("never decided: {listed}").format(listed=", ".join(never)))
    if plot:
        say(tr("drawn in {plot}").format(plot=plot))


@app.command()
def plot(
    unit: str = typer.Argument(..., help="The station."),
    file: Path = ConfigArgument,
    out: Path = typer.Option(..., "--out", "-o", help="The .svg, .png or .pdf to write."),
    from_: str | None = typer.Option(
        None, "--from", help="Nothing before it; local standard time unless it says otherwise."
    ),
    to: str | None = typer.Option(None, "--to", help="Nothing after it."),
    db: DbOption = None,
) -> None:
    """Draw what a unit has measured and what its actuators did, as it told.

    \b
    Example:
        fieldbeat rules plot gh-07 climate.toml --out july.svg --from 2026-07-01 --to 2026-07-04
    """
    from .. import control_data, control_history, control_spoken, decision_log
    from ..errors import CannotTry

    config, plan = _plan(file, False)
    begin_s, end_s = (_moment(text, plan.utc_offset_s) for text in (from_, to))
    found = control_data.chosen(plan, None, unit, False, db, begin_s, end_s)
    _, other = control_spoken.of_unit((config, plan), unit, None)
    with open_files.store(db) as store:
        told = decision_log.of_unit(store, unit)
    others = {each.actuator for each in told}
    if others and others.isdisjoint(plan.actuators):
        raise CannotTry(
            tr("{file} has no actuator '{name}', which {unit} has: it is another unit's").format(
                file=file, name=min(others), unit=unit
            ),
            tr("give the file with which {unit} was provisioned").format(unit=unit),
        )
    if other:
        remark(tr("note: {other}").format(other=other))
    made = control_history.read(plan, found, told, begin_s, end_s)
    _draw(plan, found, made, out)
    say(tr("drawn in {out}").format(out=out))


@app.command()
def why(
    unit: str = typer.Argument(..., help="The station."),
    actuator: str = typer.Argument(..., help="Its name there, as [actuator.NAME] has it."),
    at: str | None = typer.Option(
        None, "--at", help="At this time, UTC unless it says otherwise; default: now."
    ),
    config: Path | None = typer.Option(
        None,
        "--config",
        help="Its TOML file, for names and words; default: as it was provisioned.",
    ),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell why an actuator does what it does, by what its unit has told.

    \b
    Example:
        fieldbeat rules why gh-07 roof --config gh-07.toml
        fieldbeat rules why gh-07 heater --at 2026-07-31T03:00+08:00
    """
    import time

    from .. import control_spoken
    from ..decision_reasons import Why

    known = _plan(config, as_json) if config else None
    at_s = _moment(at, 0)
    spoken, other = control_spoken.of_unit(known, unit, registry)
    with open_files.store(db) as store:
        _check_unit(store, unit, registry)
        found = Why(store, unit, spoken)
        now_s = time.time()
        lines, told = found.lines(actuator, at_s, now_s), found.as_map(actuator, at_s, now_s)
    if as_json:
        print_json(told)
        return
    for line in lines:
        say(line)
    if other:
        say(tr("note: {other}").format(other=other))


def _check_unit(store: Store, unit: str, registry: Path | None) -> None:
    """Raise for a unit that neither the store nor the registry knows."""
    from ..errors import CannotTry

    known = {contact.unit for contact in store.contacts()}
    with open_files.registry_if_there(registry) as units:
        known |= {each.name for each in units.units()} if units else set()
    if unit not in known:
        step = tr("known: {value}").format(value=", ".join(sorted(known)) or tr("none"))
        raise CannotTry(tr("no unit is called '{unit}'").format(unit=unit), step)


def _moment(text: str | None, utc_offset_s: int) -> float | None:
    from ..control_data import local_s
    from ..errors import CannotTry

    try:
        return local_s(text, utc_offset_s) if text else None
    except ValueError:
        step = tr("give an ISO date or time, for instance 2025-05-01 or 2025-05-01T08:30")
        raise CannotTry(tr("'{text}' is no time").format(text=text), step) from None


def _draw(plan: Plan, data: Data, made: Any, path: Path) -> None:
    from ..errors import CannotTry

    try:
        from .. import control_plot
    except ImportError as error:
        raise CannotTry(
            tr("plots need matplotlib"), tr("pip install 'fieldbeat[plots]'")
        ) from error
    control_plot.write(plan, data, made, path)
