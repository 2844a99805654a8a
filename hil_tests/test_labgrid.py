"""A place of a labgrid lab: with labgrid's own coordinator, exporter and client where they are
installed (pipx install labgrid), and with a program that behaves like the client."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from fieldbeat.hil_tests.benches import bench_file
from fieldbeat.hil_tests.benches.blocked import Blocked
from fieldbeat.hil_tests.benches.rig import Rig
from fieldbeat.hil_tests.instruments.labgrid_place import LabgridPlace
from fieldbeat.hil_tests.virtual.rfc2217_port import Rfc2217Port
from fieldbeat.hil_tests.virtual.site import Site, config
from fieldbeat.host_tools import image

LAB = Path(__file__).resolve().parents[1] / "build/labgrid/bin"  # make lab
PROGRAMS = ("labgrid-coordinator", "labgrid-exporter", "labgrid-client")
EXPORTS = """
greenhouse-bench:
  NetworkSerialPort:
    host: {port.host}
    port: {port.tcp_port}
    protocol: rfc2217
    speed: 115200
"""
BENCH = '[board.gh-01]\nmanifest = "greenhouse_esp32"\nport = "labgrid:greenhouse-1"\nid = "{}"\n'

# Answers as labgrid-client 26.0 does; the folder holds who has the place.
CLIENT = """#!/bin/sh
D='{folder}'
[ "$1 $2" = "-p greenhouse-1" ] || {{ echo "place pattern $2 matches nothing" >&2; exit 1; }}
case $3 in
acquire) [ ! -e "$D/acquired" ] || {{ echo "Error: You have already acquired it." >&2; exit 1; }}
    touch "$D/acquired"; echo "acquired place greenhouse-1";;
release) rm "$D/acquired" || exit 1; echo "released place greenhouse-1";;
env) cat "$D/env";;
esac
"""
ENVIRONMENT = """targets:
  greenhouse-1:
    resources:
    - NetworkSerialPort:
        host: {host}
        protocol: {protocol}
        speed: 115200
        port: {port}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A place by the stand-in client; `tmp_path` has its state."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "labgrid-client"
    script.write_text(CLIENT.format(folder=tmp_path))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return LabgridPlace("greenhouse-1")


@pytest.mark.parametrize(
    ("protocol", "url"), [("rfc2217", "rfc2217://lab:4001"), ("raw", "socket://lab:4001")]
)
def test_a_place_is_acquired_and_given_back(place, tmp_path, protocol, url):
    environment = ENVIRONMENT.format(host="lab", port=4001, protocol=protocol)
    (tmp_path / "env").write_text(environment)
    assert place.acquire() == url
    assert (tmp_path / "acquired").exists()
    place.release()
    place.release()
    assert not (tmp_path / "acquired").exists()


def test_a_place_that_somebody_has(place, tmp_path):
    (tmp_path / "acquired").touch()
    with pytest.raises(Blocked, match="already acquired it.*next: 'labgrid-client who' says"):
        place.acquire()
    place.release()
    assert (tmp_path / "acquired").exists()  # it was not ours to give back


@pytest.mark.parametrize("count", [0, 2])
def test_a_place_without_one_serial_port_is_given_back(place, tmp_path, count):
    head, _, port = ENVIRONMENT.partition("    - ")
    one = "    - " + port.format(host="lab", port=1, protocol="rfc2217")
    (tmp_path / "env").write_text(head + count * one)
    bench = bench_file.parse(BENCH.format("mac:02:00:00:00:00:01"), "lab.toml")
    with pytest.raises(Blocked, match=f"has {count} serial ports, not one; next: see"):
        Rig.of(bench, tmp_path)
    assert not (tmp_path / "acquired").exists()


def test_without_the_client(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Blocked, match="labgrid-client is not installed; next: .*pipx install"):
        LabgridPlace("greenhouse-1").acquire()


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A coordinator and an exporter on loopback, with a virtual board exported over RFC 2217."""
    monkeypatch.setenv("PATH", f"{LAB}{os.pathsep}{os.environ['PATH']}")
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        pytest.skip(f"needs feature labgrid: {', '.join(missing)} (make lab)")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("LG_COORDINATOR", address)
    with ExitStack() as stack:
        site = stack.enter_context(Site(1, tmp_path / "far"))
        board = site.add_board("greenhouse_esp32", "gh-01", image=image.build(config()))
        site.start_real()
        port = Rfc2217Port(board)
        stack.callback(port.close)
        exports = tmp_path / "exports.yaml"
        exports.write_text(EXPORTS.format(port=port))

        def start(*command):
            log = stack.enter_context((tmp_path / f"{command[0]}.log").open("wb"))
            process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)

        start("labgrid-coordinator", "-l", address)
        _client_until("-p", "greenhouse-1", "create")
        _client_until("-p", "greenhouse-1", "add-match", "*/greenhouse-bench/*")
        # It ends at once if there is no coordinator yet.
        start("labgrid-exporter", "-c", address, "--name", "bench", str(exports))
        _client_until("-p", "greenhouse-1", "show", says="Matching resource")
        yield board


def _client_until(*words, says="", tries=40):
    """Repeats until the coordinator is up, or the exporter has told it what there is."""
    for _ in range(tries):
        done = subprocess.run(["labgrid-client", *words], capture_output=True, text=True)
        if done.returncode == 0 and says in done.stdout:
            return
        time.sleep(0.25)
    raise AssertionError(done.stdout + done.stderr)


@pytest.mark.long
def test_a_board_of_a_lab_is_flashed_and_answers(lab, tmp_path):
    bench = bench_file.parse(BENCH.format(f"mac:{lab.mac.hex(':')}"), "lab.toml")
    with Rig.of(bench, tmp_path / "rig") as rig:
        with pytest.raises(Blocked, match="already acquired.*next: 'labgrid-client who'"):
            LabgridPlace("greenhouse-1").acquire()
        board = rig.boards["gh-01"]
        board.flasher.flash(image.build(config()))
        assert board.check_identity().build_id
        board.lines.reset()
    again = LabgridPlace("greenhouse-1")
    assert again.acquire().startswith("rfc2217://127.0.0.1:")
    again.release()
