"""A place of a shared lab: labgrid's own coordinator and exporter on loopback, a virtual board.

labgrid brings a pyserial of its own, so it has an environment of its own: `make lab` installs it
in build/labgrid. Without that, and without labgrid on the PATH, these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import bench_file
from .blocked import Blocked
from .rfc2217_port import Rfc2217Port
from .rig import Rig
from .virtual.site import Site

OWN = Path(__file__).parent.parent / "build" / "labgrid" / "bin"
SEARCHED = os.pathsep.join([str(OWN), os.environ.get("PATH", "")])
PROGRAMS = ("labgrid-client", "labgrid-coordinator", "labgrid-exporter")
PLACE = "greenhouse-2"
READY_S = 20
EXPORT = """
{place}:
  NetworkSerialPort:
    host: 127.0.0.1
    port: {port}
    speed: 115200
    protocol: rfc2217
"""
BENCH = """
[board.gh-01]
manifest = "greenhouse_esp32"
port = "labgrid:{place}"
id = "mac:{mac}"
"""

pytestmark = [
    pytest.mark.xdist_group("labgrid"),
    pytest.mark.skipif(
        not all(shutil.which(name, path=SEARCHED) for name in PROGRAMS),
        reason="labgrid is not there: make lab installs it",
    ),
]


class Lab:
    """A coordinator and an exporter in one folder."""

    def __init__(self, folder: Path, serial_port: int) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        self.environment = os.environ | {"PATH": SEARCHED, "LG_COORDINATOR": self.address}
        (folder / "exporter.yaml").write_text(EXPORT.format(place=PLACE, port=serial_port))
        self.running = [
            self.start("labgrid-coordinator", "-l", self.address),
            self.start("labgrid-exporter", "-n", "desk", "exporter.yaml"),
        ]
        self.wait_for("resources", f"desk/{PLACE}/NetworkSerialPort")
        self.client("-p", PLACE, "create")
        self.client("-p", PLACE, "add-match", f"*/{PLACE}/*")
        self.wait_for("places", PLACE)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{command[0]}.log").open("wb") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )

    def client(self, *arguments: str) -> str:
        done = subprocess.run(
            ["labgrid-client", *arguments],
            env=self.environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout + done.stderr

    def wait_for(self, verb: str, text: str) -> None:
        end_s = time.monotonic() + READY_S
        while text not in self.client(verb):
            assert time.monotonic() < end_s, [
                path.read_text()[-500:] for path in self.folder.glob("*.log")
            ]

    def close(self) -> None:
        for process in reversed(self.running):
            process.terminate()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with Site(seed=1, workdir=tmp_path_factory.mktemp("site")) as site:
        station = site.add_station()
        port = Rfc2217Port(station)
        site.start_real()
        site.tcp_port = port.tcp_port
        site.mac = station.mac.hex(":")
        yield site
        site.stop_real()
        port.close()


@pytest.fixture(scope="module")
def lab(site, tmp_path_factory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"), site.tcp_port)
    yield lab
    lab.close()


@pytest.fixture
def bench(lab, site, monkeypatch) -> bench_file.BenchFile:
    """A bench file whose port is the place."""
    monkeypatch.setenv("PATH", SEARCHED)
    monkeypatch.setenv("LG_COORDINATOR", lab.address)
    return bench_file.parse(BENCH.format(place=PLACE, mac=site.mac), "lab.toml")


def test_a_place_is_acquired_answers_and_is_released(bench, lab, site, tmp_path):
    with Rig.of(bench, tmp_path) as rig:
        assert "acquired: None" not in lab.client("-p", PLACE, "show")
        board = rig.boards["gh-01"]
        assert board.port == f"rfc2217://127.0.0.1:{site.tcp_port}"
        board.console.write(b"\r")
        said = b""
        assert rig.run_until(lambda: b"fieldbeat> " in board.console.read(0.1), 20), said
        assert board.check_identity().mac == site.mac
        board.lines.reset()
        assert rig.run_until(lambda: b"rst:" in board.console.read(0.1), 20)
    assert "acquired: None" in lab.client("-p", PLACE, "show")


def test_a_place_that_somebody_has_blocks(bench, lab, tmp_path):
    lab.environment = lab.environment | {"LG_USERNAME": "someone"}
    lab.client("-p", PLACE, "acquire")
    try:
        with pytest.raises(Blocked) as caught:
            Rig.of(bench, tmp_path)
        assert "acquire" in caught.value.reason
        assert "labgrid-client who" in caught.value.next_step
    finally:
        lab.client("-p", PLACE, "release")


def test_a_coordinator_that_is_not_there_blocks(bench, monkeypatch, tmp_path):
    monkeypatch.setenv("LG_COORDINATOR", f"127.0.0.1:{free_port()}")
    with pytest.raises(Blocked, match="labgrid-client"):
        Rig.of(bench, tmp_path)
