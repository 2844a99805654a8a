"""How long a person waits for the command's own word."""

from __future__ import annotations

import sys
from pathlib import Path

from fieldbeat.hil_tests.benchmarks import Figure, command_seconds, in_turns

ROUNDS = 11


def run() -> list[Figure]:
    fieldbeat = str(Path(sys.executable).parent / "fieldbeat")
    help_s, bare_s, typer_s = in_turns(
        ROUNDS,
        lambda: command_seconds([fieldbeat, "--help"]),
        lambda: command_seconds([sys.executable, "-c", "pass"]),
        lambda: command_seconds([sys.executable, "-c", "import typer, rich.console"]),
    )
    return [
        Figure(
            "fieldbeat --help", help_s * 1000, "ms", 250, f"median of {ROUNDS} whole processes"
        ),
        Figure("fieldbeat --help", help_s / bare_s, "times", None, "python -c pass"),
        Figure("fieldbeat --help", help_s / typer_s, "times", None, "import typer, rich"),
    ]
