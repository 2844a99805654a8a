"""A copy of the project that tests can run in, with one file changed.

The copy comes before the installed packages on the path, so that the tests, the programs that they
start and the images that they build all use the changed file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .mutant import Mutant

ROOT = Path(__file__).parents[2]
ROOMS = ("boards", "drivers", "firmware", "hil_tests", "host_tools", "protocols")


class Tree:
    """A copy of what git knows of the project, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self._packages = folder / "packages"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                target = self.root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, target)
        (self._packages / "fieldbeat").mkdir(parents=True)
        for room in ROOMS:
            (self._packages / "fieldbeat" / room).symlink_to(self.root / room)

    def change(self, mutant: Mutant) -> None:
        """Put a mutant's change into the copy."""
        path = self.root / mutant.file
        path.write_text(mutant.apply((ROOT / mutant.file).read_text("utf-8")), "utf-8")

    def restore(self, mutant: Mutant) -> None:
        """Take it out again."""
        shutil.copyfile(ROOT / mutant.file, self.root / mutant.file)

    def test(self, tests: tuple[str, ...], timeout_s: float = 600) -> tuple[int, str]:
        """Run tests in the copy until one fails; return pytest's exit code and what it said.

        A hang counts as noticed: exit code 1.
        """
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        environment = os.environ | {
            "PYTHONPATH": str(self._packages),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        try:
            result = subprocess.run(
                command, cwd=self.root, env=environment, timeout=timeout_s,
                capture_output=True, text=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return 1, f"no end within {timeout_s:.0f} s"
        return result.returncode, result.stdout + result.stderr
