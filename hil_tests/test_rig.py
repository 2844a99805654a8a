"""An opened bench: who its boards are, how time passes, and what blocks it; `bench check`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fieldbeat.hil_tests.benches import bench_check, bench_file, identity
from fieldbeat.hil_tests.benches.blocked import Blocked
from fieldbeat.hil_tests.benches.identity import Identity
from fieldbeat.hil_tests.benches.rig import Rig
from fieldbeat.hil_tests.stand_ins import HttpSwitch, Relay
from fieldbeat.hil_tests.virtual.rfc2217_port import Rfc2217Port
from fieldbeat.hil_tests.virtual.site import CONFIG, Site, config
from fieldbeat.host_tools import image, image_info

FIELDBEAT = Path(sys.executable).parent / "fieldbeat"


@pytest.fixture(scope="module")
def station_image():
    return image.build(config())


@pytest.fixture
def far(tmp_path, station_image):
    """A virtual board that stands for one on another machine; `far.served` is its port."""
    with Site(1, tmp_path / "far") as site:
        board = site.add_board("greenhouse_esp32", "gh-01", image=station_image)
        site.start_real()
        board.served = Rfc2217Port(board)
        yield board
        board.served.close()


def text_of(far, mac=None, name="gh-01"):
    port, mac = far.served.url, mac or far.mac.hex(":")
    return f'[board.{name}]\nmanifest = "greenhouse_esp32"\nport = "{port}"\nid = "mac:{mac}"\n'


def opened(text, tmp_path):
    return Rig.of(bench_file.parse(text, "far.toml"), tmp_path / "rig")


# Time


def test_a_virtual_rig_has_a_site_and_virtual_time(tmp_path, station_image):
    with Rig.open("virtual", tmp_path) as rig:
        assert list(rig.boards) == ["gh-01", "gh-02", "gh-03"]
        assert rig.boards["gh-02"].virtual.mac.hex(":") == "02:00:00:00:00:02"
        assert rig.boards["gh-03"].lines is None and "lines" not in rig.features
        rig.boards["gh-01"].flasher.flash(station_image)
        rig.run_for(86_400)
        assert rig.site.world.now_us == 86_400_000_000
        assert rig.run_until(lambda: rig.boards["gh-01"].virtual.state == "running", 10)
        assert not rig.run_until(lambda: False, 10)
    assert rig.boards["gh-03"].virtual.state == "off"  # as its file asks


def test_the_same_seed_gives_the_same_macs(tmp_path):
    macs = []
    for n in range(2):
        with Rig.open(None, tmp_path / str(n), seed=7) as rig:
            macs.append(rig.boards["gh-01"].virtual.mac)
    assert macs[0] == macs[1]


def test_virtual_and_real_boards_share_the_wall_clock(tmp_path, far, station_image):
    text = text_of(far) + '[board.near]\nmanifest = "greenhouse_esp32"\nport = "virtual"\n'
    with opened(text, tmp_path) as rig:
        assert rig.site.world.is_real
        rig.boards["near"].flasher.flash(station_image)
        said = bytearray()
        for board in rig.boards.values():
            assert board.check_identity().build_id
            board.console.on_output(said.extend)
            board.console.write(b"\r")
        assert rig.run_until(lambda: said.count(b"fieldbeat> ") >= 2, 20)


# Identity


def test_a_board_says_who_it_is_without_a_reset(tmp_path, far, station_image):
    with opened(text_of(far), tmp_path) as rig:
        found = rig.boards["gh-01"].check_identity()
        assert found.mac == far.mac.hex(":")
        assert found.build_id == image_info.inspect(station_image, "image").build_id
    assert far.resets == [1]


def test_another_board_blocks(tmp_path, far):
    rig = opened(text_of(far, "a4:cf:12:00:00:01"), tmp_path)
    with rig, pytest.raises(Blocked) as caught:
        rig.boards["gh-01"].check_identity()
    mac = far.mac.hex(":")
    assert caught.value.reason == (
        f"gh-01: the board at {far.served.url} is {mac}, not a4:cf:12:00:00:01"
    )
    assert caught.value.next_step == f'plug in gh-01, or write id = "mac:{mac}" in far.toml'


def test_another_build_than_was_flashed_blocks(tmp_path, station_image):
    with Rig.open(None, tmp_path) as rig:
        board = rig.boards["gh-01"]
        board.flasher.flash(station_image)
        board.check_identity()
        board.flasher.build_id = "0123456789abcdef"
        with pytest.raises(Blocked, match="gh-01 runs [0-9a-f]{16}, but 0123456789abcdef was fl"):
            board.check_identity()


def test_a_board_without_our_firmware_is_asked_by_its_loader(tmp_path):
    with Rig.open(None, tmp_path) as rig:
        board = rig.boards["gh-01"]
        assert board.identify() == Identity(board.virtual.mac.hex(":"), None)


# Broken benches


def test_a_broken_file_blocks(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("[board.a]\n")
    with pytest.raises(Blocked, match=r"\[board.a\] manifest: missing.*next: correct "):
        Rig.open(path, tmp_path)
    with pytest.raises(Blocked, match="No such file"):
        Rig.open(tmp_path / "none.toml", tmp_path)


def test_a_bench_that_opens_half_is_closed_again(tmp_path, far):
    text = text_of(far) + text_of(far, "02:00:00:00:00:09", "b").replace(far.served.url, "/dev/no")
    with pytest.raises(Blocked, match="there is no port /dev/no"):
        opened(text, tmp_path)
    with opened(text_of(far), tmp_path):  # which is free again
        pass


def test_opening_switches_on_and_closing_leaves_what_the_file_asks(tmp_path, far):
    relay = Relay(on=False)
    plug = HttpSwitch("tasmota", relay)
    power = f'[power]\nkind = "tasmota"\nhost = "{plug.host}"\nafter = "off"\noff_s = 0.0\n'
    try:
        with opened(text_of(far) + power, tmp_path) as rig:
            assert relay.on and rig.boards["gh-01"].power.is_on()
        assert not relay.on and relay.history == [True, False]
    finally:
        plug.close()


# fieldbeat bench check


def look(text, tmp_path, offline=False):
    path = tmp_path / "bench.toml"
    path.write_text(text)
    return [(f.subject, f.verdict, str(f)) for f in bench_check.examine(path, offline)]


def test_check_of_a_bench_that_is_fine(tmp_path, far):
    *_, port, board = look(text_of(far), tmp_path)
    assert port[1] == board[1] == "ok"
    assert f"greenhouse_esp32 {far.mac.hex(':')}, runs build " in board[2]


def test_check_says_each_thing_that_is_wrong(tmp_path, far, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    text = (
        text_of(far, "a4:cf:12:00:00:01", "wrong")
        + '[board.wrong.power]\nkind = "tasmota"\nhost = "127.0.0.1:1"\nafter = "off"\n'
        + '[board.gone]\nmanifest = "greenhouse_esp32"\nport = "/dev/ttyUSB99"\nid = "usb:1"\n'
        + '[board.gone.power]\nkind = "uhubctl"\nlocation = "1-1"\nport = 1\n'
        + '[board.lab]\nmanifest = "greenhouse_esp32"\nport = "labgrid:x"\n'
        + 'id = "mac:a4:cf:12:00:00:03"\n'
    )
    found = {(subject, verdict): line for subject, verdict, line in look(text, tmp_path)}
    assert "does not answer" in found["wrong power", "wrong"]
    assert "write id = " in found["wrong board", "wrong"]
    assert "there is no port /dev/ttyUSB99" in found["gone port", "wrong"]
    assert "apt install uhubctl" in found["gone power", "wrong"]
    subjects = [subject for subject, _, _ in look(text, tmp_path)]
    assert subjects.count("gone power") == subjects.count("lab port") == 1
    assert "pipx install labgrid" in found["lab port", "wrong"]
    assert "no [power]" in found["lab power", "not tried"]
    assert far.state == "running"
    offline = look(text, tmp_path, offline=True)
    assert [line[0] for line in offline[1:]] == ["gone power", "lab port", "boards"]


def test_check_names_one_next_step_for_each_mistake(tmp_path, far):
    twins = text_of(far) + text_of(far, name="b")
    first, *_ = [line for _, _, line in look(twins, tmp_path, offline=True)]
    assert "is that of [board.gh-01]; next: write what each board is" in first
    assert first.count("next:") == 1 and "correct" not in first


@pytest.mark.long
def test_check_says_what_comes_of_a_board_without_our_firmware(tmp_path, far, monkeypatch):
    monkeypatch.setattr(identity, "ATTEMPTS", 1)
    far.flash.load(0, b"\xff" * far.flash.size)
    far.reset()
    *_, port, board = look(text_of(far), tmp_path)
    assert "up to 20 s" in port[2] and board[1] == "ok"
    assert "no fieldbeat answers; next: pytest hil_tests --bench " in board[2]


def test_check_reads_the_file_of_the_unit(tmp_path, far):
    (tmp_path / "my-unit.toml").write_text(CONFIG.format(unit="x-7", board="greenhouse_esp32"))
    found = look(text_of(far) + 'unit = "my-unit.toml"\n', tmp_path, offline=True)
    assert found[1][:2] == ("gh-01 unit", "ok") and "x-7" in found[1][2]
    found = look(text_of(far) + 'unit = "other.toml"\n', tmp_path, offline=True)
    assert found[1][:2] == ("gh-01 unit", "wrong")


def test_check_switches_nothing(tmp_path, far):
    relay = Relay(on=True)
    plug = HttpSwitch("shelly2", relay)
    text = text_of(far) + f'[power]\nkind = "shelly"\nhost = "{plug.host}"\nafter = "off"\n'
    try:
        assert ("gh-01 power", "ok") in [line[:2] for line in look(text, tmp_path)]
        assert relay.history == []
    finally:
        plug.close()


def test_check_says_that_a_port_is_busy(tmp_path, far):
    with opened(text_of(far), tmp_path):
        assert "is busy" in look(text_of(far), tmp_path)[-1][2]


@pytest.mark.parametrize(("bench", "code"), [("virtual", 0), ("broken.toml", 1), ("none.toml", 2)])
def test_exit_codes_of_the_command(bench, code, tmp_path):
    (tmp_path / "broken.toml").write_text("[board.a]\nmanifest = 'greenhouse'\n")
    command = [FIELDBEAT, "bench", "check", bench, "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    if code < 2:
        verdicts = {row["verdict"] for row in json.loads(done.stdout)}
        assert ("wrong" in verdicts) == (code == 1)
    else:
        assert "name a TOML file" in done.stderr
