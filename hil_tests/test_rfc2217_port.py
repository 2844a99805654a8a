"""A virtual board on a TCP port: its two lines, esptool's own sequence, clients of every kind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fieldbeat.hil_tests.bare_desk import BareDesk
from fieldbeat.hil_tests.endings import hear_signals
from fieldbeat.hil_tests.small_image import MANIFEST, image
from fieldbeat.hil_tests.virtual.auto_reset import STRAP_US, AutoReset
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.rfc2217_port import Rfc2217Port
from fieldbeat.hil_tests.virtual.world import World
from fieldbeat.host_tools import serial_port

BIN = Path(sys.executable).parent
MAIN = "import time\nprint('main runs')\nwhile True:\n    time.sleep(1)\n"


class Desk(BareDesk):
    def __init__(self, workdir):
        world = World(seed=1)
        super().__init__(world, VirtualBoard(world, MANIFEST, workdir, bytes([2, 0, 0, 0, 0, 1])))
        self.board.flash.load(0, image({"main.py": MAIN}))
        self.board.power_on()


@pytest.fixture
def served(desk):
    port = Rfc2217Port(desk.board)
    desk.world.start_real()
    assert desk.world.run_real(20, lambda: b"main runs" in desk.board.output)
    yield port
    port.close()


def tool(*words):
    done = subprocess.run([BIN / words[0], *words[1:]], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


# The circuit, in virtual time; D and R on, d and r off, a number is milliseconds

SEQUENCES = {
    "a terminal opens the port": ("D 50 R", "running", 0),
    "and closes it": ("D 50 R 500 dr", "running", 0),
    "esptool, local": ("dr DR dR 100 Dr 50 dr", "download", 1),
    "esptool over a network": ("D 50 R 50 d 50 R 50 d 100 D 50 r 50 D 50 d", "download", 1),
    "over a slow network": ("D 200 R 200 d 200 R 200 D 700 r 200 d", "download", 1),
    "a hard reset": ("dr R 100 r", "running", 1),
    "a hard reset after opening": ("DR 50 d 50 R 100 r", "running", 1),
    "a client that dies in the reset": ("dR 100 dr", "running", 1),
    "both lines on, and nothing more": ("dR 100 D 2000", "running", 1),
    "usb-jtag's sequence": ("r d 100 D r 100 R d R 100 d r", "running", 1),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_what_the_lines_do(desk, name):
    steps, state, resets = SEQUENCES[name]
    desk.world.run_for(2)
    circuit = AutoReset(desk.board)
    for step in steps.split():
        if step.isdecimal():
            desk.world.run_for(int(step) / 1000)
            continue
        levels = {letter.lower(): letter.isupper() for letter in step}
        circuit.set(levels.get("d"), levels.get("r"))
    desk.world.run_for(STRAP_US / 1e6 + 1)
    assert desk.board.state == state
    assert desk.board.resets[1:].count(1) + (state == "download") == resets


def test_a_board_is_held_while_en_is_low(desk):
    desk.world.run_for(2)
    circuit = AutoReset(desk.board)
    circuit.set(False, True)
    before = desk.board.output
    desk.world.run_for(60)
    assert desk.board.state == "boot" and desk.board.output == before
    desk.board.power_off()
    circuit.set(False, False)
    desk.world.run_for(2)
    assert desk.board.state == "off"


# Clients


@pytest.mark.long
def test_esptool_as_it_is_finds_the_loader_by_its_own_sequence(desk, served):
    code, said = tool("esptool", "--port", served.url, "--no-stub", "read-mac")
    assert code == 0 and "02:00:00:00:00:01" in said, said
    assert desk.board.output.count(b"waiting for download") == 1
    assert desk.world.run_real(20, lambda: desk.board.output.count(b"main runs") == 2)


def test_a_sync_alone_reaches_no_loader(desk, served):
    """On a PTY it does, for want of lines; here the program gets those bytes."""
    with serial_port.open_port(served.url) as line:
        line.write(b"\xc0" + b"\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20" + b"\x55" * 32)
        desk.world.run_real(0.2)
    assert desk.board.state == "running" and desk.board.resets == [1]


def test_mpremote_does_not_land_in_the_loader(desk, served):
    assert tool("mpremote", "connect", served.url, "exec", "print(6 * 7)") == (0, "42\n")
    assert 1 not in desk.board.resets[1:] and b"waiting for download" not in desk.board.output


@pytest.mark.long
def test_one_client_at_a_time(desk, served):
    busy = pytest.raises(serial_port.PortError, match="is busy.*next: end the other client")
    with serial_port.open_port(served.url), busy:
        serial_port.open_port(served.url)
    assert served.refused == 1
    assert desk.world.run_real(5, lambda: served._client is None)
    serial_port.open_port(served.url).close()


def test_a_client_that_reads_nothing_does_not_stop_the_board(desk, served):
    with socket.create_connection((served.host, served.tcp_port)) as client:
        client.settimeout(5)
        client.recv(1)
        for _ in range(64):
            with desk.world.lock:
                desk.board.console.binary(b"x" * 65536)
        assert len(served._client._unsent) <= (1 << 20) + 65536
        assert desk.board.state == "running"


def test_noise_instead_of_telnet(desk, served):
    with socket.create_connection((served.host, served.tcp_port)) as client:
        client.sendall(bytes(range(256)) * 20 + b"\xff\xfa\x2c" + b"\x05" * 3 + b"\xff\xf0")
        desk.world.run_real(0.3)
    assert desk.world.is_real
    serial_port.open_port(served.url).close()


@pytest.mark.long
def test_the_command_serves_boards_until_it_is_ended():
    command = [BIN / "fieldbeat", "bench", "up", "--rfc2217", "0", "--json"]
    boards = ["greenhouse_esp32", "greenhouse_esp32"]
    options = {"stdout": subprocess.PIPE, "text": True, "preexec_fn": hear_signals}
    with subprocess.Popen([*command, *boards], **options) as bench:
        try:
            text = ""
            while not text.endswith("]\n"):
                text += bench.stdout.readline()
            rows = json.loads(text)
            assert len({row["url"] for row in rows}) == 2
            for row in rows:
                serial_port.open_port(row["url"]).close()
            bench.send_signal(signal.SIGINT)
            assert bench.wait(60) == 0
        finally:
            bench.kill()


def test_the_command_says_what_a_port_is():
    code, said = tool("fieldbeat", "bench", "up", "--rfc2217", "x:y", "greenhouse_esp32")
    assert code == 2 and "no PORT or HOST:PORT" in said
