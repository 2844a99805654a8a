"""`--bench qemu:PATH`, against a stand-in with the command line, PTY and QMP of the real program.

Espressif's QEMU itself is not among the things that this test has; see docs/run-on-hardware.md.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from espefuse.efuse.esp32.fields import EfuseMacField
from fieldbeat.host_tools import esp_image, image, standin

from .benches import qemu_board
from .benches.blocked import Blocked
from .benches.rig import Rig
from .virtual.site import config


def base() -> bytes:
    """What the bench takes for an official build: the stand-in under another project's name."""
    virtual = standin.base("esp32", "1.25.0")
    description = esp_image.AppDescription("micropython", "1.25.0", "none").to_bytes()
    mark = esp_image.AppDescription(standin.PROJECT, "1.25.0", "none").to_bytes()
    assert virtual.count(mark) == 1
    return virtual.replace(mark, description)


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    """The stand-in as a program."""
    path = tmp_path_factory.mktemp("bin") / "qemu-system-xtensa"
    path.write_text(
        f'#!/bin/sh\nexec {sys.executable} -m fieldbeat.hil_tests.qemu_stand_in "$@"\n'
    )
    path.chmod(0o755)
    return path


@pytest.fixture
def rig(program, tmp_path) -> Iterator[Rig]:
    with qemu_board.open_rig(f"qemu:{program}", tmp_path) as rig:
        yield rig


def wait_for(board, text: bytes, seconds: float = 20) -> bytes:
    """Read the console until it says something."""
    said = b""
    for _ in range(round(seconds / 0.2)):
        said += board.console.read(0.2)
        if text in said:
            return said
    raise AssertionError(said)


def test_an_image_is_flashed_boots_and_answers(rig):
    board = rig.boards["gh-01"]
    assert rig.features == {"emulated", "lines", "power"}
    board.flasher.flash(image.build(config(), base()))
    wait_for(board, b"fieldbeat> ")
    found = board.check_identity()
    assert found.mac == qemu_board.MAC
    assert found.build_id == board.flasher.build_id
    board.lines.reset()
    wait_for(board, b"fieldbeat> ")


@pytest.mark.long
def test_power_and_the_serial_loader(rig):
    board = rig.boards["gh-01"]
    board.flasher.flash(image.build(config(), base()))
    wait_for(board, b"fieldbeat> ")
    board.power.off()
    assert not board.power.is_on()
    while board.console.read(0.5):
        pass  # what it said before
    board.console.write(b"nobody hears it")
    assert board.console.read(0.2) == b""
    board.power.on()
    wait_for(board, b"fieldbeat> ")
    board.lines.bootloader()
    assert rig_identity(rig) == qemu_board.MAC
    board.lines.reset()
    wait_for(board, b"fieldbeat> ")
    board.flasher.erase()
    wait_for(board, b"invalid header")


def rig_identity(rig: Rig) -> str:
    """Ask the serial loader with the real esptool, on the port that the rig names."""
    board = rig.boards["gh-01"]
    with board.console.line.released():
        done = subprocess.run(
            [sys.executable, "-m", "esptool", "--port", board.port, "--before", "no-reset",
             "--after", "no-reset", "read-mac"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return next(line.split()[-1] for line in done.stdout.splitlines() if line.startswith("MAC:"))


def test_a_virtual_image_is_refused(rig):
    with pytest.raises(Blocked, match="for virtual boards, but QEMU emulates a real chip"):
        rig.boards["gh-01"].flasher.flash(image.build(config()))


def test_a_missing_program_is_one_line_that_says_where_to_get_it(tmp_path):
    with pytest.raises(Blocked) as caught:
        qemu_board.open_rig("qemu:/nowhere/qemu-system-xtensa", tmp_path)
    assert caught.value.reason == "/nowhere/qemu-system-xtensa is not there"
    assert "https://github.com/espressif/qemu/releases" in caught.value.next_step


def test_a_program_that_is_another_qemu_is_told(tmp_path):
    other = tmp_path / "qemu-system-xtensa"
    other.write_text("#!/bin/sh\necho 'unsupported machine type: esp32' >&2\nexit 1\n")
    other.chmod(0o755)
    with pytest.raises(Blocked, match="did not start, it said: unsupported machine type: esp32"):
        qemu_board.open_rig(f"qemu:{other}", tmp_path)


def test_fuses_hold_the_mac_and_its_check():
    mac = bytes.fromhex("94b97e5a6e58")
    block = qemu_board.fuses(mac.hex(":"))
    assert block[4:10] == mac[::-1]
    assert block[10] == EfuseMacField.calc_crc(mac)
