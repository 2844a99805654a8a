"""What a unit has signed: note an operation, show, export, verify; a label for a batch."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import open_files
from ..at_desk import (
    IssuerOption,
    KeyFileOption,
    YesOption,
    open_desk,
    order_and_wait,
    plan_as_map,
    status_verb,
)
from ..language import tr
from ..output import DbOption, JsonOption, RegistryOption, print_json, print_table, remark, say

if TYPE_CHECKING:
    from ..registry import Registry
    from ..store import Store
    from ..trace_file import TraceFile
    from ..trace_proof import Proof

app = typer.Typer(add_completion=False, rich_markup_mode=None)

RunOption = Annotated[
    int | None,
    typer.Option(
        "--run", min=1, help="Of this run: one begins when a flash is erased or a board swapped."
    ),
]
_COLUMNS = ("Record", "Time", "Operation", "Amount", "Batch", "Note", "Entered", "")


@app.callback()
def trace() -> None:
    """What a unit has signed: note an operation, show, export, verify; a label for a batch.

    \b
    Example:
        fieldbeat trace add gh-01 irrigated --amount "30 l" --batch tomato-07
        fieldbeat trace export gh-01 --batch tomato-07 --out tomato-07.trace
        fieldbeat trace verify tomato-07.trace --key gh-01.pem
    """


@app.command()
def add(
    unit: str = typer.Argument(..., help="The unit that is to note it."),
    kind: str = typer.Argument(..., help="What was done: irrigated, sprayed, batch-begin ..."),
    amount: str | None = typer.Option(None, help="How much, as '30 l'."),
    batch: str | None = typer.Option(None, help="To which batch."),
    note: str | None = typer.Option(None, help="More, up to 60 bytes."),
    issuer: IssuerOption = None,
    key_file: KeyFileOption = None,
    yes: YesOption = False,
    wait_s: float = typer.Option(
        0, "--wait", min=0, metavar="S", help="Wait so long until it is noted, or refused."
    ),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a unit note an operation; who may order a daily announcement may.

    With --wait the exit code is 1 if it is not noted.

    \b
    Example:
        fieldbeat trace add gh-01 irrigated --amount "30 l" --batch tomato-07
    """
    from .. import operations, trace_orders

    fields = operations.fields(kind, batch, amount, note)
    with open_desk(registry, db) as desk:
        plan = trace_orders.plan(desk, unit, fields, issuer or [])
        what = tr("{told} of {unit}").format(told=plan.told, unit=unit)
        order, found = order_and_wait(
            desk, plan, what, trace_orders.answer, key_file, yes, wait_s, as_json
        )
    if as_json:
        print_json(plan_as_map(plan, order) | {"unit": unit} | found.as_map())
    else:
        say(f"{plan.told}, {unit}: {found.state}{found.why and f', {found.why}'}")
        say(tr("what became of it: {status}").format(status=status_verb(order)))
    if wait_s and found.state != trace_orders.NOTED:
        raise typer.Exit(1)


