"""Runs the tests of the whole node under MicroPython too.

Compiled from source, node and tests together need more heap than a board has; as byte code the
node runs in the board's own, which the bench shows.
"""

# SPDX-License-Identifier: Apache-2.0

import os
import subprocess
from pathlib import Path

import pytest

from conftest import RUNNER, micropython_command

ROOT = Path(__file__).parent.parent.parent
HEAP = "640k"


@pytest.mark.parametrize("name", ["node", "node_safe_mode", "node_supervision", "pictures"])
def test_micropython(name: str) -> None:
    command = [micropython_command(), "-X", f"heapsize={HEAP}", str(RUNNER)]
    result = subprocess.run(
        [*command, f"firmware/tests/test_{name}_host.py"],
        cwd=ROOT,
        env=os.environ | {"MICROPYPATH": ":.frozen"},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "PASSED" in result.stdout
