"""`fieldbeat doctor`: whatever is wrong with a whole virtual unit, the right cause is the first.

The unit and its modem are the real firmware and the models of the bench; what it keeps over a
reset is read by the host's own link.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from fieldbeat.hil_tests.virtual.rfc2217_port import Rfc2217Port
from fieldbeat.hil_tests.virtual.site import QUARTER_HOURLY, Site, config
from fieldbeat.hil_tests.virtual_time_link import VirtualTimeLink
from fieldbeat.host_tools import doctor_bundle, doctor_reading, node_config
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.doctor import diagnose
from fieldbeat.host_tools.doctor_evidence import Evidence

EXAMPLES = Path(node_config.__file__).parents[1] / "docs" / "examples"
DEEP = '[power]\nsleep = "deep"\n' + QUARTER_HOURLY
HOLD = b"\x15" * 100
BOOT_S = 3


def look(bench: Site, board, hold: bool = False) -> Evidence:
    """What doctor reads, in virtual time; `hold`: after a reset, in the boot window."""
    evidence = Evidence(port="held" if hold else "running")
    if hold:
        board.reset()
        board.console_write(HOLD)
        bench.run_for(BOOT_S)
        assert b"held in its boot window" in board.output[-2000:]
    with VirtualTimeLink(bench, board.port) as link:
        link.wait()
        doctor_reading.read_link(link, evidence)
    assert not evidence.missing
    return evidence


def first(evidence: Evidence) -> str:
    """The first cause; 'healthy' if nothing is wrong."""
    findings = diagnose(evidence.lines())
    return findings[0].cause if findings else "healthy"


def test_a_unit_that_reports_is_healthy(bench):
    board = bench.add_station(config(more=QUARTER_HOURLY))
    bench.run_for(2000)
    evidence = look(bench, board)

    assert not [each for each in diagnose(evidence.lines()) if each.is_fault]
    assert evidence.unit == "gh-01" and "wake acked" in evidence.lines()


def wrong_band(modem, faults):
    modem.settings["+QBAND"] = "8"


def cereg(status):
    def spoil(modem, faults):
        faults.modem.cereg = status

    return spoil


def refusal(command, code):
    def spoil(modem, faults):
        faults.modem.error_on = {command: f"+CME ERROR: {code}"}

    return spoil


def silent(modem, faults):
    faults.modem.silent = True


@pytest.mark.parametrize(
    "spoil, cause",
    [
        (wrong_band, "wrong_band"),
        (cereg(2), "no_signal"),  # the model hears nothing then
        (cereg(3), "denied"),
        (refusal("AT+CPIN?", 10), "no_sim"),
        (refusal("AT+CPIN?", 13), "sim_failure"),
        (refusal("AT+QICFG", 50), "bad_parameter"),
        (silent, "modem_silent"),
    ],
)
def test_what_keeps_a_modem_from_the_network(bench, board, modem, faults, spoil, cause):
    spoil(modem, faults)
    bench.run_for(400)
    assert first(look(bench, board)) == cause


def test_a_server_that_is_away(bench, board):
    bench.kill_collector()
    bench.run_for(600)
    evidence = look(bench, board)
    assert first(evidence) == "no_answer"
    assert not [each for each in diagnose(evidence.lines(), True) if each.is_fault]


def test_a_loudspeaker_that_obeys_nobody(bench):
    pole = bench.add_station(node_config.load(EXAMPLES / "desk-speaker.toml"))
    bench.run_for(60)
    assert first(look(bench, pole)) == "deaf"


def test_a_supply_that_dips_while_it_sends(bench, board, faults):
    faults.modem.limit("brownout", 1)
    faults.modem.brownout = "sent"
    bench.run_for(120)
    assert first(look(bench, board)) == "brown_out"


def test_a_unit_that_sleeps_at_once_is_held_and_healthy(bench):
    board = bench.add_station(config(more=DEEP))
    bench.run_for(1200)
    assert bench.run_until(lambda: board.state == "sleep", 600)
    evidence = look(bench, board, hold=True)
    findings = diagnose(evidence.lines())
    assert [each.cause for each in findings] == ["sleeps"] and not findings[0].is_fault


def test_a_program_that_hangs_is_found_by_its_last_step(bench, board):
    bench.run_for(7)  # in its first wake
    board.hardware.faults.hang = 200
    bench.run_for(130)
    evidence = look(bench, board, hold=True)
    findings = diagnose(evidence.lines())
    assert findings[0].cause == "hang" and "modem" in findings[0].sentence, findings


def test_a_program_that_hangs_at_once(bench, board):
    bench.run_for(60)
    board.reset()
    board.hardware.faults.hang = 200
    bench.run_for(125)
    assert first(look(bench, board, hold=True)) == "hang_at_once"


def test_a_program_that_fails_at_each_boot_ends_in_safe_mode(bench, board):
    bench.run_for(60)
    for _ in range(5):
        resets = len(board.resets)
        board.hardware.faults.hang = 200
        assert bench.run_until(lambda n=resets: len(board.resets) > n, 400)
    bench.run_for(20)
    causes = [each.cause for each in diagnose(look(bench, board).lines())]
    assert causes[0] in ("crash_loop", "hang_at_once") and "crash_loop" in causes


def test_a_held_unit_goes_on_by_itself(bench, board):
    bench.run_for(60)
    look(bench, board, hold=True)
    bench.run_for(700)
    with VirtualTimeLink(bench, board.port) as link:
        assert "safe mode" not in link.status()


@pytest.mark.long
def test_the_verb_holds_a_sleeper_by_the_lines_of_its_port(bench, tmp_path, capsys):
    board = bench.add_station(config(more=DEEP))
    bench.run_for(1200)
    assert bench.run_until(lambda: board.state == "sleep", 600)
    port = Rfc2217Port(board, "127.0.0.1", 0)
    bench.world.start_real()
    try:
        nowhere = str(tmp_path / "none")
        file = str(tmp_path / "unit.zip")
        here = ["--registry", nowhere, "--db", nowhere]
        assert main(["doctor", "--port", port.url, "--bundle", file, "--json", *here]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [each["cause"] for each in told["findings"]] == ["sleeps"]
        assert main(["doctor", "--bundle-from", file]) == 0
    finally:
        bench.stop_real()
        port.close()


@pytest.mark.long
def test_the_verb_tells_a_bare_board(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    monkeypatch.setattr(doctor_reading, "ANSWERS_S", 1.0)
    with Site(seed=1, workdir=tmp_path) as site:
        board = site.add_board("greenhouse_esp32", "gh-01")
        port = Rfc2217Port(board, "127.0.0.1", 0)
        site.world.start_real()
        try:
            assert main(["doctor", "--port", port.url]) == 1
        finally:
            site.stop_real()
            port.close()
    said = capsys.readouterr()
    assert "1. The board is bare" in said.out and "fieldbeat flash" in said.out
    assert "press the button" not in said.err  # it has said so after a reset by the lines


def test_a_bundle_has_no_secret(bench, board, tmp_path):
    bench.run_for(600)
    evidence = look(bench, board)
    evidence.verbs["modem"] += "\nimsi 460001234567890\npassword: hunter2"
    unit = bench.registry.unit("gh-01")
    keys = [key for _, key in bench.registry.keys(unit.kid)]
    path = tmp_path / "unit.zip"
    doctor_bundle.write(path, evidence, diagnose(evidence.lines()))
    with zipfile.ZipFile(path) as bundle:
        whole = b"".join(bundle.read(name) for name in bundle.namelist())
    assert b"gh-01" in whole and b"collector.example.org" in whole
    for key in keys:
        assert key not in whole and key.hex().encode() not in whole.lower()
    for secret in (b"460001234567890", b"hunter2", board.fitted.modem.imei.encode()):
        assert secret not in whole
    assert doctor_bundle.read(path)[0] == "gh-01"
