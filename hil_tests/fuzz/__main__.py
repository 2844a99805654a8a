"""Every parser against damaged input, on both interpreters, several processes at a time.

    python -m fieldbeat.hil_tests.fuzz [COUNT] [NAME ...]

COUNT inputs for each parser on each interpreter, a million if nothing is said. The inputs of a
run can be made again: they depend on the seed alone, which a finding tells.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = "hil_tests/fuzz/run.py"
HEAP = "512k"  # of MicroPython: what a parser may take, and the program itself
PIECE = 250_000  # inputs of one process, each with a seed of its own
LIMIT_S = 600  # of one process: it hangs


@dataclass(frozen=True)
class Result:
    """One process: which inputs it took, and what it printed if it failed."""

    taken: int
    seconds: float
    failure: str = ""


def commands() -> dict[str, list[str]]:
    """The interpreters: name -> command."""
    beside = Path(sys.executable).parent / "micropython"
    micropython = os.environ.get("MICROPYTHON") or str(beside)
    return {
        "CPython": [sys.executable],
        "MicroPython": [micropython, "-X", f"heapsize={HEAP}"],
    }


def run(command: list[str], count: int, seed: int, *names: str) -> Result:
    """Fuzz some parsers in a process of its own; none named: all."""
    start = time.monotonic()
    try:
        process = subprocess.run(
            [*command, RUN, str(count), str(seed), *names],
            cwd=ROOT,
            env=os.environ | {"MICROPYPATH": ".frozen"},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return Result(0, LIMIT_S, f"{' '.join(names)}, seed {seed}: no end in {LIMIT_S} s")
    seconds = time.monotonic() - start
    if process.returncode:
        ended = f"{' '.join(names)}, seed {seed}: ended with {process.returncode}\n"
        return Result(0, seconds, ended + process.stdout + process.stderr)
    lines = [line.split() for line in process.stdout.splitlines() if not line.startswith("Warn")]
    return Result(sum(int(line[2]) for line in lines), seconds)


def jobs(count: int, names: list[str]) -> list[tuple[str, str, int, int]]:
    """What is to be done: interpreter, parser, inputs, seed."""
    sys.path.insert(0, str(ROOT))
    from hil_tests.fuzz.host_targets import HOST_TARGETS
    from hil_tests.fuzz.sound_targets import SOUND_TARGETS
    from hil_tests.fuzz.targets import TARGETS

    both = TARGETS | SOUND_TARGETS
    unknown = sorted(set(names) - {*both, *HOST_TARGETS})
    if unknown:
        known = ", ".join([*both, *HOST_TARGETS])
        sys.exit(f"error: no parser {', '.join(unknown)}; there are: {known}")
    return [
        (interpreter, name, min(PIECE, count - done), 1 + done // PIECE)
        for interpreter, targets in (("CPython", both | HOST_TARGETS), ("MicroPython", both))
        for name in targets
        if name in names or not names
        for done in range(0, count, PIECE)
    ]


def main() -> int:
    words = sys.argv[1:]
    count = int(words.pop(0)) if words and words[0].isdecimal() else 1_000_000
    to_do = jobs(count, words)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(
            lambda job: run(commands()[job[0]], job[2], job[3], job[1]),
            to_do,
        )
        return report(to_do, results)


def report(to_do: list[tuple[str, str, int, int]], results: Iterable[Result]) -> int:
    """Print a line for each parser on each interpreter as soon as it is through."""
    print(f"{'parser':<16}{'interpreter':<14}{'inputs':>10}{'taken':>9}{'us each':>9}")
    failed, inputs, taken, seconds = 0, 0, 0, 0.0
    for i, (job, result) in enumerate(zip(to_do, results, strict=True)):
        interpreter, name, count, _ = job
        if result.failure:
            failed += 1
            print(f"{name:<16}{interpreter:<14}FAILED\n{result.failure}", flush=True)
        else:
            inputs, taken, seconds = inputs + count, taken + result.taken, seconds + result.seconds
        if i + 1 == len(to_do) or to_do[i + 1][:2] != job[:2]:
            each_us = 1e6 * seconds / max(inputs, 1)
            print(f"{name:<16}{interpreter:<14}{inputs:>10}{taken:>9}{each_us:>9.0f}", flush=True)
            inputs, taken, seconds = 0, 0, 0.0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
