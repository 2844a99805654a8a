"""docs/check-sensors.md: its transcript is what a technician sees; a file takes its table."""

from __future__ import annotations

import re
from pathlib import Path

from fieldbeat.hil_tests.check_desk import QUIET, Desk
from fieldbeat.hil_tests.virtual.site import CONFIG
from fieldbeat.host_tools import node_config

PAGE = (Path(node_config.__file__).parents[1] / "docs" / "check-sensors.md").read_text("utf-8")


def shape(text: str) -> list[str]:
    """Lines without what noise changes: digits, and how wide a table's columns are."""
    lines = re.sub(r"[-+]?\d+(\.\d+)?(e-\d+)?", "#", text).splitlines()
    short = (re.sub(r"(?<=\S) +", " ", line).strip() for line in lines)
    return [re.sub("─+", "─", line) for line in short if line]


def test_the_transcript(bench, monkeypatch, capsys, faults):
    for name, value in QUIET.items():
        bench.scene.hold(name, value)
    desk = Desk(bench, bench.add_station(), monkeypatch, capsys)
    faults.light.frozen = True
    answers = {
        "hand around": desk.hold(air_temperature=24.0),
        "breathe": desk.hold(air_humidity=75.0),
        "cover": desk.hold(illuminance=20.0),
    }
    assert desk.sensors("air", "light", "battery", **answers) == 1
    transcript = re.search(r"<!-- .*test_check_docs.* -->\n```\n(.*?)```", PAGE, re.S)
    assert transcript and shape(desk.said) == shape(transcript[1]), desk.said


def test_the_table():
    table = re.search(r"```toml\n(.*?)```", PAGE, re.S)
    assert table
    head = CONFIG.format(unit="gh-01", board="greenhouse_esp32")
    config = node_config.parse(head + table[1], "gh-01.toml")
    trim = config.to_device_map()["sampling"]["trim"]
    assert trim == {"air_temperature": [-30, 10_000]}
