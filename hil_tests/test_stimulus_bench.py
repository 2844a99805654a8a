"""A bench with a stimulus fixture: one contract for both kinds, and the same tests over both."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fieldbeat.hil_tests.benches import bench_check, bench_file, identity
from fieldbeat.hil_tests.benches.blocked import Blocked
from fieldbeat.hil_tests.benches.rig import Rig
from fieldbeat.hil_tests.stimulus import remote
from fieldbeat.hil_tests.stimulus.wired import add_fixture, connect
from fieldbeat.hil_tests.virtual.rfc2217_port import Rfc2217Port
from fieldbeat.hil_tests.virtual.site import Site

ROOT = Path(__file__).parent.parent
WIRES = """
[uart.modem]
id = 0
tx = 16
rx = 17

[uart.rs485]
id = 1
tx = 8
rx = 9
"""


class Desk:
    """A station's board without a program and a fixture, both virtual, at serial ports."""

    def __init__(self, site, folder):
        self.site, self.folder = site, folder
        self.station = site.add_board("greenhouse_esp32", "gh-01")
        self.pico = add_fixture(site, {"soil_temperature": 20.0}, int(site.now_s))
        connect(self.station, self.pico)
        site.run_for(2)
        site.start_real()
        self.port = Rfc2217Port(self.station)
        (folder / "wires.toml").write_text(WIRES)

    def text(self, **changed):
        words = {"port": self.pico.port, "id": self.pico.mac.hex(), "wiring": "wires.toml"}
        table = "".join(f'{key} = "{value}"\n' for key, value in (words | changed).items())
        return (
            f'[board.gh-01]\nmanifest = "greenhouse_esp32"\nport = "{self.port.url}"\n'
            f'id = "mac:{self.station.mac.hex(":")}"\n[board.gh-01.stimulus]\n{table}'
        )

    def file(self, **changed):
        path = self.folder / "desk.toml"
        path.write_text(self.text(**changed))
        return path

    def open(self, **changed):
        return Rig.open(self.file(**changed), self.folder / "rig")


@pytest.fixture
def desk(tmp_path):
    with Site(seed=3, workdir=tmp_path / "far") as site:
        desk = Desk(site, tmp_path)
        yield desk
        desk.port.close()


@pytest.fixture(params=["virtual", "played"])
def rig(request, tmp_path):
    if request.param == "virtual":
        with Rig.open(None, tmp_path) as rig:
            yield rig
    else:
        with request.getfixturevalue("desk").open() as rig:
            yield rig


def test_a_stimulus_plays_sets_and_forgets(rig):
    stimulus = rig.boards["gh-01"].stimulus
    assert "stimulus" in rig.features
    assert {"modem", "soil"} <= set(stimulus.parts())
    stimulus.set("soil_temperature", 24.0)
    with pytest.raises((KeyError, remote.StimulusError), match="no channel 'soul'"):
        stimulus.set("soul", 1.0)
    with pytest.raises((AttributeError, remote.StimulusError), match="no fault 'melted'"):
        stimulus.faults.soil.melted = True
    stimulus.faults.soil.unplugged = True
    stimulus.faults.modem.urc_at(5, "+CSCON: 1")
    assert sorted(stimulus.faults.unfired()) == ["modem.urc_at", "soil.unplugged"]
    assert stimulus.faults.fired["soil.unplugged"] == 0
    stimulus.clear()
    assert stimulus.faults.unfired() == []


@pytest.mark.long
def test_the_same_tests_run_over_a_fixture(desk):
    """`test_played.py` as it is, with esptool, the console and the fixture at their ports."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["hil_tests/test_played.py", "--bench", str(desk.file())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout


def test_what_the_played_modem_sends_reaches_a_collector_and_its_answer_the_modem(desk):
    collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    collector.bind(("127.0.0.1", 0))
    collector.settimeout(10)
    try:
        with desk.open(collector=f"127.0.0.1:{collector.getsockname()[1]}") as rig:
            stimulus = rig.boards["gh-01"].stimulus
            stimulus.feed(b'> [7, "collector.example.org", 5690, {"hex": "00ff"}]\r\n')
            data, source = collector.recvfrom(100)
            assert data == b"\x00\xff"
            heard = bytearray()
            with desk.site.world.lock:
                desk.pico.processor.typed = heard.extend
            collector.sendto(b"\x01\x02", source)
            assert rig.run_until(lambda: b'post 7 {"hex": "0102"}\n' in heard, 10), heard
    finally:
        collector.close()


@pytest.mark.long
def test_another_fixture_than_was_named_blocks(desk, monkeypatch):
    (desk.folder / "air.toml").write_text("[i2c.air]\nid = 0\nsda = 4\nscl = 5\n")
    for changed, complaint in (
        ({"port": "/dev/ttyACM99"}, "there is no port /dev/ttyACM99; next: plug"),
        ({"id": "e6614103e7452b2f"}, "not e6614103e7452b2f; next: plug in that one, or write id"),
        ({"wiring": "none.toml"}, "none.toml: No such file or directory; next: correct it"),
        ({"wiring": "air.toml"}, "plays modem, soil, its wiring says air; next: install it again"),
    ):
        with pytest.raises(Blocked, match=complaint):
            desk.open(**changed)
    monkeypatch.setattr(identity, "ATTEMPTS", 1)
    found = {f.subject: f for f in bench_check.examine(desk.file(id="00ff"))}
    assert found["gh-01 stimulus"].verdict == "wrong" and found["gh-01 board"].verdict == "ok"


def test_a_fixture_that_goes_silent_or_is_unplugged_blocks(desk, monkeypatch):
    monkeypatch.setattr(remote, "ANSWER_S", 0.5)
    with desk.open() as rig:
        desk.pico.power_off()
        with pytest.raises(
            Blocked, match="stimulus of gh-01 at .* does not answer; next: see that"
        ):
            rig.boards["gh-01"].stimulus.parts()
        desk.pico.close()
        with pytest.raises(Blocked, match="was lost while in use"):
            rig.run_for(10)


@pytest.mark.parametrize(
    "text, problem",
    [
        (
            'port = "virtual"\n[board.a.stimulus]\nport = "/dev/x"\nid = "00ff"\n',
            "has its own mod",
        ),
        (
            'port = "/dev/x"\nid = "usb:1"\n[board.a.stimulus]\nport = "/dev/x"\nid = "00ff"\n'
            '[board.b]\nmanifest = "greenhouse_esp32"\nport = "/dev/x"\nid = "usb:2"\n',
            "port = '/dev/x': is that of",
        ),
        ('port = "/dev/x"\nid = "usb:1"\n[board.a.stimulus]\nport = "/dev/y"\n', "id: missing"),
    ],
)
def test_a_file_that_is_wrong_about_its_stimulus_says_so(text, problem):
    with pytest.raises(bench_file.InvalidData, match=problem):
        bench_file.parse('[board.a]\nmanifest = "greenhouse_esp32"\n' + text, "b.toml")


def test_a_real_board_without_one_lacks_it():
    text = '[board.a]\nmanifest = "greenhouse_esp32"\nport = "/dev/x"\nid = "usb:1"\n'
    assert "stimulus" not in bench_file.parse(text, "b.toml").features
    played = text + '[board.a.stimulus]\nport = "/dev/y"\nid = "00ff"\n'
    assert "stimulus" in bench_file.parse(played, "b.toml").features
