"""`fieldbeat modbus` on the bench's RS485 models, with a person who stimulates the sensors."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from fieldbeat.host_tools import cli, register_map
from fieldbeat.host_tools.modbus_line import ModbusLine
from fieldbeat.host_tools.serial_port import PortError

from .rs485_desk import rs485_desk
from .virtual.models.field_station import register_map as map_of
from .virtual.models.modbus_slave import MappedSlave
from .virtual.models.modbus_soil import SoilProbe
from .virtual.models.rs485 import Rs485Line
from .virtual.scene import Scene
from .virtual.world import World


class Desk:
    """A line with a soil probe at 1 and a weather box at 2."""

    def __init__(self) -> None:
        self.world = World(seed=11)
        self.world.run_for(6 * 3600)
        self.scene = Scene(self.world.start)
        self.line = Rs485Line(self.world, 9600)
        self.soil = SoilProbe(self.world, self.scene, 1, 9600)
        self.weather = MappedSlave(self.world, self.scene, 2, map_of("weather_500"), "weather")
        self.line.slaves += [self.soil, self.weather]


@pytest.fixture
def desk():
    desk = Desk()
    yield desk
    desk.world.close()


@pytest.fixture
def port(desk):
    with rs485_desk(desk.world, desk.line) as port:
        yield port


class Person(io.StringIO):
    """Somebody at the keyboard: each answer may come with something that he does before it."""

    def __init__(self, *answers: str | tuple[str, Callable[[], object]]) -> None:
        super().__init__()
        self.answers = list(answers)

    def isatty(self) -> bool:
        return True

    def readline(self, *_: object) -> str:
        answer = self.answers.pop(0) if self.answers else ""
        if isinstance(answer, tuple):
            answer, act = answer
            act()
        return answer + "\n"


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["modbus", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_scan_finds_the_models(desk, port, capsys):
    arguments = ("--addresses", "1-4", "--baud", "9600", "--reply-s", "0.1", "--json")
    code, out, _ = run(capsys, "scan", "--port", port, *arguments)
    assert code == 0
    assert [found["address"] for found in json.loads(out)] == [1, 2]


def test_a_map_reads_the_scene(desk, port, capsys):
    arguments = ("read", "--port", port, "--address", "2", "--map", "weather_500", "--json")
    code, out, _ = run(capsys, *arguments)
    found = {row["name"]: float(row["value"]) for row in json.loads(out)}
    temperature = desk.scene.value("air_temperature", desk.world.now_us)
    assert code == 0 and found["temperature"] == pytest.approx(temperature, abs=0.3)


def test_a_map_of_another_device_is_told(desk, port, tmp_path, capsys):
    arguments = ("read", "--port", port, "--address", "1", "--map")
    code, _, err = run(capsys, *arguments, "soil_7in1_womaster")
    assert code == 0 and "cannot be" not in err
    file = tmp_path / "other.json"  # its pH is where this probe has the conductivity
    ph = {"name": "ph", "unit": "pH", "scale": 10, "register": 2}
    file.write_text(json.dumps({"part": "p", "source": "s", "function": 3, "registers": [ph]}))
    code, out, err = run(capsys, *arguments, str(file))
    assert code == 0 and "note: ph cannot be" in err and "map is of another device" in err, out


def test_a_map_that_is_no_text(port, tmp_path, capsys):
    file = tmp_path / "probe.json"
    file.write_bytes(b"\xe2\x28\xa1")
    code, _, err = run(capsys, "read", "--port", port, "--address", "1", "--map", str(file))
    assert code == 2 and "is no JSON" in err


def test_an_adapter_that_hears_itself(desk, capsys):
    with rs485_desk(desk.world, desk.line, echo=True) as port:
        arguments = ("--address", "1", "--map", "soil_7in1_womaster", "--json")
        code, out, err = run(capsys, "read", "--port", port, *arguments)
        assert code == 0 and len(json.loads(out)) == 7, err
        desk.soil.faults.unplugged = True
        code, _, err = run(capsys, "read", "--port", port, "--address", "1", "--reply-s", "0.2")
        assert code == 1 and "no answer of device 1" in err


def test_every_speed_and_framing_can_be_set(desk, port, capsys):
    arguments = ("--addresses", "1", "--reply-s", "0.1", "--framing", "8N1", "--framing", "8N2")
    code, out, _ = run(capsys, "scan", "--port", port, *arguments, "--json")
    found = {(each["baud"], each["framing"]) for each in json.loads(out)}
    assert code == 0 and len(found) == 16  # a PTY has no speed, so it answers at each


def test_an_adapter_that_is_pulled_out(desk):
    with rs485_desk(desk.world, desk.line) as port:
        line = ModbusLine(port)
        assert line.read(1, 3, 0, 1)
    with line, pytest.raises(PortError, match="is lost .*; next: plug the adapter in again"):
        line.read(1, 3, 0, 1)


def test_a_framing_that_the_adapter_cannot_do(port, capsys):
    arguments = ("--addresses", "1", "--framing", "8E1")  # a PTY has no parity
    code, _, err = run(capsys, "scan", "--port", port, *arguments)
    assert code == 2 and "cannot do 9600 baud, 8E1; next: leave that speed or framing out" in err
    # Nobody holds the port afterwards.
    code, _, _ = run(capsys, "read", "--port", port, "--address", "1", "--count", "1")
    assert code == 0


@pytest.mark.parametrize(
    "fault, value, told",
    [
        ("unplugged", True, "does not answer at 9600 baud"),
        ("bad_crc", True, "no answer of device 1 at 9600 baud, 8N1, but 19 bytes"),
        ("cut", 3, "but 16 bytes"),
        ("other_address", 5, "another one answered"),
        ("stuck", True, "exception 6; next: it is busy"),
    ],
)
def test_what_is_wrong_is_told_with_the_next_step(desk, port, capsys, fault, value, told):
    setattr(desk.soil.faults, fault, value)
    arguments = ("--address", "1", "--map", "soil_7in1_womaster", "--reply-s", "0.3")
    code, _, err = run(capsys, "read", "--port", port, *arguments)
    assert code == 1 and told in err and "next: " in err
    assert desk.soil.faults.unfired() == []


def test_junk_before_an_answer_does_not_matter(desk, port, capsys):
    desk.soil.faults.junk = b"\x00\xff"
    code, _, _ = run(capsys, "read", "--port", port, "--address", "1", "--count", "7")
    assert code == 0 and desk.soil.faults.fired["junk"]


def test_two_with_one_address_are_hinted_at(desk, port, capsys):
    desk.line.slaves = [SoilProbe(desk.world, desk.scene, 1, 9600) for _ in range(2)]
    desk.line.slaves[0].faults.bad_crc = desk.line.slaves[1].faults.bad_crc = True
    arguments = ("--addresses", "1", "--baud", "9600", "--reply-s", "0.3")
    code, _, err = run(capsys, "scan", "--port", port, *arguments)
    assert code == 1 and "there were bytes at 9600 baud" in err and "connect one alone" in err


def test_a_probe_is_learned_by_what_a_person_does(desk, port, capsys, monkeypatch, tmp_path):
    scene, out = desk.scene, tmp_path / "learned.json"
    person = Person(
        "temprature",  # a slip
        "temperature",
        ("", lambda: scene.hold("soil_temperature", 31.0)),
        "1",
        "moisture",
        ("", lambda: scene.hold("soil_moisture", 62.0)),
        "1",
        "ph",
        ("", lambda: scene.hold("soil_ph", 4.2)),
        "1",
        "ec",
        ("", lambda: scene.hold("soil_ec", 3900.0)),
        "1",
        "",
    )
    monkeypatch.setattr("sys.stdin", person)
    arguments = ("--address", "1", "--count", "8", "--seconds", "0.2", "--out", str(out))
    code, said, err = run(capsys, "learn", "--port", port, *arguments)
    assert code == 0, err
    assert "8 registers: 0 to 7" in err and "did you mean 'temperature'" in err
    assert f"--map {out}" in said
    learned = {each.name: each for each in register_map.load(str(out)).registers}
    womaster = {each.name: each for each in register_map.load("soil_7in1_womaster").registers}
    assert set(learned) == {"temperature", "moisture", "ph", "ec"}
    for name, each in learned.items():
        assert each == womaster[name], name
    code, said, _ = run(
        capsys, "read", "--port", port, "--address", "1", "--map", str(out), "--json"
    )
    found = {row["name"]: float(row["value"]) for row in json.loads(said)}
    assert code == 0 and found["temperature"] == pytest.approx(31.0, abs=0.3)


def test_a_value_of_two_registers_is_learned(desk, port, capsys, monkeypatch, tmp_path):
    out = tmp_path / "box.json"
    desk.scene.hold("illuminance", 400.0)
    person = Person("illuminance", ("", lambda: desk.scene.hold("illuminance", 98_000.0)), "1", "")
    monkeypatch.setattr("sys.stdin", person)
    arguments = ("--address", "2", "--register", "500", "--count", "16", "--seconds", "0.2")
    code, _, err = run(capsys, "learn", "--port", port, *arguments, "--out", str(out))
    assert code == 0, err
    [each] = register_map.load(str(out)).registers
    assert (each.register_, each.words, each.low_first, each.scale) == (510, 2, False, 1)


def test_what_was_learned_is_kept_whatever_comes_then(desk, port, capsys, monkeypatch, tmp_path):
    """A slip of the number, a cable that is out for a while, and at last Ctrl-C."""
    scene, faults, out = desk.scene, desk.soil.faults, tmp_path / "kept.json"

    def enough():
        raise KeyboardInterrupt

    person = Person(
        "moisture",
        ("", lambda: scene.hold("soil_moisture", 62.0)),
        "17",  # a slip
        "1",
        "temperature",
        ("", lambda: setattr(faults, "unplugged", True)),
        ("temperature", lambda: setattr(faults, "unplugged", False)),
        ("", lambda: scene.hold("soil_temperature", 31.0)),
        "1",
        ("", enough),
    )
    monkeypatch.setattr("sys.stdin", person)
    arguments = ("--address", "1", "--count", "8", "--seconds", "0.2", "--reply-s", "0.3")
    code, _, err = run(capsys, "learn", "--port", port, *arguments, "--out", str(out))
    assert code == 130, err
    assert "'17' is none of these numbers" in err and "does not answer at 9600 baud" in err
    assert faults.fired["unplugged"]
    names = {each.name for each in register_map.load(str(out)).registers}
    assert names == {"moisture", "temperature"}


def test_what_does_not_move_is_not_learned(desk, port, capsys, monkeypatch, tmp_path):
    out = tmp_path / "nothing.json"
    monkeypatch.setattr("sys.stdin", Person("co2", "", ""))
    arguments = ("--address", "1", "--count", "8", "--seconds", "0.2", "--out", str(out))
    code, _, err = run(capsys, "learn", "--port", port, *arguments)
    assert code == 1 and "no register followed" in err and not out.exists()


def test_a_map_is_never_written_over(desk, port, capsys, tmp_path):
    out = tmp_path / "mine.json"
    out.write_text("{}")
    code, _, err = run(capsys, "learn", "--port", port, "--address", "1", "--out", str(out))
    assert code == 2 and "is there already" in err and out.read_text() == "{}"
    nowhere = str(tmp_path / "none" / "mine.json")
    code, _, err = run(capsys, "learn", "--port", port, "--address", "1", "--out", nowhere)
    assert code == 2 and "there is no folder" in err  # before anything is learned


def test_nobody_learns_where_nobody_moves_anything(desk, port, capsys, tmp_path):
    out = tmp_path / "x.json"
    code, _, err = run(capsys, "learn", "--port", port, "--address", "1", "--out", str(out))
    assert code == 2 and "there is no terminal, and somebody is needed" in err and not out.exists()


def test_registers_that_are_not_there(desk, port, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stdin", Person())
    arguments = ("--address", "1", "--register", "900", "--out", str(tmp_path / "x.json"))
    code, _, err = run(capsys, "learn", "--port", port, *arguments)
    assert code == 1 and "no register from 900 to 931" in err and "--register 500" in err


def test_a_unit_s_console_is_no_adapter_and_its_program_runs_on(bench, capsys):
    board = bench.add_station()
    assert bench.run_until(lambda: b"fieldbeat> " in board.output, 30)
    board.console_write(b"reboot")  # typed, but not sent
    bench.run_for(1)
    resets = list(board.resets)
    bench.start_real()
    for verb, *options in (("read", "--address", "1"), ("scan", "--addresses", "1-2")):
        code, _, err = run(capsys, verb, "--port", board.port, *options)
        assert code == 2 and "is a unit's console and not an RS485 adapter" in err
        assert "next: give the adapter's port" in err
    before = len(board.output)
    board.console_write(b"status\r")
    assert bench.world.run_real(20, lambda: b"uptime" in board.output[before:])
    assert board.resets == resets and b"KeyboardInterrupt" not in board.output
