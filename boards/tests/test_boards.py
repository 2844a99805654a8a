"""The manifests as PlatformIO's own loader sees them, and as we do."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fieldbeat.host_tools import boards, cli, partition_table
from fieldbeat.host_tools.validation import InvalidData

FOLDER = Path(__file__).resolve().parent.parent
NAME = "greenhouse_esp32"


@pytest.fixture
def manifest():
    return copy.deepcopy(boards.manifest(NAME))


def problems(manifest) -> list[str]:
    with pytest.raises(InvalidData) as caught:
        boards.parse(manifest, "boards/x.json", NAME)
    return caught.value.problems


def test_platformio_loads_every_json_of_the_folder():
    from platformio.platform.board import PlatformBoardConfig

    found = sorted(FOLDER.rglob("*.json"))
    assert [path.parent for path in found] == [FOLDER] * len(boards.names())
    for path in found:
        config = PlatformBoardConfig(str(path))
        brief = config.get_brief_data()
        assert brief["mcu"] == config.get("fieldbeat.chip").upper()
        assert brief["rom"] == config.get("fieldbeat.flash_mb") * 1024 * 1024
        assert config.get("upload.flash_size") == f"{config.get('fieldbeat.flash_mb')}MB"


def test_platformio_takes_the_board_in_a_project(tmp_path):
    """The loader of a real project finds the board by `boards_dir`, with no platform installed."""
    (tmp_path / "platformio.ini").write_text(
        f"[platformio]\nboards_dir = {FOLDER}\n[env:x]\nplatform = espressif32\nboard = {NAME}\n"
    )
    (tmp_path / "platform.json").write_text(
        json.dumps({"name": "espressif32", "version": "1.0.0", "title": "scratch"})
    )
    script = (
        "from platformio.platform.base import PlatformBase\n"
        f"platform = PlatformBase({str(tmp_path / 'platform.json')!r})\n"
        f"print(platform.get_boards({NAME!r}).get('fieldbeat.modem.part'))\n"
        f"print({NAME!r} in platform.get_boards())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PLATFORMIO_CORE_DIR": str(tmp_path / "core")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["bc26", "True"], done.stderr


@pytest.mark.parametrize("name", boards.names())
def test_every_board_is_valid_and_its_partitions_fit(name):
    board = boards.load(name)
    table = board.partition_table()
    assert table[-1].end <= board.flash_bytes
    assert {"nvs", "vfs"} <= {part.name for part in table}
    assert partition_table.from_bytes(partition_table.to_bytes(table)) == table


MOTOR = {"part": "two_relay_motor", "open": 14, "close": 13, "active": 0, "travel_ms": 60000}
RELAY_BOARD = {"part": "modbus_relay", "bus": "rs485", "map": "relays_8"}


def test_relays_of_one_board_share_its_address(manifest):
    fitted = manifest["fieldbeat"]["fitted"]
    for output in (1, 2):
        fitted[f"relay_{output}"] = RELAY_BOARD | {"address": 9, "output": output}
    fitted["other"] = RELAY_BOARD | {"address": 9, "output": 2}
    said = problems(manifest)
    assert "[fitted.other] output = 2: 'relay_2' is the same one" in said
    assert not any("address" in problem for problem in said)
    fitted["other"] = RELAY_BOARD | {"address": 9, "output": 3, "map": "relays_8_timed"}
    told = "[fitted.other] map = 'relays_8_timed': 'relay_1' has relays_8 at the same address"
    assert any(told in problem for problem in problems(manifest))


def test_mistakes_in_a_register_map_are_told(manifest, monkeypatch):
    def own(part):
        return json.loads(
            '{"part": "p", "source": "s", "function": 3, "registers": [{"name": "ph"}]}'
        )

    monkeypatch.setattr(boards, "_map", own)
    said = problems(manifest)
    where = "[fitted.soil] map = 'soil_7in1_womaster': the 1st [[registers]], 'ph', unit: missing"
    assert any(problem.startswith(where) for problem in said)


def test_offsets_are_those_of_micropython_for_4_mib():
    # ports/esp32/partitions-4MiB.csv of MicroPython 1.25
    expected = {
        "nvs": (0x9000, 0x6000),
        "phy_init": (0xF000, 0x1000),
        "factory": (0x10000, 0x1F0000),
        "vfs": (0x200000, 0x200000),
    }
    table = boards.load(NAME).partition_table()
    assert {part.name: (part.offset, part.size) for part in table} == expected


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("id", "other", "must be 'greenhouse_esp32', as the file is named"),
        ("partitions", "none.csv", "partitions = 'none.csv': must be a file of boards/"),
        ("partitions", f"{NAME}.json", f"boards/{NAME}.json, line 1: '{{' is no partition"),
        ("chip", "esp8266", "chip = 'esp8266': must be 'esp32'"),
        ("flash_mb", 3, "flash_mb = 3: must be 4 or 8 or 16"),
        ("micropython.sha256", "12", "[micropython] sha256 = '12': must be 64 hex digits or null"),
        ("buses.i2c0.scl", 24, "i2c0.scl = 24: the esp32 has no such pin"),
        ("buses.i2c0.scl", 6, "i2c0.scl = 6: this pin belongs to the flash chip"),
        ("buses.i2c0.scl", 35, "i2c0.scl = 35: this pin cannot be an output"),
        ("buses.i2c0.scl", 17, "modem.tx = 17: i2c0.scl already uses this pin"),
        ("buses.i2c0.scl", "22", "[buses.i2c0] scl = '22': must be a whole number from 0 to 48"),
        ("buses.i2c0.kind", "spi", "[buses.i2c0] kind = 'spi': must be 'i2c', 'uart', 'rs485'"),
        ("buses.i2c0.speed", 1, "[buses.i2c0] speed: unknown key, allowed: freq_hz"),
        ("modem.bus", "modm", "[modem] bus = 'modm': unknown bus, did you mean 'modem'?"),
        ("modem.part", "bc99", "[modem] part = 'bc99': must be a driver in drivers/"),
        ("fitted.air.address", 0x62, "[fitted.co2] address = 98: 'air' has it on i2c0"),
        ("fitted.air.address", 0x78, "[fitted.air] address = 120: must be 8 to 119 on i2c0"),
        ("fitted.air.pin", 35, "[fitted.air]: must have either a bus or a pin"),
        ("fitted.soil.map", "none", "[fitted.soil] map = 'none': must be a file of drivers/maps/"),
        (
            "fitted.soil.map",
            "relays_8",
            "map = 'relays_8': has no registers, which a modbus_probe",
        ),
        (
            "fitted.x",
            RELAY_BOARD | {"address": 9, "output": 1, "map": "water_ec_ph"},
            "[fitted.x] map = 'water_ec_ph': has no coil, which a modbus_relay needs",
        ),
        (
            "fitted.x",
            RELAY_BOARD | {"address": 9, "output": 9},
            "[fitted.x] output = 9: relays_8 has 8",
        ),
        ("fitted.battery.pin", 13, "battery.pin = 13: must be a pin of ADC1, 32 to 39"),
        ("fitted.x", {"part": "relay", "pin": 13}, "[fitted.x] active: missing, a relay needs it"),
        ("fitted.x", {"part": "relay", "pin": 36}, "x.pin = 36: this pin cannot be an output"),
        ("fitted.x", {"part": "relay", "pin": 12}, "x.pin = 12: a strapping pin, whose level"),
        ("fitted.x", MOTOR | {"close": 15}, "x.close = 15: a strapping pin, whose level jumps"),
        ("fitted.x", MOTOR | {"close": 14}, "x.close = 14: x.open already uses this pin"),
        ("fitted.x", MOTOR | {"pin": 18}, "[fitted.x]: must have either a bus or a pin"),
        ("fitted.x", MOTOR, "[fitted.x] dead_ms: missing, a two_relay_motor needs it"),
        ("fitted.x", {"part": "pwm_output", "pin": 13, "freq_hz": 0}, "[fitted.x] freq_hz = 0"),
        ("fitted.x", RELAY_BOARD | {"address": 1}, "[fitted.x] address = 1: 'soil' has it"),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(manifest, path, value, message):
    *parents, last = path.split(".")
    table = manifest["fieldbeat"]
    for parent in parents:
        table = table[parent]
    table[last] = value
    assert any(message in problem for problem in problems(manifest))


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        ("eth", "buses.i2s0.sck", 17, "i2s0.sck = 17: this pin belongs to the PSRAM"),
        ("eth", "buses.i2s0.sck", 22, "ethernet = 22: i2s0.sck already uses this pin"),
        ("eth", "buses.i2s0.sd", 36, "i2s0.sd = 36: this pin cannot be an output"),
        (
            "eth",
            "buses.i2s0.rate_hz",
            44100,
            "[buses.i2s0] rate_hz = 44100: must be 8000 or 16000",
        ),
        ("eth", "ethernet.phy", "ip101", "[ethernet] phy = 'ip101': must be 'lan8720'"),
        ("eth", "chip", "esp32s3", "[ethernet]: the esp32s3 has no Ethernet MAC"),
        (
            "eth",
            "fitted.amplifier.relay",
            35,
            "amplifier.relay = 35: this pin cannot be an output",
        ),
        ("eth", "fitted.door.pin", 39, "door.pin = 39: ac.pin already uses this pin"),
        ("eth", "fitted.door.active", 2, "[fitted.door] active = 2: must be 0 or 1"),
        ("eth", "fitted.line.pin", 2, "line.pin = 2: must be a pin of ADC1, 32 to 39"),
        ("eth", "fitted.audio.part", "i2s", "part = 'i2s': must be a driver in drivers/"),
        ("nbiot", "fitted.line.pin", 2, "battery.pin = 2: line.pin already uses this pin"),
        ("nbiot", "fitted.line.pin", 21, "line.pin = 21: must be a pin of ADC1, 1 to 10"),
        ("nbiot", "buses.i2s0.sck", 22, "i2s0.sck = 22: the esp32s3 has no such pin"),
        ("nbiot", "wifi", "yes", "wifi = 'yes': must be true or false"),
    ],
)
def test_a_mistake_of_a_speaker_is_named_too(name, path, value, message):
    name = {"eth": "speaker_esp32_eth", "nbiot": "speaker_esp32s3_nbiot"}[name]
    manifest = copy.deepcopy(boards.manifest(name))
    *parents, last = path.split(".")
    table = manifest["fieldbeat"]
    for parent in parents:
        table = table[parent]
    table[last] = value
    with pytest.raises(InvalidData) as caught:
        boards.parse(manifest, "boards/x.json", name)
    assert any(message in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        (
            "esp32s3",
            "buses.dvp0.data",
            [1] * 7,
            "[buses.dvp0] data = [1, 1, 1, 1, 1, 1, 1]: must be eight pins",
        ),
        ("esp32s3", "buses.dvp0.vsync", 8, "dvp0.vsync = 8: dvp0.data2 already uses this pin"),
        ("esp32s3", "buses.dvp0.pclk", 35, "dvp0.pclk = 35: this pin belongs to the PSRAM"),
        ("esp32s3", "fitted.rain.pin", 43, "rain.pin = 43: must be an RTC pin"),
        ("esp32s3", "rails.camera.pin", 14, "rain.pin = 14: rails.camera already uses this pin"),
        ("esp32s3", "fitted.camera.rail", "cam", "rail = 'cam': unknown rail"),
        ("esp32s3", "fitted.camera.map", None, "[fitted.camera] map: missing"),
        ("esp32_uart", "fitted.loop.pin", 2, "loop.pin = 2: must be a pin of ADC1, 32 to 39"),
        ("esp32_uart", "fitted.loop.shunt_mohm", 10, "[fitted.loop] shunt_mohm = 10: must be"),
        (
            "esp32_uart",
            "rails.sensors.pin",
            34,
            "rails.sensors = 34: this pin cannot be an output",
        ),
        ("esp32_uart", "buses.level.uart", 2, "[buses.level] uart = 2: the modem needs it for it"),
    ],
)
def test_a_mistake_of_a_river_station_is_named_too(name, path, value, message):
    name = f"river_cam_{name}"
    manifest = copy.deepcopy(boards.manifest(name))
    *parents, last = path.split(".")
    table = manifest["fieldbeat"]
    for parent in parents:
        table = table[parent]
    table[last] = value
    with pytest.raises(InvalidData) as caught:
        boards.parse(manifest, "boards/x.json", name)
    assert any(message in problem for problem in caught.value.problems), caught.value.problems


def test_a_level_comes_from_what_hangs_over_water_or_has_it_in_its_map():
    fitted = boards.load("river_cam_esp32s3").fitted
    found = [name for name, part in fitted.items() if boards.measures_level(part)]
    assert found == ["river", "radar", "loop"]
    assert not boards.measures_level(boards.load(NAME).fitted["soil"])


@pytest.mark.parametrize("content", ["{", '{"name": 1}', '{"fieldbeat": {}}'])
def test_a_file_with_any_mistake_is_one_line_and_exit_code_2(
    tmp_path, monkeypatch, capsys, content
):
    (tmp_path / "x.json").write_text(content)
    monkeypatch.setattr(boards.resources, "files", lambda package: tmp_path)
    assert cli.main(["boards", "x"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: boards/x.json")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("key", ["name", "vendor", "url", "fieldbeat"])
def test_what_platformio_needs_must_be_there(manifest, key):
    del manifest[key]
    assert problems(manifest) == [f"{key}: missing"]


def test_a_missing_key_is_named(manifest):
    del manifest["fieldbeat"]["buses"]["modem"]["rx"]
    assert problems(manifest) == ["[buses.modem] rx: missing, must be a whole number from 0 to 48"]


def test_only_what_sends_by_itself_has_a_line_of_one_way(manifest):
    for name in ("modem", "rs485"):
        del manifest["fieldbeat"]["buses"][name]["tx"]
    assert problems(manifest) == [
        "[modem] bus = 'modem': without a tx nothing can be sent to the bc26",
        *(
            f"[fitted.{name}] bus = 'rs485': without a tx nothing can be sent to the modbus_probe"
            for name in ("soil", "weather", "solution")
        ),
    ]
    assert boards.load("speaker_esp32_eth").buses["level"].tx is None


@pytest.mark.parametrize("name", boards.names())
def test_a_board_is_shown_as_facts_and_tables(name, capsys):
    assert cli.main(["boards", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"board        {name}: ") and "Pins" in [
        line.strip() for line in lines
    ]
    assert all(len(line.rstrip()) <= 80 for line in lines)
