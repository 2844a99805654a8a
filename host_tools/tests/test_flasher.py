"""Flashing a chip's ROM loader with the real esptool: refusals first, then what is written."""

import dataclasses
import json
import os
import pty
import socket
import stat
import threading
from pathlib import Path

import esptool
import pytest
from esptool import cmds
from fieldbeat.host_tools import (
    app_cache,
    app_files,
    cli,
    file_system,
    flasher,
    image,
    image_info,
    node_config,
    nvs_image,
    rom_loader,
    serial_port,
)
from fieldbeat.host_tools.errors import CannotTry, FieldbeatError
from fieldbeat.host_tools.flash_writing import Writing
from fieldbeat.host_tools.flasher import Known, WrongTarget
from fieldbeat.host_tools.registered_unit import PROVISIONED
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.rom_loader import FlashError, Visit
from serial.urlhandler import protocol_socket

from .mock_chip import REAL_MAC, VIRTUAL_MAC, mock_chip
from .test_image import EXAMPLE, real_base

NVS = slice(0x9000, 0xF000)
OLD = b"\x5a"  # what is in the flash before


@pytest.fixture(scope="module", autouse=True)
def little_program():
    """A program of two files: what is in an image does not matter here, its size costs time."""
    with pytest.MonkeyPatch.context() as patch:
        slot = app_files.slot_files({"drivers/x.py": b""})
        patch.setattr(app_cache, "app_of", lambda unit: {app_files.BOOT: b"#"} | slot)
        yield


@pytest.fixture(scope="module")
def virtual(little_program):
    return image.build(node_config.load(EXAMPLE))


@pytest.fixture
def chip(monkeypatch):
    with mock_chip(monkeypatch) as behind:
        behind.flash.data[:] = OLD * len(behind.flash.data)
        yield behind


@pytest.fixture
def enable_pin(monkeypatch):
    """Counts the resets by the RTS line, since the boot loader was reached."""

    class Pin:
        resets = 0

    def set_rts(line):
        Pin.resets += line._rts_state

    def reached(*arguments, **options):
        loader = detect(*arguments, **options)
        Pin.resets = 0
        return loader

    detect = cmds.detect_chip
    monkeypatch.setattr(cmds, "detect_chip", reached)
    monkeypatch.setattr(protocol_socket.Serial, "_update_rts_state", set_rts)
    return Pin


def at(port, content, **options):
    with Visit(port) as visit:
        return flasher.flash(visit, content, image_info.inspect(content, "gh.img"), **options)


def flash(chip, content, **options):
    return at(chip.url, content, **options)


def test_the_image_arrives_and_nvs_stays(chip, virtual):
    steps = []
    done = flash(chip, virtual, progress=lambda now, total: steps.append((now, total)))
    assert done.mac == VIRTUAL_MAC and done.board == "greenhouse_esp32" and done.node == "gh-01"
    assert bytes(chip.flash.data[NVS]) == OLD * 0x6000
    assert bytes(chip.flash.data[0x1000:0x9000]) == virtual[0x1000:0x9000]
    assert bytes(chip.flash.data[0x10000:0x11000]) == virtual[0x10000:0x11000]
    for offset, data in flasher.plan(virtual, image_info.inspect(virtual, "gh.img"), None):
        assert bytes(chip.flash.data[offset : offset + len(data)]) == data
    disk = bytes(chip.flash.data[0x200000:])  # the blocks that nobody uses hold what they held
    assert file_system.unpack(disk, ("boot.py",), "flash") == {"boot.py": b"#"}
    assert not done.bytes_same and not chip.flash.erased
    assert steps == sorted(steps) and steps[-1] == (done.bytes_written, done.bytes_written)


def test_secrets_replace_nvs(chip, virtual):
    secrets = nvs_image.build(nvs_image.Identity("a", b"\0\1", 1, bytes(16)), 0x6000)
    assert flash(chip, virtual, secrets=secrets).secrets
    assert bytes(chip.flash.data[NVS]) == secrets
    with pytest.raises(FieldbeatError, match="the secrets have 10 bytes, the nvs partition 24576"):
        flash(chip, virtual, secrets=bytes(10))


