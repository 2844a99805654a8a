"""The demo's collector: a process of its own, which may end early or not at all."""

from __future__ import annotations

import io
import subprocess

import pytest
from fieldbeat.hil_tests import demo
from rich.console import Console


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