@app.command()
def show(
    unit: str = typer.Argument(..., help="The unit."),
    run: RunOption = None,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a unit has signed until now, and its operations.

    The exit code is 1 if something is wrong with it.

    \b
    Example:
        fieldbeat trace show gh-01
    """
    with open_files.registry(registry) as known, open_files.store(db) as store:
        trace = _exported(store, known, unit, run=run, as_json=as_json)
        proof = _proven(trace, known)
    _tell(proof, as_json)


@app.command()
def export(
    unit: str = typer.Argument(..., help="The unit."),
    out: Path = typer.Option(..., "--out", help="The file to write."),
    first: str | None = typer.Option(None, "--from", help="From this day or time on; UTC."),
    end: str | None = typer.Option(None, "--to", help="Until this day or time; UTC."),
    batch: str | None = typer.Option(None, help="From the begin of a batch to its end."),
    run: RunOption = None,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a file that proves to anybody, offline, what a unit told.

    It goes from the root before what is wanted to the root after it.

    \b
    Example:
        fieldbeat trace export gh-01 --batch tomato-07 --out tomato-07.trace
    """
    from .. import files, trace_file

    with open_files.registry(registry) as known, open_files.store(db) as store:
        times = _moment(first), _moment(end)
        trace = _exported(store, known, unit, *times, batch, run, as_json)
        proof = _proven(trace, known)
    files.write_atomically(out, trace_file.encode(trace))
    if not as_json:
        say(
            tr("{out}: {count} records of {unit}").format(
                out=out, count=len(trace.records), unit=unit
            )
        )
    _tell(proof, as_json)


@app.command()
def verify(
    file: Path = typer.Argument(..., help="The file of 'trace export'."),
    key: list[str] = typer.Option(
        [], "--key", help="Its unit's public key: a PEM file, or the 32 digits of the label."
    ),
    label: str | None = typer.Option(None, help="What the code of a label says, to compare."),
    registry: Path | None = typer.Option(
        None, "--registry", help="The registry that knows the unit's public key."
    ),
    as_json: JsonOption = False,
) -> None:
    """Prove that nothing in a file was changed, removed or re-ordered since its unit told it.

    It needs the file alone. Whose key has signed it is known by --key, --label or --registry;
    without any it is told, to be compared. The exit code is 1 if something is wrong.

    \b
    Example:
        fieldbeat trace verify tomato-07.trace --key gh-01.pem
    """
    from .. import trace_file, trace_keys, trace_proof

    trace = trace_file.read(file)
    proof = trace_proof.prove(trace)
    trusted: list[str] = []
    for given in key:
        is_text = len(given) == 32 and not Path(given).exists()
        of_file = () if is_text else trace_keys.from_pem(Path(given))
        trusted += [given] if is_text else map(trace_file.fingerprint, of_file)
    if registry:
        with open_files.registry(registry) as known:
            keys = trace_keys.TraceKeys(known).of_unit(trace.unit)
        trusted += [trace_file.fingerprint(each) for each in keys]
    if key or registry:
        proof.judge_keys(trusted)
    if label:
        from .. import trace_label

        trace_label.compare(trace_label.parse(label), trace, proof)
    _tell(proof, as_json)


@app.command()
def label(
    unit: str = typer.Argument(..., help="The unit."),
    batch: str = typer.Argument(..., help="The batch."),
    out: Path = typer.Option(..., "--out", help="The .svg or .png to write."),
    run: RunOption = None,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a label for a batch: a QR code with unit, batch, root and key, and text below.

    \b
    Example:
        fieldbeat trace label gh-01 tomato-07 --out tomato-07.svg
    """
    from .. import trace_label

    with open_files.registry(registry) as known, open_files.store(db) as store:
        trace = _exported(store, known, unit, batch=batch, run=run, as_json=as_json)
        proof = _proven(trace, known)
    made = trace_label.of(proof, batch)
    trace_label.write(made, out)
    if as_json:
        print_json({"label": made.text, "written": str(out)})
    else:
        say(f"{out}: {made.text}")


@app.command()
def key(
    unit: str = typer.Argument(..., help="The unit."),
    out: Path = typer.Option(..., "--out", help="The .pem to write."),
    earlier: bool = typer.Option(
        False, "--earlier", help="Those that it had before, too, unless one was stolen."
    ),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the public key of a unit, to be given to those who are to believe it.

    \b
    Example:
        fieldbeat trace key gh-01 --out gh-01.pem
    """
    from .. import files, trace_file, trace_keys
    from ..errors import CannotTry

    with open_files.registry(registry) as known:
        keys = trace_keys.TraceKeys(known).of_unit(unit)
    if not keys:
        step = tr("provision it with a table [trace] in its file")
        raise CannotTry(tr("{unit} has no key to sign with").format(unit=unit), step)
    written = keys if earlier else keys[:1]
    files.write_atomically(out, b"".join(trace_keys.to_pem(each) for each in written))
    found = trace_file.fingerprint(keys[0])
    if as_json:
        print_json({"unit": unit, "key": found, "written": str(out)})
    else:
        say(tr("{out}: key {found} of {unit}").format(out=out, found=found, unit=unit))


def _exported(
    store: Store,
    registry: Registry,
    unit: str,
    first_s: float | None = None,
    end_s: float | None = None,
    batch: str | None = None,
    run: int | None = None,
    as_json: bool = False,
) -> TraceFile:
    """Take it out of the store; say so if there is more of it in other runs."""
    from .. import trace_export, trace_keys
    from ..views import Views

    Views(store, registry).must_exist(unit)
    found = registry.unit(unit)
    kid = found.kid if found else b""
    keys = trace_keys.TraceKeys(registry).of_unit(unit)
    trace = trace_export.export(store, unit, kid, keys, first_s, end_s, batch, run)
    known = trace_export.runs(store, unit, batch)
    others = trace_export.other_runs(known, run or known[0])
    if others:
        remark(tr("note: {unit}: {others}").format(unit=unit, others=others), as_json)
    return trace


def _proven(trace: TraceFile, registry: Registry) -> Proof:
    from .. import trace_file, trace_keys, trace_proof

    proof = trace_proof.prove(trace)
    keys = trace_keys.TraceKeys(registry).of_unit(trace.unit)
    proof.judge_keys([trace_file.fingerprint(each) for each in keys])
    return proof


def _moment(text: str | None) -> float | None:
    from ..errors import CannotTry
    from ..times import parse

    try:
        return parse(text) if text else None
    except ValueError:
        step = tr("give a day or a time, for instance 2026-07-31 or 2026-07-31T08:30:00+08:00")
        raise CannotTry(tr("'{text}' is no time").format(text=text), step) from None


def _tell(proof: Proof, as_json: bool) -> None:
    """Write what is proven; the exit code is 1 if something is wrong."""
    from .. import proof_words

    if as_json:
        print_json(proof_words.as_map(proof))
    else:
        for line in proof_words.in_words(proof):
            say(line)
        if proof.operations:
            print_table(_COLUMNS, [_row(done) for done in proof.operations])
        for problem in proof.problems:
            say(tr("WRONG: {problem}").format(problem=problem))
        say(tr("something is wrong with it") if proof.problems else tr("nothing is wrong with it"))
    if proof.problems:
        raise typer.Exit(1)


def _row(done: Any) -> tuple[str, ...]:
    from ..operations import source_name
    from ..times import iso

    found = done.operation
    signed_by = f", {found.issuer.hex()}" if found.issuer else ""
    return (
        str(done.rn),
        iso(done.t) if found.synced else f"{iso(done.t)} ?",
        found.kind,
        found.amount_text,
        found.batch or "",
        found.note or "",
        source_name(found.source) + signed_by,
        "" if done.proven else tr("not proven"),
    )
