"""One contract for every power switch, virtual and real; each also fails in every way it can.

The real ones meet `stand_ins.py`, and a person a terminal.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time

import pytest
from fieldbeat.hil_tests import stand_ins
from fieldbeat.hil_tests.benches import bench_file, opening
from fieldbeat.hil_tests.benches.blocked import Blocked
from fieldbeat.hil_tests.benches.rig import Rig
from fieldbeat.hil_tests.instruments.power_manual import ManualPower
from fieldbeat.hil_tests.test_instruments import far_bench
from fieldbeat.hil_tests.virtual.site import Site

SWITCHES = ("virtual", "uhubctl", "gpio1", "gpio2", "gpio_low", "tasmota", "shelly1", "shelly2")
HTTP = SWITCHES[5:]


class Supply:
    """A switch, and the truth behind it; `after` is what the bench file asks for."""

    def __init__(self, kind, tmp_path, monkeypatch, after="on"):
        self.closing = []
        self.site = self.plug = self.switch = None
        common = f'after = "{after}"\noff_s = 0.0\n'
        if kind == "virtual":
            file = f'[board.a]\nmanifest = "greenhouse_esp32"\nport = "virtual"\n[power]\n{common}'
            self.site = Rig.of(bench_file.parse(file + 'kind = "virtual"\n', "v"), tmp_path)
            self.switch, self.truth = self.site.boards["a"].power, VirtualTruth(self.site)
            return
        table = self._table(kind, tmp_path, monkeypatch)
        file = '[board.a]\nmanifest = "greenhouse_esp32"\nport = "/dev/x"\nid = "usb:1"\n[power]\n'
        checked = bench_file.parse(file + table + common, "power.toml")
        self.switch = opening.open_power("a", checked.power("a"))

    def _table(self, kind, tmp_path, monkeypatch):
        if kind in HTTP:
            self.truth = stand_ins.Relay()
            self.plug = stand_ins.HttpSwitch(kind, self.truth)
            name, generation = kind.rstrip("12"), kind[-1]
            more = f"generation = {generation}\n" if name == "shelly" else ""
            return f'kind = "{name}"\nhost = "{self.plug.host}"\n{more}'
        program = {"uhubctl": stand_ins.UHUBCTL, "gpio1": stand_ins.GPIOSET_1}
        name = "uhubctl" if kind == "uhubctl" else "gpioset"
        text = program.get(kind, stand_ins.GPIOSET_2)
        self.truth = stand_ins.FileRelay(tmp_path, {name: text})
        self.path = f"{self.truth.folder}{os.pathsep}{os.environ['PATH']}"
        monkeypatch.setenv("PATH", self.path)
        if kind == "uhubctl":
            return 'kind = "uhubctl"\nlocation = "1-1.4"\nport = 2\n'
        if kind == "gpio_low":
            self.truth = Inverted(self.truth)
        active = "low" if kind == "gpio_low" else "high"
        return f'kind = "gpio"\nchip = "gpiochip0"\nline = 17\nactive = "{active}"\n'

    def close(self):
        for thing in (self.site, self.plug):
            if thing:
                thing.close()


class VirtualTruth:
    def __init__(self, rig):
        self.board = rig.boards["a"].virtual

    on = property(lambda self: self.board.state != "off")
    history = None


class Inverted:
    """A relay that is on at a low level."""

    def __init__(self, relay):
        self.relay, self.fault = relay, relay.fault

    on = property(lambda self: not self.relay.on)
    history = property(lambda self: [not level for level in self.relay.history])


@pytest.fixture(params=SWITCHES)
def supply(request, tmp_path, monkeypatch):
    supply = Supply(request.param, tmp_path, monkeypatch)
    yield supply
    supply.close()


def test_power_goes_on_off_and_round(supply):
    for _ in range(2):
        supply.switch.on()
        assert supply.truth.on and supply.switch.is_on()
        supply.switch.off()
        assert not supply.truth.on and not supply.switch.is_on()
    supply.switch.cycle()
    assert supply.truth.on and supply.switch.is_on()
    if supply.truth.history is not None:
        assert supply.truth.history == [True, False, True, False, False, True]
    supply.switch.close()


@pytest.mark.parametrize("kind", ["gpio1", "gpio2"])
def test_a_program_that_takes_its_time_has_set_its_line(kind, tmp_path, monkeypatch):
    """On a busy machine; the next one would end it before it did anything."""
    supply = Supply(kind, tmp_path, monkeypatch)
    try:
        program = supply.truth.folder / "gpioset"
        busy = "\nn=0; while [ $n -lt 300000 ]; do n=$((n+1)); done\necho "
        program.write_text(busy.join(program.read_text().rpartition("\necho ")[::2]))
        supply.switch.on()
        assert supply.truth.on
        supply.switch.off()
        assert supply.truth.history == [True, False]
    finally:
        supply.switch.close()
        supply.close()


@pytest.mark.parametrize("kind", SWITCHES)
@pytest.mark.parametrize("after", ["on", "off"])
def test_a_closed_switch_is_as_the_file_asks(kind, after, tmp_path, monkeypatch):
    supply = Supply(kind, tmp_path, monkeypatch, after)
    try:
        supply.switch.off()
        supply.switch.on() if after == "off" else None
        supply.switch.close()
        assert supply.truth.on == (after == "on")
    finally:
        supply.close()


@pytest.mark.parametrize("kind", ["uhubctl", "gpio2"])
def test_a_missing_program_says_what_to_install(kind, tmp_path, monkeypatch):
    supply = Supply(kind, tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Blocked, match="is not installed; next: install it .apt install "):
        supply.switch.on()


def test_a_program_that_refuses_is_quoted(tmp_path, monkeypatch):
    supply = Supply("uhubctl", tmp_path, monkeypatch)
    supply.truth.fault.write_text("No compatible devices detected at location 1-1.4!\n")
    with pytest.raises(Blocked, match="uhubctl -l 1-1.4 -p 2 -a on: No compatible devices"):
        supply.switch.on()


def test_a_hub_that_only_pretends_is_found_out(tmp_path, monkeypatch):
    supply = Supply("uhubctl", tmp_path, monkeypatch)
    (tmp_path / "stuck").touch()
    with pytest.raises(Blocked, match="did not switch port 2; next: use a hub"):
        supply.switch.on()


def test_a_relay_that_was_not_switched_yet_is_only_looked_at(tmp_path, monkeypatch):
    supply = Supply("gpio2", tmp_path, monkeypatch)
    assert supply.switch.is_on() is False
    assert supply.truth.history == []


def test_a_usb_port_behind_a_relay_at_a_gpio_is_waited_for(tmp_path, monkeypatch):
    site = Site(1, tmp_path)
    far = site.add_board("greenhouse_esp32", "1", b"\x02\0\0\0\0\1", power=False)
    site.start_real()
    relay = stand_ins.FileRelay(tmp_path, {"gpioset": stand_ins.GPIOSET_2})
    monkeypatch.setenv("PATH", f"{relay.folder}{os.pathsep}{os.environ['PATH']}")
    device = tmp_path / "ttyUSB0"

    def appear():
        while not relay.on:
            time.sleep(0.02)
        time.sleep(0.5)
        device.symlink_to(far.port)

    threading.Thread(target=appear, daemon=True).start()
    power = '[power]\nkind = "gpio"\nchip = "gpiochip0"\nline = 17\n'
    try:
        with Rig.of(far_bench(far, str(device), power), tmp_path) as rig:
            assert rig.boards["gh-01"].power.is_on()
    finally:
        site.close()


def test_a_line_that_somebody_has_says_so(tmp_path, monkeypatch):
    supply = Supply("gpio2", tmp_path, monkeypatch)
    supply.switch.on()
    supply.switch._holder.kill()  # it ends while the bench is open
    supply.switch._holder.wait()
    with pytest.raises(Blocked, match="gpioset does not hold line 17.*next: see gpioinfo"):
        supply.switch.is_on()
    (tmp_path / "bin" / "gpioset").write_text(
        '#!/bin/sh\n[ "$1" = --version ] && { echo v2.1; exit 0; }\n'
        "echo 'gpioset: unable to request lines: Device or resource busy' >&2; exit 1\n"
    )
    with pytest.raises(Blocked, match="resource busy.*next: see gpioinfo"):
        supply.switch.on()
    monkeypatch.setattr(supply.switch, "_used", False)
    supply.switch.close()


@pytest.mark.parametrize("kind", HTTP)
def test_a_plug_that_refuses_or_is_another_device(kind, tmp_path, monkeypatch):
    supply = Supply(kind, tmp_path, monkeypatch)
    try:
        supply.plug.status = 401
        with pytest.raises(Blocked, match="answers 401 Unauthorized; next: name its passwo"):
            supply.switch.on()
        supply.plug.status = 404
        with pytest.raises(Blocked, match="answers 404 Not Found; next: see its web page"):
            supply.switch.is_on()
        supply.plug.status = 200
        supply.plug.body = {"hello": "I am a printer"}
        with pytest.raises(Blocked, match="I am a printer.*instead of.*next: see that"):
            supply.switch.on()
        supply.plug.body = None
        supply.truth.on, supply.truth.stuck = False, True
        with pytest.raises(Blocked, match="next: see"):
            supply.switch.on()
    finally:
        supply.close()


@pytest.mark.parametrize("kind", HTTP)
def test_a_plug_that_disappears(kind, tmp_path, monkeypatch):
    supply = Supply(kind, tmp_path, monkeypatch)
    supply.switch.on()
    supply.plug.close()
    with pytest.raises(Blocked, match="does not answer.*next: see that it has power"):
        supply.switch.off()


def test_a_password_comes_from_the_environment(tmp_path, monkeypatch):
    table = bench_file.Tasmota(kind="tasmota", host="127.0.0.1:1", password_env="PLUG")
    switch = opening.open_power("a", table)
    monkeypatch.delenv("PLUG", raising=False)
    with pytest.raises(Blocked, match=r"\$PLUG is not set; next: export PLUG=..."):
        switch.on()


def shelly(plug, generation):
    table = bench_file.Shelly(
        kind="shelly", host=plug.host, generation=generation, password_env="PLUG"
    )
    return opening.open_power("a", table)


@pytest.mark.parametrize("generation", [1, 2])
def test_a_shelly_with_a_password_switches_for_whoever_knows_it(generation, monkeypatch):
    plug = stand_ins.HttpSwitch(f"shelly{generation}", stand_ins.Relay(), password="sesame 7")
    try:
        monkeypatch.setenv("PLUG", "sesame 7")
        switch = shelly(plug, generation)
        switch.on()
        assert plug.relay.on and switch.is_on()
        monkeypatch.setenv("PLUG", "sesam")
        with pytest.raises(Blocked, match=r"401.*next: see that \$PLUG holds the password of it"):
            shelly(plug, generation).off()
        assert plug.relay.on
    finally:
        plug.close()


def test_the_stand_in_knows_digest_authentication_as_the_rfc_has_it():
    """RFC 7616, 3.9.1."""
    said = {
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        "qop": "auth",
    }
    who = "Mufasa", "http-auth@example.org", "Circle of Life", "/dir/index.html"
    response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    assert stand_ins.digest_response(*who, said) == response


# A person


class Person:
    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def ask(self, question):
        self.asked.append(question)
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)


def manual(person):
    return ManualPower(bench_file.Manual(what="the blue plug", off_s=0.0), "gh-01", person.ask)


def test_a_person_is_asked_once_for_each_change():
    person = Person("no", "", "", "", "")
    switch = manual(person)
    assert not switch.is_on()
    switch.on()
    switch.on()
    assert switch.is_on()
    switch.cycle()
    assert switch.is_on()
    switch.close()
    assert person.asked[1] == "gh-01: switch the blue plug on, then press Enter: "
    assert [" on, " in question for question in person.asked] == [False, True, False, True]


def test_nobody_there_blocks():
    with pytest.raises(Blocked, match="nobody is here.*next: run it at a terminal, or give"):
        manual(Person()).on()


def test_a_person_may_stop():
    with pytest.raises(Blocked, match="gh-01 is not off: you stopped; next: start again"):
        manual(Person("stop")).off()


AT_A_TERMINAL = """
import os, sys
from fieldbeat.hil_tests.benches import opening
for path in sys.argv[1:]:
    os.open(path, os.O_RDWR)  # the first terminal of a session becomes its own
print(opening.open_power("gh-01", None).is_on())
"""


def asker(*terminal):
    """A program that asks whether a board is on, and reads nothing from stdin, as in pytest."""
    return subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, *terminal],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("answer, is_on", [(b"no\n", "False\n"), (b"yes\n", "True\n")])
def test_a_person_at_the_terminal_is_asked_though_stdin_is_taken(answer, is_on):
    ours, theirs = pty.openpty()
    try:
        program = asker(os.ttyname(theirs))
        os.write(ours, answer)
        assert program.communicate(timeout=30) == (is_on, "")
        assert b"gh-01: is its supply on? Enter yes or no: " in os.read(ours, 1000)
    finally:
        os.close(ours)
        os.close(theirs)


def test_without_a_terminal_nobody_is_there():
    _, said = asker().communicate(timeout=30)
    assert "nobody is here to switch gh-01 (its supply)" in said
