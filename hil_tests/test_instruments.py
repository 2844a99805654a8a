"""One contract for every instrument, virtual and real; each also fails once in every way it can.

The real console, lines and flasher meet a virtual board at its PTY and over RFC 2217, the real
switches meet `stand_ins.py`.
"""

from __future__ import annotations

import gc
import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fieldbeat.hil_tests import stand_ins
from fieldbeat.hil_tests.benches import bench_file, opening
from fieldbeat.hil_tests.benches.blocked import Blocked
from fieldbeat.hil_tests.benches.rig import Rig
from fieldbeat.hil_tests.instruments.power_manual import ManualPower
from fieldbeat.hil_tests.virtual.rfc2217_port import Rfc2217Port
from fieldbeat.hil_tests.virtual.site import Site, config
from fieldbeat.host_tools import image, image_info, nvs_image, partition_table, rom_loader

KINDS = ("virtual", "pty", "rfc2217")
PROMPT = b"fieldbeat> "


@pytest.fixture(scope="module")
def station_image():
    return image.build(config())


class Set:
    """One board with its instruments of one kind; `far` is the virtual board behind them."""

    def __init__(self, kind, workdir, content):
        self.kind = kind
        self.site = self.port = None
        if kind == "virtual":
            self.rig = Rig.open(None, workdir)
            self.far = self.rig.boards["gh-01"].virtual
        else:
            self.site = Site(1, workdir)
            self.far = self.site.add_board("greenhouse_esp32", "gh-01", power=False)
            self.port = Rfc2217Port(self.far) if kind == "rfc2217" else None
            self.site.start_real()
        with self.far.world.lock:
            self.far.power_off()
            self.far.flash.load(0, content)
            self.far.power_on()
        if kind != "virtual":
            url = self.port.url if self.port else self.far.port
            self.rig = Rig.of(far_bench(self.far, url), workdir)
        self.board = self.rig.boards["gh-01"]

    def hear(self, text, silent_reads=20):
        """What the console says up to `text`; so many reads of a second in a row may be empty."""
        heard, empty = b"", 0
        while text not in heard:
            more = self.board.console.read(1.0)
            empty = 0 if more else empty + 1
            assert empty < silent_reads, heard
            heard += more
        return heard

    def until(self, condition):
        assert self.rig.run_until(condition, 30), (self.far.state, self.far.output[-300:])

    def close(self):
        self.rig.close()
        if self.port:
            self.port.close()
        if self.site:
            self.site.close()


def far_bench(far, url, more=""):
    return bench_file.parse(
        f'[board.gh-01]\nmanifest = "greenhouse_esp32"\nport = "{url}"\n'
        f'id = "mac:{far.mac.hex(":")}"\n{more}',
        "far.toml",
    )


@pytest.fixture(params=["virtual", "pty", pytest.param("rfc2217", marks=pytest.mark.long)])
def bench_set(request, tmp_path, station_image):
    bench_set = Set(request.param, tmp_path, station_image)
    yield bench_set
    bench_set.close()


@pytest.fixture(params=["pty", pytest.param("rfc2217", marks=pytest.mark.long)])
def real_set(request, tmp_path, station_image):
    bench_set = Set(request.param, tmp_path, station_image)
    yield bench_set
    bench_set.close()


# Console


def test_a_console_carries_characters_both_ways(bench_set):
    heard = bytearray()
    bench_set.board.console.on_output(heard.extend)
    bench_set.board.console.write(b"\r")
    bench_set.hear(PROMPT)
    bench_set.board.console.write(b"help\r")
    assert b"this list" in bench_set.hear(b"reboot")
    assert b"this list" in heard
    while bench_set.board.console.read(0.3):
        pass
    assert bench_set.board.console.read(0.2) == b""


def test_a_console_carries_every_byte(bench_set):
    """Also 0xff, which RFC 2217 escapes, XON, XOFF and what a terminal would take for itself."""
    text = bytes(range(128, 256)) + b"\x11\x13\x04\x03\x00\x7f"
    seen = bytearray()
    with bench_set.far.world.lock:
        bench_set.far.serial_write = seen.extend  # what arrives at RX, before any program
        bench_set.far.processor.typed = seen.extend
    bench_set.board.console.write(text)
    bench_set.until(lambda: len(seen) >= len(text))
    assert bytes(seen) == text
    with bench_set.far.world.lock:
        bench_set.far.console.binary(text)
    heard = b""
    while text[-6:] not in heard:
        heard += bench_set.board.console.read(5)
    assert heard.endswith(text)