def test_a_unit_that_the_registry_does_not_know_is_not_made_another(chip, virtual):
    kept = nvs_image.build(nvs_image.Identity("gh-7", b"\0\1", 1, bytes(16)), 0x6000)
    chip.flash.data[NVS] = kept
    with pytest.raises(WrongTarget, match=f"this board is gh-7 .MAC {VIRTUAL_MAC}., the image is"):
        flash(chip, virtual)
    assert chip.flash.untouched
    assert flash(chip, virtual, repurpose=True).node == "gh-01"
    assert bytes(chip.flash.data[NVS]) == kept
    own = nvs_image.build(nvs_image.Identity("gh-01", b"\0\1", 1, bytes(16)), 0x6000)
    chip.flash.data[NVS] = own
    assert not flash(chip, virtual).nvs_blank


@pytest.mark.parametrize(
    ("hardware", "message"),
    [
        (
            {"mac": REAL_MAC},
            "the image is for virtual boards, but 24:0a:c4:00:00:01 is a real chip",
        ),
        ({"chip": "esp32s3"}, "the image is for esp32, the chip at the port is esp32s3"),
        ({"chip": "esp32c3"}, "the image is for esp32, the chip at the port is esp32c3"),
        ({"flash_mb": 2}, "greenhouse_esp32 has 4MB of flash, the chip at the port 2MB"),
        ({"flash_mb": 8}, "greenhouse_esp32 has 4MB of flash, the chip at the port 8MB"),
    ],
)
def test_the_wrong_hardware_is_refused_before_the_first_erase(
    monkeypatch, virtual, hardware, message, enable_pin
):
    with mock_chip(monkeypatch, **hardware) as chip:
        with pytest.raises(WrongTarget, match=message):
            flash(chip, virtual)
        assert chip.flash.untouched
    assert enable_pin.resets == 1  # it runs on


def test_a_real_image_is_refused_by_a_virtual_board(chip):
    content = image.build(node_config.load(EXAMPLE), real_base())
    with pytest.raises(WrongTarget, match="for real chips, but 02:fb:00:00:00:01 is a virtual"):
        flash(chip, content)
    assert chip.flash.untouched


def test_a_real_image_goes_into_a_real_chip(monkeypatch):
    content = image.build(node_config.load(EXAMPLE), real_base())
    with mock_chip(monkeypatch, mac=REAL_MAC) as chip:
        assert flash(chip, content).mac == REAL_MAC


def test_the_mock_as_its_author_ships_it_is_a_real_chip(virtual):
    from esp32_mock_bootloader import mock_bootloader

    refused = pytest.raises(WrongTarget, match="is a real chip")
    with mock_bootloader(chip="esp32") as chip, refused:
        at(chip.url(), virtual)


def test_another_board_is_refused(chip, virtual):
    with pytest.raises(WrongTarget, match="for greenhouse_esp32, but --board says river"):
        flash(chip, virtual, board="river")
    with pytest.raises(WrongTarget, match=f"but the registry for {VIRTUAL_MAC} says river"):
        flash(chip, virtual, unit_of_mac={VIRTUAL_MAC: Known(board="river")}.get)
    assert chip.flash.untouched
    same = "greenhouse_esp32"  # what the user says goes before what the registry remembers
    assert flash(chip, virtual, board=same, unit_of_mac={VIRTUAL_MAC: Known(board="river")}.get)


def test_another_unit_is_refused(chip, virtual):
    gh_7 = {VIRTUAL_MAC: Known("gh-07", "greenhouse_esp32")}.get
    said = f"this board is gh-07 .MAC {VIRTUAL_MAC}., the image is for gh-01; .*'--unit gh-07'"
    with pytest.raises(WrongTarget, match=said):
        flash(chip, virtual, unit_of_mac=gh_7)
    assert chip.flash.untouched
    assert flash(chip, virtual, unit_of_mac=gh_7, repurpose=True).unit == "gh-07"


