"""What a campaign has found, for people: a summary of a few lines, Markdown, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

from .findings import Results

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
        f"{results.cuts} cuts of {results.operations} operations leave "
        f"{results.distinct_states} distinct flash states: {results.judged} judged"
    ]
    if results.depth > 1:
        lines.append(
            f"{results.second_cuts} second cuts, during recovery, leave "
            f"{results.distinct_second_states} more that a unit can tell apart: "
            f"{results.second_judged} judged"
        )
    if results.part != "1/1":
        lines.append(f"part {results.part} of it")
    lines.append(
        f"{_count(results.failures, 'failure')}, {results.seconds:.0f} s on {results.jobs} "
        f"processors ({_each(results):.2f} s of one a judgement)"
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
        f"Operations {results.states}, depth {results.depth}, part {results.part}, "
        f"{results.started}, commit {results.commit or 'not known'}.",
        "",
        "| what | count |",
        "|---|---|",
        f"| flash operations of the golden run `{results.story}`, seed {results.seed} "
        f"| {results.operations} |",
        f"| first cuts, in every kind | {results.cuts} |",
        f"| distinct flash states | {results.distinct_states} |",
        f"| of them a unit could tell apart | {results.distinct_keys} |",
        f"| first cuts judged | {results.judged} |",
        f"| second cuts, in the recoveries from all these states | {results.second_cuts} |",
        f"| of them a unit could tell apart | {results.distinct_second_states} |",
        f"| second cuts judged | {results.second_judged} |",
        f"| failures | {len(results.failures)} |",
        f"| invalid | {len(results.invalid)} |",
        f"| seconds on {results.jobs} processors | {results.seconds:.0f} |",
        f"| seconds of a processor, in all | {results.processor_s:.0f} |",
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
    return results.processor_s / max(1, results.judged + results.second_judged)
