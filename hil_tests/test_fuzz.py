"""A short run of the fuzzer, and proof that it finds what it looks for."""

import importlib
import sys
import time

import pytest
from fieldbeat.hil_tests.fuzz.__main__ import ROOT, commands, run

sys.path.insert(0, str(ROOT))
fuzz_run = importlib.import_module("hil_tests.fuzz.run")
SEEDS = [b"good input", b"another"]


@pytest.mark.parametrize("interpreter", ["CPython", "MicroPython"])
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


def test_an_allocation_out_of_proportion_is_found():
    assert "too much" in str(broken(lambda data: bytes(10_000_000) if data[:1] > b"\xf0" else 0))


def test_an_endless_loop_is_found(monkeypatch):
    import signal

    monkeypatch.setattr(fuzz_run, "ALARM_S", 1)
    monkeypatch.setattr(fuzz_run, "alarm", lambda seconds: signal.setitimer(0, seconds / 20))

    def forever(data):
        while data[:1] > b"\xf0":
            time.monotonic()

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    try:
        assert isinstance(broken(forever), TimeoutError)
    finally:
        signal.setitimer(0, 0)
        signal.signal(signal.SIGALRM, before)
