"""One contract for every instrument, virtual and real; each also fails once in every way it can.

The real console, lines and flasher meet a virtual board at its PTY and over RFC 2217, the real
switches meet `stand_ins.py`.
"""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest
from fieldbeat.hil_tests import stand_ins
from fieldbeat.hil_tests.benches import bench_file
from fieldbeat.hil_tests.benches.blocked import Blocked
from fieldbeat.hil_tests.benches.rig import Rig
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
        real_set.far.power_off()  # not even this write is answered
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


# The interfaces themselves


def test_an_interface_is_short():
    folder = Path(stand_ins.__file__).parent / "instruments"
    for name in ("power", "console", "flasher", "lines", "stimulus"):
        assert len((folder / f"{name}.py").read_text().splitlines()) <= 25, name
