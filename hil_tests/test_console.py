"""The text shell over pytest-embedded: a person at a terminal, in virtual time."""

from __future__ import annotations

import pytest


def test_help_lists_the_verbs(console):
    console.run("help")
    console.expect(rb"help\s+this list", timeout=10)
    console.expect_exact("reboot", timeout=10)


def test_an_unknown_verb_says_what_to_type(console):
    console.run("hlep")
    console.expect(rb"type help|help", timeout=10)


def test_status_tells_how_the_unit_is(console, unit_name, collector):
    console.run("status")
    for pattern in (
        rb"unit\s+" + unit_name.encode(),
        rb"time\s+20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ \(server\)",
        rb"uplink\s+acked",
    ):
        console.expect(pattern, timeout=10)


def test_read_measures_now(console):
    console.run("read air")
    console.wait(5)
    console.expect(rb"temperature\s+\d+\.\d+ Cel", timeout=10)


def test_a_missing_sensor_is_said_so(console, faults):
    faults.air.unplugged = True
    console.run("read air")
    console.wait(10)
    console.expect(rb"i2c_nack|does not answer|no answer", timeout=10)


def test_line_editing_and_history(console, unit_name):
    unit = rb"unit\s+" + unit_name.encode()
    console.write("stato\x7fus\r")
    console.wait(1)
    console.expect(unit, timeout=10)
    console.write("\x1b[A\r")
    console.wait(1)
    console.expect(unit, timeout=10)


def test_reboot_boots_again(console):
    console.run("reboot")
    console.wait(5)
    console.expect_exact("rst:0xc", timeout=10)
    console.expect_exact("fieldbeat> ", timeout=10)
    console.run("status")
    console.expect(rb"uptime\s+\d s", timeout=10)


def test_no_secret_is_ever_printed(bench, board):
    """Every verb, a day of logs and a crash: the master key appears in no form."""
    unit = bench.registry.unit("gh-01")
    master = dict(bench.registry.keys(unit.kid))[unit.epoch]
    bench.run_for(7200)
    for verb in (
        "help",
        "status",
        "id",
        "config",
        "sensors",
        "modem",
        "counters",
        "log",
        "uplink",
    ):
        board.console_write(verb.encode() + b"\r")
        bench.run_for(30)
    board.console_write(b"read air\rread modem\rread nothing\r")
    bench.run_for(30)
    output = board.output.lower()
    forms = {master, master.hex().encode(), repr(master).encode().lower()}
    assert len(output) > 1000
    assert not [form for form in forms if form in output]
    assert master not in b"".join(data for _, _, data in bench.network.capture)


def test_who_reports_from_the_console_sees_at_once_what_it_waits_for(bench, board):
    bench.run_for(900)
    bench.kill_collector()
    bench.run_for(4000)
    before = len(board.output)
    board.console_write(b"uplink test\r")
    bench.run_for(1)
    assert b"it reports now; where nobody answers" in board.output[before:]
    bench.run_for(60)
    said = board.output[before:]
    steps = (
        b"the modem starts",
        b"it looks for",
        b"it sends",
        b"it waits for the answer",
        b"no_ack: ",
    )
    places = [said.find(step) for step in steps]
    assert -1 not in places and places == sorted(places), said


NOISE = {
    "binary": b"\x00\xff\xfe" * 20,
    "torn SMP": b"\x06\x09!!!!\n",
    "long": b"A" * 5000 + b"\r",
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_noise_on_the_line_does_not_stop_the_shell(console, unit_name, noise):
    console.write(noise)
    console.wait(3)
    console.run("\rstatus")
    console.expect(rb"unit\s+" + unit_name.encode(), timeout=10)
