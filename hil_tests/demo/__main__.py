"""Plays the demo of a role: `python -m fieldbeat.hil_tests.demo [greenhouse|speaker|river]`."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from fieldbeat.host_tools import extras
from fieldbeat.host_tools.errors import CannotTry
from rich.console import Console

from .common import Demo, run, seconds_to_play

ROLES = {"greenhouse": "Greenhouse", "speaker": "Speaker", "river": "River"}


def role(words: list[str]) -> type[Demo]:
    """Returns what is to be played; the greenhouse if nothing is said."""
    name = " ".join(words) or "greenhouse"
    if name not in ROLES:
        raise CannotTry(f"there is no demo '{name}'", f"choose ROLE={' or ROLE='.join(ROLES)}")
    try:
        return getattr(import_module(f"{__package__}.{name}"), ROLES[name])
    except ImportError as error:
        raise extras.missing(error, f"the demo '{name}'") or error from None


def main(words: list[str]) -> int:
    picture = os.environ.get("DEMO_SVG")
    console = Console(record=bool(picture), width=110 if picture else None, highlight=False)
    try:
        chosen = role(words)
        seconds = seconds_to_play(os.environ.get("DEMO_FOR", ""), chosen.enough_s)
    except CannotTry as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    code = run(chosen(console), seconds)
    if picture and not code:
        console.save_svg(picture, title="make demo")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
