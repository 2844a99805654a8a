"""The work of `fieldbeat bench pulls`, behind its options."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

from fieldbeat.host_tools import output
from fieldbeat.host_tools.errors import CannotTry

from ..results.results import make_folder
from ..virtual.errors import BenchError
from . import campaign, trial
from .cable import KINDS, Pull
from .campaign import Options, Results
from .stories import STORIES
from .trial import Verdict

PERMILLE = 1000
SHOWN = 20


def parse(text: str) -> Pull:
    """Read "N:KIND".

    Raises:
        CannotTry: it is no pull.
    """
    found = re.fullmatch(rf"(\d+):({'|'.join(KINDS)})", text)
    if not found:
        raise CannotTry(
            f"--pull {text} is no pull", f"give N:KIND, KIND one of {', '.join(KINDS)}"
        )
    return Pull(int(found[1]), found[2])


def pulls(
    points: int, pull: str | None, story: str, jobs: int, folder: Path | None, as_json: bool
) -> int:
    """Do what the options of the verb say and return its exit code.

    Raises:
        CannotTry: there is no such pull or story, or no golden run.
    """
    if story not in STORIES:
        raise CannotTry(f"there is no story {story}", f"give --story {' or '.join(STORIES)}")
    if folder and pull:
        raise CannotTry("--report is for a campaign, not for --pull", "leave it out, or --pull")
    if folder:
        make_folder(folder)
    try:
        if pull:
            return _tell(trial.judge(STORIES[story](), parse(pull)), as_json)
        return _many(Options(story, points, jobs), folder, as_json)
    except (BenchError, OSError) as error:
        raise CannotTry(str(error), "fieldbeat bench pulls --help") from error


def _many(options: Options, folder: Path | None, as_json: bool) -> int:
    with output.progress("pulling the cable", PERMILLE) as show:
        results = campaign.run(options, lambda done, total: show(PERMILLE * done // total))
    if folder:
        text = json.dumps(results.as_dict(), indent=2) + "\n"
        (folder / "pulls.json").write_text(text, encoding="utf-8")
    if as_json:
        output.print_json(results.as_dict())
    else:
        print(summary(results))
    return results.exit_code


def _tell(verdict: Verdict, as_json: bool) -> int:
    if as_json:
        output.print_json(asdict(verdict))
    else:
        print(f"{verdict.pull} ({verdict.operation}): {verdict.left}")
        for text in verdict.broken or [verdict.invalid or "every promise held"]:
            print(f"    {text}")
    return 2 if verdict.invalid else 1 if verdict.broken else 0


def summary(results: Results) -> str:
    """The numbers, and the first failures with the command that repeats each."""
    lines = [
        f"{results.judged} pulls at a batch of {results.operations} operations: "
        f"{len(results.failures)} failures, {results.seconds:.0f} s on {results.jobs} processors",
        "at: " + _counted(results.by_stage),
        "as: " + _counted(results.by_kind),
        "left: " + _counted(results.left),
    ]
    for row in results.failures[:SHOWN]:
        lines.append(f"{row['pull']} ({row['operation']}): {'; '.join(row['broken'])}")
        lines.append(f"    {row['reproduce']}")
    if len(results.failures) > SHOWN:
        lines.append(f"and {len(results.failures) - SHOWN} more: see --report or --json")
    lines += [f"{row['pull']} is invalid: {row['invalid']}" for row in results.invalid[:SHOWN]]
    return "\n".join(lines)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
