"""The demo's collector: a process of its own, which may end early or not at all."""

from __future__ import annotations

import io
import signal
import subprocess

import pytest
from fieldbeat.hil_tests import demo, endings
from rich.console import Console


@pytest.fixture(autouse=True)
def signals():
    """The demo takes signals over for its process; the tests go on in this one."""
    numbers = (signal.SIGALRM, *endings.SIGNALS)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def played(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "FOLDER", tmp_path)
    return demo.Demo(Console(file=io.StringIO()))


def program(tmp_path, text):
    file = tmp_path / "program"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_nothing_is_awaited_from_a_collector_that_ended(played, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "FIELDBEAT", program(tmp_path, "exit 3"))
    with (
        demo.collector(played),
        pytest.raises(demo.DemoError, match="the collector ended with 3"),
    ):
        played.wait("a report", lambda: False, 60)


def test_a_collector_is_ended_whatever_happens(played, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "FIELDBEAT", program(tmp_path, "trap '' INT; exec sleep 600"))
    monkeypatch.setattr(demo, "END_S", 0.2)
    started = []

    class Started(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(demo.subprocess, "Popen", Started)
    with demo.collector(played):
        pass
    (tmp_path / "store.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(demo.FieldbeatError, match="no SQLite database"), demo.collector(played):
        pass
    assert len(started) == 2 and all(process.returncode is not None for process in started)


def test_what_is_typed_can_be_copied_and_what_it_says_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "FOLDER", tmp_path)
    monkeypatch.setattr(demo, "FIELDBEAT", program(tmp_path, "echo " + "seven " * 20))
    screen = io.StringIO()
    demo.Demo(Console(file=screen, width=80)).run("flash", "--port", "/dev/" + "long" * 30)
    command, *said = screen.getvalue().splitlines()
    assert command == "$ fieldbeat flash --port /dev/" + "long" * 30
    assert [set(line.split()) for line in said] == [{"seven"}, {"seven"}]


def test_time_that_is_too_short_is_no_success(played, monkeypatch):
    def play(started):
        started.steps = 3
        raise demo.TimeUp

    monkeypatch.setattr(demo, "play", play)
    assert demo.run(played, 2) == 1
    assert "2 s were over in step 3\n" in played.console.file.getvalue()
    monkeypatch.setattr(demo.Demo, "is_live", True, raising=False)
    del played.is_live
    assert demo.run(played, 2) == 0


def test_ctrl_c_before_live_values_is_said_so(played, monkeypatch):
    def play(started):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "play", play)
    assert demo.run(played, 0) == 130
    assert "ended before there were live values" in played.console.file.getvalue()


@pytest.mark.parametrize("given", ["abc", "-5", "nan", "inf"])
def test_what_is_no_time(given, monkeypatch, capsys):
    monkeypatch.setenv("DEMO_FOR", given)
    assert demo.main() == 2
    said = f"error: DEMO_FOR={given} is no number of seconds; next: say DEMO_FOR=90 make demo"
    assert capsys.readouterr().err.startswith(said)
    assert demo.seconds_to_play("") == 0 and demo.seconds_to_play("1.5") == 1.5
