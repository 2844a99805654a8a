"""Runs the tests over every mutant: `make mutants`, or with the names of some behind it.

Prints a line for each and closes with `caught / all`. Exit code 0: all were caught, 1: some were
not, 2: it could not be tried (a stale mutant, or tests that fail without any).
"""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from .mutant import Mutant, StaleMutant, chosen, load
from .tree import Tree

PASSED, FAILED = 0, 1  # exit codes of pytest; others: it could not run the tests
JOBS = min(os.cpu_count() or 1, 4)
ALL_S = 3600.0  # for the tests of all mutants, one after the other


def first_failure(said: str) -> str:
    """Return the line that names the failed test, for the list."""
    lines = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return lines[0].split(" - ")[0] if lines else said.strip().splitlines()[-1]


def run(mutants: list[Mutant], trees: SimpleQueue[Tree]) -> tuple[int, list[str]]:
    """Test each mutant in one of the trees; return how many were caught, and what could not be."""
    troubles: list[str] = []

    def one(mutant: Mutant) -> bool:
        tree = trees.get()
        try:
            tree.change(mutant)
            code, said = tree.test(mutant.tests)
        finally:
            tree.restore(mutant)
            trees.put(tree)
        if code not in (PASSED, FAILED):
            troubles.append(f"{mutant.name}: pytest ended with {code}: {said[-500:]}")
        verdict = "caught" if code == FAILED else "MISSED"
        print(f"{verdict}  {mutant.name:<34} {first_failure(said)}", flush=True)
        return code == FAILED

    with ThreadPoolExecutor(JOBS) as pool:
        return sum(pool.map(one, mutants)), troubles


def main(words: list[str]) -> int:
    """Run the mutants whose names contain one of the words."""
    mutants = chosen(load(), words)
    if not mutants:
        print(f"no mutant is named like {' or '.join(words)}; see hil_tests/mutants/*.toml")
        return 2
    with tempfile.TemporaryDirectory(prefix="fieldbeat-mutants-") as folder:
        trees: SimpleQueue[Tree] = SimpleQueue()
        for n in range(JOBS):
            trees.put(Tree(Path(folder) / str(n)))
        sound = trees.get()
        tests = tuple(sorted({test for mutant in mutants for test in mutant.tests}))
        print(f"the tests of {len(mutants)} mutants without any of them ...", flush=True)
        code, said = sound.test(tests, ALL_S)
        trees.put(sound)
        if code != PASSED:
            print(f"they fail without a mutant: {first_failure(said)}; run make test first")
            return 2
        try:
            caught, troubles = run(mutants, trees)
        except StaleMutant as error:
            print(error)
            return 2
    print(*troubles, sep="\n", end="\n" if troubles else "")
    print(f"caught {caught} / {len(mutants)}")
    return 2 if troubles else int(caught < len(mutants))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
