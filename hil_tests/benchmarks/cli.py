"""What the command's own word costs: processor time, so that a busy machine counts less."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from fieldbeat.hil_tests.benchmarks import Figure

ROUNDS = 11


def processor_seconds(command: Sequence[str]) -> float:
    """User and system time of one whole process that must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run() -> list[Figure]:
    python = [sys.executable, "-c"]
    commands = (
        [str(Path(sys.executable).parent / "fieldbeat"), "--help"],
        [*python, "pass"],
        [*python, "import typer, rich.console"],
    )
    # In turns, so that a slow minute hits all of them; the least, which other programs hide least.
    rounds = [[processor_seconds(command) for command in commands] for _ in range(ROUNDS)]
    help_s, bare_s, typer_s = (min(column) for column in zip(*rounds, strict=True))
    name = "fieldbeat --help"
    return [
        Figure(name, help_s * 1000, "ms", 250, f"processor time, the least of {ROUNDS}"),
        Figure(name, help_s / bare_s, "times", None, "python -c pass"),
        Figure(name, help_s / typer_s, "times", 2, "import typer, rich"),
    ]
