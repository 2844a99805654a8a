"""What a bench did, told by the clock of its world."""

from __future__ import annotations

import json

import pytest
from fieldbeat.hil_tests.virtual.fault_panel import FaultPanel
from fieldbeat.hil_tests.virtual.site import Site, config
from fieldbeat.hil_tests.virtual.timeline import Timeline


@pytest.fixture
def timeline(bench):
    return Timeline(bench)


def test_power_resets_radio_frames_serial_and_heap(bench, timeline):
    board = bench.add_station()
    bench.run_for(60)
    board.console_write(b"status\r")
    bench.run_for(40)
    board.power_off()
    bench.run_for(10)
    board.power_on()
    bench.run_for(30)
    board.reset()
    bench.run_for(1)
    (lanes,) = timeline.boards()
    assert json.loads(json.dumps(lanes)) == lanes
    assert lanes["board"] == "gh-01" and lanes["to_us"] == 141_000_000
    power = [(at_us // 100_000, state) for at_us, state in lanes["power"]]
    assert power[:3] == [(0, "boot"), (3, "running"), (1000, "off")]
    assert [cause for _, cause in lanes["resets"]] == ["power on", "power on", "reset line"]
    radio = [state for _, state in lanes["radio"]]
    assert radio[0] == "starts" and {"searches", "connected", "idle"} <= set(radio)
    first = lanes["frames"][0]
    assert first[1:3] == ["up", "carried"] and first[3] > 20
    assert {row[1] for row in lanes["frames"]} == {"up", "down"}
    sent_us, what = lanes["sends"][0]
    assert sent_us == first[0] and what == f"{first[3]} bytes"
    assert lanes["typed"] == [[60_000_000, "status"]]
    assert any(line.startswith("rst:0x1") for _, line in lanes["serial"])
    assert any(at_us == 60_000_000 or free > 1000 for at_us, free in lanes["heap"])


def test_faults_and_outages_are_marked_when_they_take_effect(bench, timeline):
    board = bench.add_station()
    bench.run_for(1200)
    bench.network.away(True)
    board.fitted.modem.faults.limit("send_ok_lost", 1)
    bench.run_for(3600)
    bench.network.away(False)
    bench.run_for(60)
    (lanes,) = timeline.boards()
    told = [row[1:] for row in lanes["faults"]]
    assert [what for name, what in told if name == "network.away"][:2] == [
        "set to True",
        "fired 1",
    ]
    assert [row for row in told if row[0] != "network.away"] == [
        ["modem.send_ok_lost", "set to True"],
        ["modem.send_ok_lost", "fired 1"],
        ["modem.send_ok_lost", "off"],
    ]
    assert lanes["outages"] == [[1_200_000_000, "away"], [4_800_000_000, "back"]]
    assert "outage" in {fate for _, _, fate, _ in lanes["frames"]}


def test_two_boards_have_lanes_of_their_own_also_after_the_end(tmp_path):
    with Site(seed=2, workdir=tmp_path) as bench:
        timeline = Timeline(bench)
        for unit in ("gh-01", "gh-02"):
            bench.add_station(config(unit))
        bench.run_for(120)
    first, second = timeline.boards()
    assert (first["board"], second["board"]) == ("gh-01", "gh-02")
    assert first["frames"] and second["frames"] and first["frames"] != second["frames"]


@pytest.mark.long
def test_a_day_is_a_few_hundred_notes(bench, timeline):
    bench.add_station()
    bench.run_for(86_400)
    assert 100 < len(timeline.notes) < 1000
    assert len(json.dumps(timeline.boards())) < 50_000


def test_the_panel_names_every_fault_that_did_not_fire(bench):
    panel = FaultPanel(bench)
    bench.add_station()
    assert panel.unfired() == []
    panel.modem.cereg = 3
    panel.air.unplugged = True
    panel.expect("outage", lambda: bench.network.counts["up_outage"])
    assert sorted(panel.unfired()) == ["air.unplugged", "modem.cereg", "outage"]
    bench.run_for(400)
    assert panel.unfired() == ["outage"]
    assert panel.fired["modem.cereg"] > 0
    bench.add_station(config("gh-02"))
    with pytest.raises(AttributeError, match="2 boards"):
        _ = panel.modem
    panel.of("gh-02").modem.silent = True
    assert "gh-02.modem.silent" in panel.unfired()
    with pytest.raises(AttributeError, match="no part 'wheel'"):
        _ = panel.of("gh-02").wheel