def test_a_veto_after_the_checks_writes_nothing(chip, virtual, enable_pin):
    def veto(mac: str) -> None:
        raise CannotTry("no", "never")

    with pytest.raises(CannotTry, match="no; next: never"):
        flash(chip, virtual, before_write=veto)
    assert chip.flash.untouched and enable_pin.resets == 1


def test_a_unit_that_was_flashed_is_reset_once(chip, virtual, enable_pin):
    flash(chip, virtual)
    assert enable_pin.resets == 1


def test_a_chip_that_does_not_tell_its_mac(chip, virtual, enable_pin, monkeypatch):
    def garbled(loader):
        raise esptool.FatalError("Invalid head of packet (0x45)")

    monkeypatch.setattr(esptool.targets.ESP32ROM, "read_mac", garbled)
    with pytest.raises(CannotTry, match="Invalid head of packet.*nothing was written"):
        flash(chip, virtual)
    assert chip.flash.untouched and enable_pin.resets == 1


@pytest.mark.parametrize("address", [0x1000, 0x9000 - 1, 0x10000, 0x200000])
def test_what_does_not_verify_is_an_error(chip, virtual, address):
    """The second address lies in a sector that was right before another one was written."""
    chip.flash.data[0x8000:0x9000] = virtual[0x8000:0x9000]
    chip.flash.corrupt = address
    with pytest.raises(FlashError):
        flash(chip, virtual)


def test_a_lost_connection_says_that_the_unit_is_incomplete(chip, virtual):
    def pull_the_plug(now: int, total: int) -> None:
        chip.hang_up.set()

    with pytest.raises(FlashError, match="the unit is incomplete now; next: flash it again"):
        flash(chip, virtual, progress=pull_the_plug)


def test_what_the_flash_must_hold():
    content = bytearray(b"\xff" * 0x400000)
    for offset in (0x1000, 0x3000, 0x30000, 0x60000):
        content[offset] = 0
    content[0x200000:] = file_system.pack({"a/b": b"x" * 5000, "c": b"y"}, 0x200000)
    table = node_config.load(EXAMPLE).board.partition_table()
    info = image_info.ImageInfo("b", "esp32", 0x400000, True, "n", "v", "i", "m", table)
    *firmware, (root, pair), (rest, data) = flasher.plan(bytes(content), info, None)
    assert [(offset, len(data)) for offset, data in firmware] == [
        (0x1000, 0x3000),  # what is blank between is part of it
        (0x30000, 0x31000),
    ]
    assert root == 0x200000 and len(pair) == 0x2000  # the superblock's pair
    assert rest > root and b"x" * 3000 in data


# Ports


def test_an_absent_port():
    with pytest.raises(serial_port.PortError, match="there is no port /dev/ttyNONE"):
        serial_port.open_port("/dev/ttyNONE")


def test_nobody_at_a_socket():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(serial_port.PortError, match="nobody answers at socket://"):
        serial_port.open_port(f"socket://127.0.0.1:{port}")


def test_a_busy_port():
    master, slave = pty.openpty()
    try:
        name = os.ttyname(slave)
        with serial_port.open_port(name), pytest.raises(serial_port.PortError, match="is busy"):
            serial_port.open_port(name)
    finally:
        os.close(master)
        os.close(slave)


def test_a_forbidden_port():
    """As root everything may be opened, so the operating system's error is made here."""
    error = serial_port.explain("/dev/null", PermissionError(13, "Permission denied"))
    assert error.message == "you may not use /dev/null" and "dialout" in error.next_step


def test_what_is_no_port(tmp_path):
    path = tmp_path / "file"
    path.touch()
    assert stat.S_ISREG(path.stat().st_mode)
    with pytest.raises(serial_port.PortError, match="cannot be opened"):
        serial_port.open_port(str(path))


