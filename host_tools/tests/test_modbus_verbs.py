"""`fieldbeat modbus` against pymodbus, an implementation that is not ours."""

from __future__ import annotations

import json

import pytest
from fieldbeat.host_tools import cli, modbus_line, modbus_numbers, register_map
from fieldbeat.host_tools.errors import CannotTry

from .modbus_peer import pymodbus_line

SOIL = [456, 0xFF9B, 1234, 68, 12, 34, 56]  # 45.6 %, -10.1 Cel, ...
WEATHER = [23, 2, 4, 180, 655, 0xFFE2, 471, 38, 60, 1013, 1, 0x86A0]


@pytest.fixture(scope="module")
def url():
    with pymodbus_line({1: {0: SOIL}, 7: {500: WEATHER}}) as url:
        yield url


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["modbus", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_registers_as_their_map_reads_them(url, capsys):
    arguments = ("read", "--port", url, "--address", "1", "--map", "soil_7in1_womaster", "--json")
    code, out, _ = run(capsys, *arguments)
    found = {row["name"]: (row["value"], row["unit"], row["raw"]) for row in json.loads(out)}
    assert code == 0
    assert found["moisture"] == ("45.6", "%", "01c8")
    assert found["temperature"] == ("-10.1", "Cel", "ff9b")
    assert found["ph"] == ("6.8", "pH", "0044") and len(found) == 7


def test_values_of_two_registers(url, capsys):
    code, out, _ = run(capsys, "read", "--port", url, "--address", "7", "--map", "weather_500")
    assert code == 0 and "100000" in out and "0001 86a0" in out and "-3.0" in out
    assert "the map says of itself: " in out  # what in it is a hypothesis


def test_raw_registers(url, capsys):
    arguments = ("--port", url, "--address", "7", "--register", "0x1F4", "--count", "6")
    code, out, _ = run(capsys, "read", *arguments)
    assert code == 0
    assert ["505", "0x01F9", "ffe2", "65506", "-30"] in [line.split() for line in out.splitlines()]


def test_a_map_of_another_device_is_told(url, capsys):
    code, _, err = run(capsys, "read", "--port", url, "--address", "1", "--map", "weather_500")
    assert code == 1 and "device 1 refused: exception 2; next: it has no such register" in err


def test_nobody_at_an_address(url, capsys):
    arguments = ("--port", url, "--address", "9", "--reply-s", "0.1")
    code, _, err = run(capsys, "read", *arguments)
    assert code == 1 and "device 9 does not answer at 9600 baud, 8N1; next: see to its" in err


def test_a_scan_finds_who_is_there(url, capsys):
    arguments = ("--addresses", "1-8", "--baud", "9600", "--reply-s", "0.05")
    code, out, err = run(capsys, "scan", "--port", url, *arguments)
    assert code == 0 and "device 7 at 9600 baud, 8N1" in err
    rows = [line.split() for line in out.splitlines()]
    assert ["1", "9600", "8N1"] in rows and ["7", "9600", "8N1"] in rows
    assert f"next: fieldbeat modbus read --port {url} --address 1" in out
    code, out, _ = run(capsys, "scan", "--port", url, "--first", "--json", *arguments)
    assert json.loads(out) == [{"address": 1, "baud": 9600, "framing": "8N1"}]


def test_a_scan_that_finds_nobody_says_what_to_do(url, capsys):
    arguments = ("--addresses", "20-22", "--baud", "9600", "--reply-s", "0.02")
    code, _, err = run(capsys, "scan", "--port", url, *arguments)
    assert code == 1 and "nobody answered 3 questions" in err and "exchange A and B" in err


def test_a_gateway_that_speaks_for_the_absent_is_no_device(capsys):
    with pymodbus_line({3: {0: SOIL}}, gateway=True) as url:
        arguments = ("--addresses", "1-4", "--baud", "9600", "--json")
        _, out, _ = run(capsys, "scan", "--port", url, *arguments)
        assert [each["address"] for each in json.loads(out)] == [3]
        code, _, err = run(capsys, "read", "--port", url, "--address", "1")
        assert code == 1 and "exception 11; next: the gateway got no answer of it" in err


def test_which_registers_exist(url):
    with modbus_line.ModbusLine(url) as line:
        assert modbus_line.existing(line, 1, 3, range(32)) == list(range(7))
        assert modbus_line.existing(line, 7, 3, range(490, 520)) == list(range(500, 512))
        assert modbus_line.existing(line, 7, 3, range(9)) == []


def test_blocks_of_registers():
    assert list(modbus_line.blocks([3, 1, 2, 9, 11, 10])) == [(1, 3), (9, 3)]
    assert list(modbus_line.blocks(range(70), 32)) == [(0, 32), (32, 32), (64, 6)]
    assert list(modbus_line.blocks([])) == []


@pytest.mark.parametrize("text", ["", "0", "1-300", "a", "5-", "-5", "1;2", "9-3"])
def test_addresses_that_are_none(text):
    with pytest.raises(CannotTry, match="write 1-20 or 1,2,30") as caught:
        modbus_numbers.addresses(text)
    assert caught.value.next_step


def test_addresses():
    assert modbus_numbers.addresses("1-3, 9") == [1, 2, 3, 9]
    assert modbus_numbers.register("0x1F4") == modbus_numbers.register("500") == 500
    for text in ("x", "-1", "70000"):
        with pytest.raises(CannotTry):
            modbus_numbers.register(text)


def test_every_map_of_the_project_is_sound_and_printed_as_it_was_written():
    for name in register_map.names():
        found = register_map.load(name)
        assert found.registers and found.source
        names = [each.name for each in found.registers]
        assert len(set(names)) == len(names), name
    assert "soil_7in1_womaster" in register_map.names()


def test_a_map_that_is_none(tmp_path, capsys):
    path = tmp_path / "bad.json"
    path.write_text('{"part": "x", "source": "y", "function": 5, "registers": []}')
    with pytest.raises(CannotTry, match="function = 5"):
        register_map.load(str(path))
    path.write_text("{")
    with pytest.raises(CannotTry, match="is no JSON"):
        register_map.load(str(path))
    with pytest.raises(CannotTry, match="there is no map 'weather_50', did you mean"):
        register_map.load("weather_50")
    code, _, err = run(capsys, "read", "--port", "/dev/nowhere", "--address", "1")
    assert code == 2 and "there is no port /dev/nowhere" in err
