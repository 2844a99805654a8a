"""The work of `fieldbeat bench cuts`, behind its options."""

from __future__ import annotations

import re
from pathlib import Path

from fieldbeat.host_tools import output
from fieldbeat.host_tools.errors import CannotTry

from ..results.results import make_folder
from ..virtual.errors import BenchError
from ..virtual.flash import FlashOp
from . import campaign, report, states
from .findings import Options, Part
from .judge import Cut, Judge, parse
from .promises import promises
from .recorder import record
from .trial import Verdict

PERMILLE = 1000


def numbers(text: str) -> range | None:
    """Read "all" or "N..M", both ends included.

    Raises:
        CannotTry: it is neither.
    """
    if text == "all":
        return None
    found = re.fullmatch(r"(\d+)\.\.(\d+)", text)
    if not found or int(found[1]) > int(found[2]):
        raise CannotTry(f"--states {text} is no range", "give 'all', or N..M as in 1..200")
    return range(int(found[1]), int(found[2]) + 1)


def part_of(text: str) -> Part:
    """Read "K/N".

    Raises:
        CannotTry: it is no part of a whole.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise CannotTry(f"--part {text} is no part", "give K/N as in 3/10, from 1/10 to 10/10")
    return int(found[1]), int(found[2])


def cuts(
    wanted: str,
    depth: int,
    state: str | None,
    story: str,
    seed: int,
    jobs: int,
    folder: Path | None,
    image: Path | None,
    as_json: bool,
    part: str = "1/1",
) -> int:
    """Do what the options of the verb say and return its exit code.

    Raises:
        CannotTry: there is no such cut, or no golden run.
    """
    options = Options(numbers(wanted), depth, story, seed, jobs, part_of(part))
    if image and not state:
        raise CannotTry("--image is for one cut, and there is no --state", "add --state N[:KIND]")
    if folder and state:
        raise CannotTry("--report is for a campaign, not for --state", "leave it out, or --state")
    if folder:
        make_folder(folder)
    try:
        if state:
            return one(options, state, image, as_json)
        return many(options, folder, as_json)
    except (BenchError, OSError) as error:
        raise CannotTry(str(error), "fieldbeat bench cuts --help") from error


def many(options: Options, folder: Path | None, as_json: bool) -> int:
    """Run a campaign and tell what it found."""
    with output.progress("cutting the power", PERMILLE) as show:
        results = campaign.run(options, lambda done, total: show(PERMILLE * done // total))
    if folder:
        report.write(results, folder)
    if as_json:
        output.print_json(results.as_dict())
    else:
        print(report.summary(results))
    return results.exit_code


def one(options: Options, name: str, image: Path | None, as_json: bool) -> int:
    """Judge one cut and tell everything about it."""
    cut = parse(name)
    recording = record(options.story, options.seed)
    judge = Judge(recording, promises(recording))
    _check_kind(judge.operation(cut.name), cut.name)
    if cut.second:
        first, deeper = judge.recovery(cut.name)
        if deeper is None:
            return _tell(first, as_json)
        judge, cut = deeper, Cut(cut.second)
        _check_kind(judge.operation(cut.name), cut.name)
    if image:
        image.write_bytes(judge.flash(cut.name))
    return _tell(judge.judge(cut), as_json)


def _tell(verdict: Verdict, as_json: bool) -> int:
    if as_json:
        output.print_json(vars(verdict) | {"life": verdict.life.hex()})
    else:
        print(describe(verdict))
    return 2 if verdict.invalid else 1 if verdict.broken else 0


def _check_kind(op: FlashOp, name: states.Name) -> None:
    kinds = states.kinds_of(op)
    if name.kind not in kinds:
        tried = ", ".join(f"{op.number}:{kind}" for kind in kinds)
        step = f"give --state one of {tried}"
        raise CannotTry(f"operation {op.number} is a {op.kind}, with no cut {name.kind!r}", step)


def describe(verdict: Verdict) -> str:
    """A verdict in lines."""
    lines = [f"{verdict.cut}: {verdict.what}"]
    if verdict.invalid:
        return "\n".join([*lines, f"invalid: {verdict.invalid}"])
    for text in verdict.broken or ["every promise held"]:
        lines.append(f"    {text}")
    lines.append(
        f"    {verdict.recovery} flash operations of recovery, "
        f"{verdict.virtual_s:.0f} s of the unit, {verdict.seconds:.2f} s here"
    )
    if verdict.broken:
        lines += ["console:", verdict.console]
    return "\n".join(lines)