def test_a_silent_port(monkeypatch, virtual):
    monkeypatch.setattr(rom_loader, "CONNECT_ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []
        thread = threading.Thread(target=lambda: accepted.append(server.accept()[0]))
        thread.start()
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(CannotTry, match="no boot loader answers at socket://") as caught:
            at(url, virtual)
        thread.join()
        accepted[0].close()
    assert "hold BOOT" in caught.value.next_step


# The verb


@pytest.fixture
def desk(tmp_path):
    """An image and a secrets image as `build` makes them, with their registry."""
    paths = {name: str(tmp_path / name) for name in ("gh.img", "gh.nvs", "registry.sqlite")}
    build = ["build", str(EXAMPLE), "-o", paths["gh.img"], "--virtual", "--json"]
    options = ["--secrets-out", paths["gh.nvs"], "--registry", paths["registry.sqlite"]]
    assert cli.main([*build, *options]) == 0
    return paths


def run(desk, chip, *options: str) -> int:
    registry = ["--registry", desk["registry.sqlite"]]
    return cli.main(["flash", "--port", chip.url, desk["gh.img"], *registry, *options])


def test_flash_says_which_unit_it_was(desk, chip, capsys):
    capsys.readouterr()
    assert run(desk, chip, "--json") == 0
    assert json.loads(capsys.readouterr().out)["mac"] == VIRTUAL_MAC
    assert run(desk, chip) == 0
    shown = capsys.readouterr()
    assert f"{VIRTUAL_MAC}: greenhouse_esp32 now runs gh-01" in shown.out
    assert "it is no unit of this registry; what is in its nvs was kept" in shown.out
    assert shown.err == "" and all(len(line) <= 80 for line in shown.out.splitlines())
    Registry(Path(desk["registry.sqlite"])).describe("gh-01", "x", mac=VIRTUAL_MAC)
    assert run(desk, chip) == 0
    told = capsys.readouterr().out
    assert "\n0 bytes written" in told and "not sent yet are gone" not in told
    chip.flash.data[0x200000] ^= 1  # as if it had kept records since
    assert run(desk, chip) == 0
    told = capsys.readouterr().out
    assert "it was gh-01; key and counters kept" in told and "not sent yet are gone" in told
    chip.flash.data[NVS] = b"\xff" * 0x6000
    assert run(desk, chip) == 0
    assert "it was gh-01, but holds no key now; next: fieldbeat prov" in capsys.readouterr().out


def test_a_bare_board_is_told_from_one_that_has_a_key(desk, chip, capsys):
    chip.flash.data[:] = b"\xff" * len(chip.flash.data)
    capsys.readouterr()
    assert run(desk, chip) == 0
    step = f"it has no key yet; next: fieldbeat provision --port {chip.url} CONFIG"
    assert capsys.readouterr().out.splitlines()[-1] == step


def test_a_spare_with_the_image_of_a_unit_that_is_another_board_is_to_be_swapped(
    desk, chip, capsys
):
    other = "02:00:00:00:00:77"
    Registry(Path(desk["registry.sqlite"])).describe("gh-01", "x", mac=other)
    chip.flash.data[:] = b"\xff" * len(chip.flash.data)
    capsys.readouterr()
    assert run(desk, chip) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"gh-01 is the board with MAC {other}; next, to put this one in its place" in told
    assert f"fieldbeat swap gh-01 {VIRTUAL_MAC} --port {chip.url}" in told
    assert "fieldbeat provision" not in told


def test_a_board_that_does_not_exist(desk, chip, capsys):
    capsys.readouterr()
    assert run(desk, chip, "--board", "nosuch") == 2
    assert (
        "there is no board 'nosuch', allowed: greenhouse_climate_esp32, "
        in capsys.readouterr().err
    )


def test_an_interrupted_flash_says_what_the_unit_is(desk, chip, capsys, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Writing, "_write", interrupt)
    assert run(desk, chip) == 130
    assert "the unit is incomplete now; next: flash it again" in capsys.readouterr().err


def test_a_key_is_written_once(desk, chip, capsys):
    assert run(desk, chip, "--secrets", desk["gh.nvs"]) == 0
    registry = Registry(Path(desk["registry.sqlite"]))
    unit = registry.unit("gh-01")
    assert unit is not None and (unit.mac, unit.state) == (VIRTUAL_MAC, PROVISIONED)
    chip.flash.written.clear()
    chip.flash.erased.clear()
    capsys.readouterr()
    assert run(desk, chip, "--secrets", desk["gh.nvs"]) == 2
    assert "was already given to a unit" in capsys.readouterr().err
    assert chip.flash.untouched


def test_a_key_that_the_registry_does_not_know(desk, chip, capsys, tmp_path):
    stranger = tmp_path / "other.nvs"
    identity = nvs_image.Identity("gh-01", b"\x00\x01", 1, bytes(16))
    stranger.write_bytes(nvs_image.build(identity, 0x6000))
    assert run(desk, chip, "--secrets", str(stranger)) == 2
    assert "the registry does not know the key" in capsys.readouterr().err
    assert chip.flash.untouched


def test_a_key_goes_with_the_image_of_its_unit_alone(desk, chip, capsys, tmp_path):
    other = str(tmp_path / "gh-2.img")
    assert cli.main(["build", str(EXAMPLE), "-o", other, "--virtual", "--unit", "gh-2"]) == 0
    assert run(desk | {"gh.img": other}, chip, "--secrets", desk["gh.nvs"]) == 2
    assert "the image is for gh-2, the key in" in capsys.readouterr().err
    assert chip.flash.untouched
    assert run(desk, chip, "--secrets", desk["gh.nvs"]) == 0  # the key was not used up


def test_a_key_goes_to_no_second_board_of_its_unit(desk, chip, capsys):
    registry = Registry(Path(desk["registry.sqlite"]))
    unit = registry.describe("gh-01", "x", mac="02:00:00:00:00:77", state=PROVISIONED)
    assert run(desk, chip, "--secrets", desk["gh.nvs"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"gh-01 is the board with MAC 02:00:00:00:00:77, this one has {VIRTUAL_MAC}" in told
    assert (
        f"without --secrets, then put it in its place: fieldbeat swap gh-01 {VIRTUAL_MAC}" in told
    )
    assert chip.flash.untouched and registry.unit("gh-01") == unit
    assert not registry.was_sent(unit.kid, unit.epoch)


@pytest.mark.parametrize("code", [b"", bytes(42)])
def test_a_key_goes_to_no_unit_that_would_stay_open(desk, chip, capsys, tmp_path, code):
    secrets = Path(desk["gh.nvs"])
    identity = nvs_image.read_identity(secrets.read_bytes(), "s")
    image = nvs_image.build(dataclasses.replace(identity, code=code), 0x6000)
    secrets.write_bytes(image)
    assert run(desk, chip, "--secrets", str(secrets)) == 2
    assert "does not lock the unit by the code that the registry has" in capsys.readouterr().err
    assert chip.flash.untouched


def test_the_registry_knows_the_board_of_a_unit(desk, chip, capsys):
    assert run(desk, chip, "--secrets", desk["gh.nvs"]) == 0
    Registry(Path(desk["registry.sqlite"])).describe("gh-01", "changed", board="river_cam")
    assert run(desk, chip) == 2
    assert f"the registry for {VIRTUAL_MAC} says river_cam" in capsys.readouterr().err
    assert run(desk, chip, "--board", "greenhouse_esp32") == 0


def test_an_image_that_is_not_there(capsys):
    assert cli.main(["flash", "--port", "x", "/nowhere.img"]) == 2
    assert "next: make it with 'fieldbeat build'" in capsys.readouterr().err
