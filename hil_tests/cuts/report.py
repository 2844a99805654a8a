"""What a campaign has found, for people: a summary of a few lines, Markdown, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

from .campaign import Results

SHOWN = 20


def write(results: Results, folder: Path) -> None:
    """Write cuts.json and cuts.md."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results.as_dict(), indent=2) + "\n"
    (folder / "cuts.json").write_text(text, encoding="utf-8")
    (folder / "cuts.md").write_text(markdown(results), encoding="utf-8")


def summary(results: Results) -> str:
    """The numbers, and the first failures with the command that repeats each."""
    lines = [
        f"{results.judged} cuts, {results.distinct_states} distinct flash states of "
        f"{results.operations} operations, judged in "
        f"{results.seconds:.0f} s on {results.jobs} processors "
        f"({_each(results):.2f} s of one a cut): {_count(results.failures, 'failure')}"
    ]
    if results.second_cuts:
        lines.append(
            f"{results.second_cuts} of them cut again during recovery, "
            f"{results.distinct_second_states} distinct states"
        )
    for row in results.failures[:SHOWN]:
        lines.append(f"{row['cut']} ({row['operation']}): {'; '.join(row['broken'])}")
        lines.append(f"    {row['reproduce']}")
    if len(results.failures) > SHOWN:
        lines.append(f"and {len(results.failures) - SHOWN} more: see --report or --json")
    for row in results.invalid[:SHOWN]:
        lines.append(f"{row['cut']} is invalid: {row['invalid']}")
        lines.append(f"    {row['reproduce']}")
    if not results.judged:
        lines.append("No cut was made: this was no campaign.")
    return "\n".join(lines)


def markdown(results: Results) -> str:
    """The same as a page."""
    lines = [
        "# Power cuts",
        "",
        f"Operations {results.states}, depth {results.depth}, {results.started}, "
        f"commit {results.commit or 'not known'}.",
        "",
        "| what | count |",
        "|---|---|",
        f"| flash operations of the golden run `{results.story}`, seed {results.seed} "
        f"| {results.operations} |",
        f"| distinct flash states | {results.distinct_states} |",
        f"| cuts judged | {results.judged} |",
        f"| cut again during recovery | {results.second_cuts} |",
        f"| failures | {len(results.failures)} |",
        f"| invalid | {len(results.invalid)} |",
        f"| seconds on {results.jobs} processors | {results.seconds:.0f} |",
        "",
    ]
    for row in (*results.failures, *results.invalid):
        lines += [f"## {row['cut']}: {row['operation']}", ""]
        lines += [f"- {text}" for text in (*row["broken"], *filter(None, [row["invalid"]]))]
        lines += ["", "```sh", row["reproduce"], "```", ""]
    return "\n".join(lines)


def _count(rows: list, noun: str) -> str:
    return f"{len(rows)} {noun}{'' if len(rows) == 1 else 's'}"


def _each(results: Results) -> float:
    return results.processor_s / max(1, results.judged + results.second_cuts)