@pytest.mark.long
def test_a_closed_set_leaves_nothing_open(tmp_path, station_image):
    Set("rfc2217", tmp_path / "warm", station_image).close()
    for kind in KINDS:
        gc.collect()
        files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        Set(kind, tmp_path / kind, station_image).close()
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= files, kind
        assert threading.active_count() == threads, kind


# Flasher


def key_partition(content, key):
    nvs = partition_table.find(image_info.inspect(content, "image").table, "nvs")
    return nvs, nvs_image.build(nvs_image.Identity("gh-01", b"\1" * 4, 1, key), nvs.size)


def test_a_flasher_writes_keeps_nvs_and_the_board_boots_it(bench_set, station_image):
    old, new = b"the old key 0123", b"the new key 4567"
    nvs, secrets = key_partition(station_image, old)
    with bench_set.far.world.lock:
        bench_set.far.power_off()
        bench_set.far.flash.load(nvs.offset, secrets)
        bench_set.far.flash.load(0x10000, b"\0" * 4096)
        bench_set.far.power_on()
    bench_set.board.flasher.flash(station_image)
    wanted = image_info.inspect(station_image, "image").build_id
    assert bench_set.board.flasher.build_id == wanted
    assert bench_set.board.check_identity().build_id == wanted
    assert bench_set.far.flash.read(0x10000, 4096) == station_image[0x10000:0x11000]
    assert old in bench_set.far.flash.read(nvs.offset, nvs.size)
    bench_set.board.flasher.flash(station_image, key_partition(station_image, new)[1])
    assert new in bench_set.far.flash.read(nvs.offset, nvs.size)
    assert old not in bench_set.far.flash.read(nvs.offset, nvs.size)


def test_a_flasher_knows_the_chip_and_erases(bench_set):
    found = bench_set.board.flasher.identify()
    assert found == (bench_set.far.mac.hex(":"), "esp32")
    bench_set.board.flasher.erase()
    assert bench_set.far.flash.read(0, 1 << 22) == b"\xff" * (1 << 22)
    assert bench_set.board.flasher.build_id is None


def test_a_flasher_refuses_what_is_no_image(bench_set, station_image):
    before = list(bench_set.far.resets)
    with pytest.raises(Blocked, match="next: build it again"):
        bench_set.board.flasher.flash(station_image[:-4096])
    bench_set.board.flasher.manifest = "another_board"
    with pytest.raises(Blocked, match="is for greenhouse_esp32, but gh-01 is a another_board"):
        bench_set.board.flasher.flash(station_image)
    assert bench_set.far.resets == before  # not even the boot loader was asked for


def test_a_flasher_says_when_the_board_is_off(bench_set, station_image, monkeypatch):
    monkeypatch.setattr(rom_loader, "CONNECT_ATTEMPTS", 1)
    bench_set.far.power_off()
    with pytest.raises(Blocked, match="no boot loader answers.*next: "):
        bench_set.board.flasher.flash(station_image)


def test_a_flasher_says_when_the_board_disappears(real_set, station_image):
    """In the middle of writing."""
    write, world = real_set.far.flash.load, real_set.far.world

    def lost(at, data):
        write(at, data)
        real_set.far.flash.load = write
        world.call_after(0, real_set.port.drop if real_set.port else real_set.far.close)

    with real_set.far.world.lock:
        write(0x10000, b"\0" * 4096)  # so that something has to be written
        real_set.far.flash.load = lost
    with pytest.raises(Blocked, match="the unit is incomplete now; next: flash it again"):
        real_set.board.flasher.flash(station_image)
    assert real_set.board.flasher.build_id is None


# Lines


@pytest.mark.parametrize("kind", ["virtual", pytest.param("rfc2217", marks=pytest.mark.long)])
def test_lines_reset_and_reach_the_boot_loader(kind, tmp_path, station_image):
    bench_set = Set(kind, tmp_path, station_image)
    try:
        bench_set.until(lambda: bench_set.far.state == "running")
        resets = len(bench_set.far.resets)
        bench_set.board.lines.reset()
        bench_set.until(lambda: bench_set.far.state == "running")
        assert len(bench_set.far.resets) == resets + 1
        for _ in range(3):
            bench_set.board.lines.bootloader()
            bench_set.until(lambda: bench_set.far.state == "download")
        assert b"waiting for download" in bench_set.far.output
        bench_set.board.lines.reset()
        bench_set.until(lambda: bench_set.far.state == "running")
    finally:
        bench_set.close()


