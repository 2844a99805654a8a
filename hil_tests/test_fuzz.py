"""A short run of the fuzzer, and proof that it finds what it looks for."""

import importlib
import sys

import pytest
from fieldbeat.hil_tests.fuzz.__main__ import ROOT, commands, run

sys.path.insert(0, str(ROOT))
fuzz_run = importlib.import_module("hil_tests.fuzz.run")
SEEDS = [b"good input", b"another"]


@pytest.mark.parametrize("interpreter", ["CPython", "MicroPython"])
@pytest.mark.long
def test_no_parser_stumbles(interpreter):
    result = run(commands()[interpreter], 3000, 99)
    assert not result.failure, result.failure
    assert result.taken > 3000  # not all of it is noise


def broken(work):
    """Fuzz a parser with a fault, and return what it raised."""
    with pytest.raises(BaseException) as found:
        fuzz_run.fuzz("broken", lambda: (SEEDS, work), 20000, 1)
    return found.value


def test_an_error_of_another_kind_is_found(capsys):
    def work(data):
        return data[3:4] == b"" or len(data) / data[3]

    for data in SEEDS:
        work(data)
    assert isinstance(broken(work), ZeroDivisionError)
    assert "FOUND broken input" in capsys.readouterr().out
