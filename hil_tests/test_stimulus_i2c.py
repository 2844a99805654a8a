"""The firmware's own I2C drivers against the stimulus fixture, in one real MicroPython."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from . import small_image
from .stimulus import install
from .virtual.bench import Bench, board_manifest
from .virtual.board import VirtualBoard

pytestmark = pytest.mark.xdist_group("stimulus_i2c")  # one board for all of them

ROOT = Path(__file__).parent.parent
WIRING = {
    "i2c": {name: {"id": 0, "scl": 5, "sda": i} for i, name in enumerate(("air", "co2", "light"))}
}
VALUES = {"air_temperature": 21.5, "air_humidity": 60.0, "co2": 900.0, "illuminance": 12_000.0}


def station_files() -> dict[str, str]:
    """The packages that the drivers need."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for room in ("drivers", "protocols")
        for path in sorted((ROOT / room).glob("*.py"))
    }


class Loopback:
    """The board, with the fixture's console."""

    def __init__(self, bench: Bench, board: VirtualBoard) -> None:
        self.bench, self.board = bench, board
        self.seen = 0

    def run(self, seconds: float) -> str:
        """Let time pass and return what was printed meanwhile."""
        self.bench.run_for(seconds)
        text = self.board.output.decode()
        new, self.seen = text[self.seen :], len(text)
        return new

    def ask(self, command: str):
        """Send a line to the fixture and return its answer."""
        self.board.console_write(command.encode() + b"\n")
        found = re.findall(r"^([=!]) (.*)$", self.run(0.5), re.M)
        assert len(found) == 1 and found[0][0] == "=", found
        return json.loads(found[0][1])

    def last(self, name: str, seconds: float = 8) -> str:
        """What the driver read last in the next seconds."""
        return re.findall(rf"^read {name} (.*?)\s*$", self.run(seconds), re.M)[-1]


@pytest.fixture(scope="module")
def loopback(tmp_path_factory):
    fixture = install.config(board_manifest("greenhouse_esp32"), WIRING, values=VALUES, utc_s=0)
    files = install.files(fixture) | station_files()
    files |= {"boot.py": "", "main.py": install.ROOM.joinpath("loopback.py").read_text()}
    manifest = small_image.MANIFEST | {"heap_kb": 400}
    with Bench(seed=1, workdir=tmp_path_factory.mktemp("stimulus")) as bench:
        board = bench.add_board(manifest, image=small_image.image(files))
        loopback = Loopback(bench, board)
        text = loopback.run(9)
        assert "fieldbeat stimulus: air co2 light" in text, text
        yield loopback


def test_the_drivers_read_what_the_host_set(loopback):
    temperature, humidity = json.loads(loopback.last("air"))
    assert abs(temperature - 2150) <= 10 and abs(humidity - 6000) <= 30
    co2, *_ = json.loads(loopback.last("co2"))
    assert abs(co2 - 900) <= 40
    (light,) = json.loads(loopback.last("light"))
    assert abs(light - 12_000) <= 3
    loopback.ask("set air_temperature -11.25")
    loopback.run(6)
    assert abs(json.loads(loopback.last("air"))[0] + 1125) <= 10
    status = loopback.ask("status")
    assert status["lost"] == {"air": 0, "co2": 0, "light": 0}


@pytest.mark.parametrize(
    "part, fault, value, reason",
    [
        ("air", "bad_crc", "true", "sensor_crc"),
        ("air", "unplugged", "true", "i2c_nack"),
        ("air", "slow", "50", "i2c_nack"),
        ("air", "stuck", "true", "i2c_nack"),
        ("co2", "bad_crc", "true", "sensor_crc"),
        ("light", "unplugged", "true", "i2c_nack"),
    ],
)
def test_a_fault_reaches_the_driver_and_goes_again(loopback, part, fault, value, reason):
    before = loopback.ask("fired")[part].get(fault, 0)
    loopback.ask(f"fault {part} {fault} {value}")
    loopback.run(8)
    assert loopback.last(part) == reason
    assert loopback.ask("fired")[part][fault] > before
    assert loopback.ask("unfired") == []
    loopback.ask(f"fault {part} {fault} false")
    if fault == "stuck":  # what is stuck stays so until its supply is switched
        loopback.ask("call air start 0")
    loopback.run(12)
    json.loads(loopback.last(part))


def test_a_forced_value_and_a_limited_fault(loopback):
    before = loopback.ask("fired")["light"].get("unplugged", 0)
    loopback.ask('fault air forced {"air_temperature": 70.5}')
    loopback.ask("fault light unplugged true 1")
    loopback.run(10)
    assert abs(json.loads(loopback.last("air"))[0] - 7050) <= 1
    json.loads(loopback.last("light"))
    loopback.ask("fault air forced null")
    assert loopback.ask("fired")["air"]["forced"] >= 2
    assert loopback.ask("fired")["light"]["unplugged"] == before + 1


def test_a_wrong_command_is_told_in_one_line(loopback):
    loopback.board.console_write(b"fault air melted true\nfly\nset\n")
    lines = re.findall(r"^! (.*?)\s*$", loopback.run(0.5), re.M)
    assert "no fault 'melted'; this model has" in lines[0]
    assert lines[1] == "no command fly"
    assert len(lines) == 3
