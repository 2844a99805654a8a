"""`fieldbeat show UNIT --plot`: level, rain, alarms and pictures of a store as one picture."""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import closing

import cv2
import numpy as np
import pytest
from fieldbeat.host_tools import plot
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.views import Reading
from fieldbeat.protocols import cbor, event
from fieldbeat.protocols.schema import Column, Schema

from .test_picture_verbs import FULL, TAKEN_S, UNIT, keep

STEP_S = 300
WATER = Schema(
    30,
    2,
    STEP_S,
    [
        Column("level", "m", 1000, -10000, 30000, 3),
        Column("rain", "mm", 10, 0, 1000000, 0),
    ],
)
JPEG = bytes(range(256)) * 4  # is marked, not looked at


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Two hours: the level rises by a metre, 6 mm of rain, an alarm, two pictures."""
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    with closing(Registry()) as registry:
        registry.allocate(UNIT, "a test")
    with closing(Store()) as store:
        store.add_frame(UNIT, 1, 1, TAKEN_S, "", b"")
        times = [TAKEN_S + n * STEP_S for n in range(25)]
        values = [[1000 + n * 40 for n in range(25)], [min(n, 10) * 6 for n in range(25)]]
        with store.transaction():
            record = store.add_record(UNIT, 1, 40, 1, 30, b"", "decoded")
            store.add_report(record, UNIT, WATER, times, values, [[0] * 25] * 2)
            for rn, begins, at_s in ((41, True, 3000), (42, False, 6000)):
                body = {event.ALARM_BEGINS: begins, event.ALARM_SYNCED: True}
                body |= {2: 1, 3: "level", 4: "m", 5: 1000, 6: 2512}
                record = store.add_record(UNIT, 1, rn, 1, 0, b"")
                store.add_event(record, UNIT, event.ALARM, TAKEN_S + at_s, cbor.encode(body))
        keep(store, 11, JPEG, FULL, TAKEN_S + 3060)
        keep(store, 12, JPEG[::-1], 0, TAKEN_S + 9000)  # after the last level
        yield store


@pytest.mark.long
def test_level_rain_alarms_and_pictures_are_there(store, tmp_path, capsys):
    svg, png = tmp_path / "july.svg", tmp_path / "july.png"
    assert main(["show", UNIT, "--plot", str(svg)]) == 0
    assert "2 pictures" in capsys.readouterr().out
    text = svg.read_text()
    words = (
        "alarm",
        "alarm is over",
        "1: level 2.512 m",
        "picture: full",
        "picture: thumbnail",
        "level, m",
        UNIT,
    )
    assert all(f"<!-- {word} -->" in text for word in words)
    assert text.count("<!-- 1: level 2.512 m -->") == 2  # it began, and it was over
    assert main(["show", UNIT, "--plot", str(png), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"unit": UNIT, "file": str(png), "pictures": 2}
    picture = cv2.imread(str(png))
    assert picture.shape[1] == round(plot.SIZE_INCHES[0] * plot.DOTS_PER_INCH)
    assert len({tuple(colour) for colour in picture.reshape(-1, 3)}) > 50


@pytest.mark.long
def test_many_pictures_leave_the_level_to_be_seen(store, tmp_path, monkeypatch):
    path, marked = tmp_path / "plot.png", []
    for most in (2, 1):
        monkeypatch.setattr(plot, "MANY", most)
        assert main(["show", UNIT, "--plot", str(path)]) == 0
        beside_key = cv2.imread(str(path))[: plot.DOTS_PER_INCH * 3, 250:].astype(int)
        marked.append((np.abs(beside_key - (0x68, 0x63, 0x5F)).sum(axis=2) < 12).sum())
    assert marked[0] > 30 and marked[1] < marked[0] / 4, marked


def test_rain_is_what_a_counter_grew_by():
    def counted(*values):
        return [Reading("rain", n * STEP_S, mm, "", "mm", "normal", True)
                for n, mm in enumerate(values)]  # fmt: skip

    assert plot.fallen(counted(0, 1, 1, 3.5), STEP_S) == {0: 12, 600: 30}
    assert plot.fallen(counted(0, 1, 1, 3.5), 900) == {0: 14}
    assert plot.fallen(counted(90, 0, 2), STEP_S) == {300: 24}  # a new gauge
    assert plot.fallen([], STEP_S) == {}


def test_what_cannot_be_plotted_is_told(store, tmp_path, capsys, monkeypatch):
    for words, said in (
        (["--plot", str(tmp_path / "a.png")], "a plot is of one unit"),
        ([UNIT, "--plot", str(tmp_path / "a.bmp")], "name a .svg, .png, .pdf"),
        ([UNIT, "--plot", str(tmp_path / "no" / "a.png")], "cannot be written"),
    ):
        assert main(["show", *words]) == 2
        assert said in capsys.readouterr().err
    monkeypatch.delitem(sys.modules, "fieldbeat.host_tools.plot")
    monkeypatch.setitem(sys.modules, "matplotlib.dates", None)
    monkeypatch.delattr("fieldbeat.host_tools.plot")
    assert main(["show", UNIT, "--plot", str(tmp_path / "a.png")]) == 2
    assert "pip install 'fieldbeat[plots]'" in capsys.readouterr().err


def test_an_outage_is_a_gap_in_the_line():
    at_s = (0, 300, 600, 3600, 3900)
    levels = [Reading("level", t, 1.0, "", "m", "normal", True) for t in at_s]
    _, values = plot._with_gaps(levels)
    assert [value == 1.0 for value in values] == [True, True, True, False, True, True]


@pytest.mark.parametrize("words", [("show", UNIT, "--plot"), ("pictures", "sheet", UNIT, "--out")])
def test_a_full_disk_is_told_and_leaves_no_half_file(store, tmp_path, capsys, monkeypatch, words):
    image = np.zeros((48, 64, 3), np.uint8)
    keep(store, 13, cv2.imencode(".jpg", image)[1].tobytes(), FULL, TAKEN_S + 9060)
    out = tmp_path / "out.png"
    out.write_bytes(b"before")

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    more = ("--last", "1") if words[0] == "pictures" else ()
    assert main([*words, str(out), *more]) == 2
    assert "No space left on device; next: free space on that disk" in capsys.readouterr().err
    assert out.read_bytes() == b"before" and not list(tmp_path.glob("*.part"))