def test_a_port_without_lines_says_so(tmp_path, station_image):
    bench_set = Set("pty", tmp_path, station_image)
    try:
        for press in (bench_set.board.lines.reset, bench_set.board.lines.bootloader):
            with pytest.raises(Blocked, match="cannot drive DTR and RTS.*next: write lines = fa"):
                press()
    finally:
        bench_set.close()


# Ports that are absent, busy, lost


def open_far(bench_set, workdir, url):
    return Rig.of(far_bench(bench_set.far, url), workdir)


def test_an_absent_port_says_what_to_do(tmp_path, station_image):
    bench_set = Set("virtual", tmp_path, station_image)
    try:
        for url, text in (
            ("/dev/ttyUSB99", "there is no port /dev/ttyUSB99; next: plug the board in"),
            ("rfc2217://127.0.0.1:1", "nobody answers at rfc2217://127.0.0.1:1.*next: see that"),
            (str(tmp_path), "cannot be opened.*next: name the serial port"),
        ):
            with pytest.raises(Blocked, match=text):
                open_far(bench_set, tmp_path, url)
    finally:
        bench_set.close()


def test_a_busy_port_says_what_to_do(real_set, tmp_path):
    with pytest.raises(Blocked, match="is busy.*next: "):
        open_far(real_set, tmp_path, real_set.board.port)
    real_set.board.console.write(b"\r")
    real_set.hear(PROMPT)
    assert real_set.port is None or real_set.port.refused == 1


def test_a_port_that_disappears_says_what_to_do(real_set):
    real_set.hear(PROMPT)
    real_set.port.drop() if real_set.port else real_set.far.close()
    with pytest.raises(Blocked, match="was lost while in use.*next: see to cable"):
        real_set.rig.run_for(10)
    with pytest.raises(Blocked, match="was lost while in use"):
        real_set.board.console.write(b"\r")
    with pytest.raises(Blocked, match="was lost while in use"):
        while True:
            real_set.board.console.read(1)


def test_a_usb_port_that_goes_with_its_supply_comes_back_with_it(tmp_path, station_image):
    """The relay feeds board and USB chip: the port vanishes and is another one afterwards."""
    site = Site(1, tmp_path)
    boards = [
        site.add_board("greenhouse_esp32", str(n), b"\x02\0\0\0\0\1", station_image)
        for n in (1, 2)
    ]
    site.start_real()
    device = tmp_path / "ttyUSB0"
    device.symlink_to(boards[0].port)
    relay = UsbRelay(device, boards)
    plug = stand_ins.HttpSwitch("tasmota", relay)
    power = f'[power]\nkind = "tasmota"\noff_s = 0.3\nhost = "{plug.host}"\n'
    rig = Rig.of(far_bench(boards[0], str(device), power), tmp_path)
    try:
        board = rig.boards["gh-01"]
        board.power.cycle()
        assert relay.history == [False, True]
        heard = bytearray()
        board.console.on_output(heard.extend)
        board.console.write(b"\r")
        assert rig.run_until(lambda: PROMPT in heard, 20), heard
        board.power.off()
        boards[1].close()
        rig.run_for(0.3)  # nothing is lost that is not missed
        board.console.write(b"nobody hears it")
        board.console.read(0)
        assert board.console.read(0) == b""
    finally:
        rig.close()
        plug.close()
        site.close()


class UsbRelay(stand_ins.Relay):
    """Takes the first board's port away; the second one stands for it when the supply is back."""

    def __init__(self, device, boards):
        super().__init__(on=True)
        self.device, self.boards = device, boards

    def set(self, on):
        super().set(on)
        if not on:
            self.device.unlink(missing_ok=True)
            self.boards[0].close()
        elif not self.device.exists():
            threading.Timer(0.3, self.device.symlink_to, [self.boards[1].port]).start()


# Power

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


# The interfaces themselves


def test_an_interface_is_short():
    folder = Path(stand_ins.__file__).parent / "instruments"
    for name in ("power", "console", "flasher", "lines", "stimulus"):
        assert len((folder / f"{name}.py").read_text().splitlines()) <= 25, name
