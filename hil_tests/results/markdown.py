"""The results as Markdown, for the summary of a pull request."""

from __future__ import annotations

from typing import Any

from .results import NOT_TRIED, headline, step, summary

LIMIT = 60_000  # characters; GitHub cuts a comment at 65,536
SIGNS = {0: "\N{WHITE HEAVY CHECK MARK}", 1: "\N{CROSS MARK}", 2: "\N{WARNING SIGN}"}


def render(data: dict[str, Any]) -> str:
    """The Markdown text; what does not fit is counted, not cut in the middle."""
    bench = data["bench"]
    parts = [
        f"### {_sign(data)} {data['title']}: {headline(data)}: {summary(data)}\n\n"
        f"Bench `{bench.get('name', '')}`"
        + (f", commit `{bench['commit']}`" if bench.get("commit") else "")
        + f", {data['started']}.\n"
    ]
    told = [c for c in data["cases"] if c["outcome"] not in ("passed", "skipped")]
    parts += [_story(case) for case in told]
    parts += _measurements(data["cases"])
    size = 0
    kept: list[str] = []
    for part in parts:
        size += len(part) + 1
        if size > LIMIT:
            kept.append(f"_{len(parts) - len(kept)} more: see the report._\n")
            break
        kept.append(part)
    return "\n".join(kept)


def _sign(data: dict[str, Any]) -> str:
    flaky = data["exit_code"] == 0 and data["counts"]["flaky"]
    return SIGNS[NOT_TRIED if flaky else data["exit_code"]]


def _story(case: dict[str, Any]) -> str:
    lines = [f"- **{case['outcome']}** `{case['id']}`: {_cell(case['message'])}"]
    if case["next_step"]:
        lines.append(f"  {_cell(step(case))}")
    if case["reproduce"]:
        lines.append(f"\n  ```sh\n  {case['reproduce']}\n  ```")
    return "\n".join(lines)


def _measurements(cases: list[dict[str, Any]]) -> list[str]:
    rows = [
        f"| {_cell(m['name'])} | {m['value']:g} {m['unit']} | {m['allowed']} "
        f"| {'ok' if m['ok'] else '**outside**'} | `{case['id']}` |"
        for case in cases
        for m in case["measurements"]
    ]
    head = ["", "| measured | value | allowed | | test |", "|---|---|---|---|---|"]
    return [*head, *rows] if rows else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
