"""The results as one self-contained page: no script, font or picture from elsewhere.

What needs somebody comes first, each with its timelines, its transcript and the one command that
shows it again; then every test, to be filtered.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from . import svg
from .results import OUTCOMES, headline, summary

CLOSER_S = 600  # a longer run is also drawn from this long before its end,
MARKS, FEW, QUIET_S = ("frames", "faults", "serial", "resets", "sends"), 3, 10  # if much happened
TRANSCRIPT_LINES, TAIL_LINES = 400, 6


def render(data: dict[str, Any]) -> str:
    """The page."""
    folder = resources.files(__package__)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(folder.joinpath("page.html.j2").read_text("utf-8"))
    return template.render(
        data=data,
        headline=headline(data),
        summary=summary(data),
        outcomes=[name for name in OUTCOMES if data["counts"][name]],
        shown=_cards(data["cases"]),
        tail=TAIL_LINES,
        measured=[(case, m) for case in data["cases"] for m in case["measurements"]],
        recoveries=[row for case in data["cases"] for row in case["recoveries"]],
        pictures=pictures,
        transcript=transcript,
        plain=plain,
        css=folder.joinpath("page.css").read_text("utf-8"),
    )


def _cards(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases that need somebody; what is blocked for one reason is one card."""
    cards: dict[tuple[str, ...], dict[str, Any]] = {}
    for case in cases:
        if case["timelines"] or case["outcome"] not in ("passed", "skipped"):
            blocked = case["outcome"] == "blocked" and not case["recoveries"]
            key = ("blocked", case["message"], case["next_step"]) if blocked else (case["id"],)
            card = cards.setdefault(key, case | {"tests": []})
            card["tests"].append(case["id"])
    return list(cards.values())


def pictures(board: dict[str, Any]) -> list[tuple[str, str]]:
    """Caption and SVG: the whole run, and its end from closer by."""
    whole = [(f"the whole {svg.elapsed(board['to_us'] / 1e6)}", svg.draw(board))]
    from_us = board["to_us"] - CLOSER_S * 1_000_000
    quiet_us = board["to_us"] - QUIET_S * 1_000_000
    marks = [row[0] for lane in MARKS for row in board[lane] if from_us < row[0] < quiet_us]
    if from_us > CLOSER_S * 1_000_000 and len(marks) >= FEW:
        whole.append((f"the last {CLOSER_S // 60} minutes", svg.draw(board, from_us)))
    return whole


def transcript(board: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """The last lines of the console: time of day in the board's world, text, whether it is bad."""
    rows = []
    for at_us, line in board["serial"][-TRANSCRIPT_LINES:]:
        moment = datetime.fromtimestamp(board["start_s"] + at_us / 1e6, UTC)
        rows.append((f"{moment:%d %H:%M:%S.}{moment.microsecond // 1000:03d}", line, _bad(line)))
    return rows


def plain(lines: list[str]) -> list[tuple[str, str, bool]]:
    """The same for a board whose lines nobody has timed."""
    return [("", line, _bad(line)) for line in lines]


def _bad(line: str) -> bool:
    return any(word in line for word in svg.BAD_LINES)
