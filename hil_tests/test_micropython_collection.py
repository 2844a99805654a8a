"""How the tests of the device rooms are run by a real MicroPython."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HANGS = """\
with open("runs", "a") as file:
    file.write("x")
def test_a():
    pass
def test_b():
    while True:
        pass
def test_c():
    pass
"""


def test_a_file_that_hangs_is_run_once_and_says_so_at_every_test(tmp_path):
    conftest = (ROOT / "conftest.py").read_text()
    assert "TIMEOUT_S = 170 " in conftest
    (tmp_path / "conftest.py").write_text(conftest.replace("TIMEOUT_S = 170 ", "TIMEOUT_S = 1 "))
    for path in ("hil_tests/micropython_tests.py", "protocols/tests/__init__.py"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    (tmp_path / "protocols/tests/test_hangs.py").write_text(HANGS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "micropython"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "1 passed" in result.stdout and "2 failed" in result.stdout, result.stdout
    assert result.stdout.count("no end after 1 s") >= 2
    assert (tmp_path / "runs").read_text().count("x") == 1 + 1  # and once by CPython, collecting
