"""Runs the programs that some instruments are, and says in plain words why one did not work."""

from __future__ import annotations

import shutil
import subprocess

from ..benches.blocked import Blocked

TIMEOUT_S = 30


def need(name: str, install: str) -> str:
    """The path of a program; Blocked, with the command that installs it, if it is not there."""
    found = shutil.which(name)
    if found is None:
        raise Blocked(f"the program {name} is not installed", f"install it ({install})")
    return found


def run(name: str, install: str, *arguments: str, step: str = "") -> str:
    """What a program printed; Blocked when it ends with an error or not at all."""
    try:
        done = subprocess.run(
            [need(name, install), *arguments], capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise Blocked(f"{name} did not end in {TIMEOUT_S} s", f"run {name} by hand") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it does not say why"]
        reason = f"{name} {' '.join(arguments)}: {lines[-1]}"
        raise Blocked(reason, step or "run it by hand; it may need a udev rule for you")
    return done.stdout
