# The manifest of a board turned into pins, buses and parts.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
import sys

from drivers.tests.support import on_stream
from firmware.board import Board, BoardError
from firmware.parts import register_map
from firmware.tests.support import World, run
from protocols.tests.support import raises


def greenhouse():
    return named("greenhouse_esp32")


def named(name):
    with open("boards/%s.json" % name) as file:
        return Board(json.load(file)["fieldbeat"])


def made(world, name):
    return [(args, keywords) for kind, args, keywords in world.made if kind == name]


def pin_numbers(keywords):
    return {name: pin.args[0] for name, pin in keywords.items() if hasattr(pin, "args")}


def test_every_fitted_part_of_the_greenhouse_can_be_made():
    world = World()
    board = greenhouse()
    parts = {name: on_stream(board.part, name, {}) for name in board.manifest["fitted"]}
    parts = {name: part for name, part in parts.items() if part}
    assert sorted(parts) == ["air", "battery", "co2", "light", "soil"]
    for part in parts.values():
        assert part.CHANNELS and part.probe and part.read
    assert len(made(world, "I2C")) == 1  # shared by three parts
    (args, keywords) = made(world, "I2C")[0]
    assert args == (0,) and keywords["freq"] == 100000
    assert pin_numbers(keywords) == {"scl": 22, "sda": 21}
    (args, keywords) = made(world, "UART")[0]
    assert args == (1,) and keywords["baudrate"] == 9600
    assert pin_numbers(keywords) == {"tx": 25, "rx": 26} and "rxbuf" not in keywords
    world.adc_uv = 2100000
    assert run(parts["battery"].read()) == (4200,)


def test_a_driver_is_there_while_its_sensor_is_read():
    world = World()
    board = greenhouse()
    kept = sys.modules.pop("drivers.battery", None)
    battery = board.part("battery", {})
    assert battery.CHANNELS == (("voltage", "V", 1000),)
    world.adc_uv = 2100000
    for _ in range(2):
        assert run(battery.read()) == (4200,)
        assert "drivers.battery" not in sys.modules
    if kept:
        sys.modules["drivers.battery"] = kept


def test_the_modem_has_its_port_and_pins():
    world = World()
    board = greenhouse()
    modem = on_stream(board.modem)
    assert modem.POWER_KEY_MS and modem.send
    assert board.bus("modem") is board.bus("modem")
    (args, keywords) = made(world, "UART")[0]
    assert args == (2,) and keywords["baudrate"] == 115200
    assert min(keywords["txbuf"], keywords["rxbuf"]) > 2 * modem.MAX_DATAGRAM + 64
    outputs = [args[0] for args, keywords in made(world, "Pin") if keywords.get("value") == 0]
    assert outputs == [4, 5]


SPEAKERS = ("speaker_esp32_eth", "speaker_esp32s3_nbiot")


def test_every_fitted_part_of_the_speakers_can_be_made():
    for name in SPEAKERS:
        world = World()
        board = named(name)
        parts = {name: on_stream(board.part, name, {}) for name in board.manifest["fitted"]}
        level = parts.pop("river", None)  # not on each pole: the config of one that has it says so
        assert level is None
        assert sorted(parts) == ["ac", "amplifier", "audio", "battery", "door", "line", "tts"]
        for part in parts.values():
            assert part.CHANNELS is not None and part.probe and part.read
        [((number,), settings)] = made(world, "I2S")
        wired = board.manifest["buses"]["i2s0"]
        assert number == 0 and settings["rate"] == 16000 and settings["bits"] == 16
        assert pin_numbers(settings) == {key: wired[key] for key in ("sck", "ws", "sd")}
        assert parts["audio"] is board.bus("i2s0")
        levels = {args[0]: keywords.get("value") for args, keywords in made(world, "Pin")}
        fitted = board.manifest["fitted"]
        amplifier = fitted["amplifier"]
        assert levels[amplifier["mute"]] == 1 and levels[amplifier["relay"]] == 0
        modes = {args[0]: args[1:] for args, _ in made(world, "Pin")}
        assert modes[fitted["door"]["pin"]] == (1, 2)  # an input with a pull-up
        world.adc_uv = 200000
        assert run(parts["line"].read()) == (100,)
        assert run(parts["amplifier"].read()) == (0,)


def test_a_level_sensor_is_fitted_by_the_config_on_a_line_that_only_listens():
    world = World()
    board = named(SPEAKERS[0])
    sensor = on_stream(board.part, "river", {"enabled": True, "datum_mm": 5200})
    assert sensor._datum_mm == 5200
    [((number,), settings)] = made(world, "UART")
    assert number == 2 and pin_numbers({key: settings[key] for key in ("tx", "rx")}) == {
        "tx": 33,
        "rx": 33,
    }
    assert [args for args, _ in made(world, "Pin")][-1] == (33, 1)  # an input, and no output


RIVERS = {"river_cam_esp32s3": "DVPCamera", "river_cam_esp32_uart": "VC0706"}


def test_every_fitted_part_of_the_river_stations_can_be_made():
    for name, camera in RIVERS.items():
        world = World()
        board = named(name)
        config = {"radar": {"enabled": True, "datum_mm": 5000}, "loop": {"enabled": True}}
        config["river"], config["air"] = {"reckoned_c": 20}, {"enabled": True}
        config["camera"] = {"regions": {"gauge": [300, 100, 120, 300]}}
        parts = {
            name: on_stream(board.part, name, config.get(name, {}))
            for name in board.manifest["fitted"]
        }
        for part in parts.values():
            assert part.CHANNELS is not None and part.probe and part.read
        assert parts["rain"].CHANNELS == (("rain", "mm", 10),)
        level = ("level", "m", 1000)
        assert parts["river"].CHANNELS[0] == level
        assert parts["radar"].CHANNELS == (level, ("distance", "m", 1000))
        assert parts["loop"].CHANNELS == (level, ("depth", "m", 1000))
        inside = parts["camera"]._part  # behind its rail
        inside = getattr(inside, "_part", inside)
        assert type(inside).__name__ == camera and inside._regions
        world.adc_uv = 1440000  # 12 mA in 120 Ohm
        assert run(parts["loop"].read()) == (None, 2500)  # no datum in this config


def test_parts_hang_on_the_rails_of_their_board():
    world = World()
    board = named("river_cam_esp32s3")
    parts = {name: on_stream(board.part, name, {}) for name in board.manifest["fitted"]}
    assert sorted(board.rails) == ["camera", "sensors"]
    assert parts["camera"]._rail is board.rails["camera"]
    assert parts["river"]._rail is board.rails["sensors"]
    levels = {args[0]: keywords.get("value") for args, keywords in made(world, "Pin")}
    pins = [entry["pin"] for entry in board.manifest["rails"].values()]
    assert [levels[pin] for pin in pins] == [0, 0]
    assert not [rail for rail in board.rails.values() if rail.users]


def test_parts_of_lines_that_share_a_uart_take_turns():
    world = World()
    board = named("river_cam_esp32_uart")
    camera = on_stream(board.part, "camera", {})._part  # behind its rail
    level = on_stream(board.part, "river", {})._part
    log = []

    class Shot:
        closed = None

    async def capture(budget_bytes, region):
        log.append("shot")
        return Shot()

    async def probe():
        log.append("level")

    camera._part.capture, level._part.probe = capture, probe
    made_before = len(made(world, "UART"))

    async def both():
        shot = await camera.capture(3000)
        asyncio.create_task(level.probe())
        for _ in range(3):
            await asyncio.sleep_ms(0)
        log.append("close")
        shot.closed()
        for _ in range(3):
            await asyncio.sleep_ms(0)

    asyncio.run(both())
    assert log == ["shot", "close", "level"]
    opened = [pin_numbers(keywords)["rx"] for _, keywords in made(world, "UART")[made_before:]]
    assert opened == [26, 27] and camera._lock is level._lock


def test_a_codec_goes_before_its_amplifier():
    World()
    manifest = dict(named(SPEAKERS[0]).manifest)
    manifest["buses"] = dict(manifest["buses"])
    manifest["buses"]["i2c0"] = {"kind": "i2c", "id": 0, "scl": 2, "sda": 4, "freq_hz": 100000}
    codec = {"part": "es8388", "bus": "i2c0", "address": 17}
    amplifier = dict(manifest["fitted"]["amplifier"], codec="codec")
    manifest["fitted"] = {"codec": codec, "amplifier": amplifier}
    board = Board(manifest)
    assert on_stream(board.part, "amplifier", {})._codec._address == 17


class Network:
    PM_NONE = 0
    STA_IF, STAT_CONNECTING, STAT_IDLE, PHY_LAN8720 = 0, 1001, 1000, 1

    def __init__(self, *args, **keywords):
        self.args = args
        self.keywords = keywords
        self.log = []
        self.state = self.STAT_IDLE

    def active(self, on):
        self.log.append(on)

    def config(self, **settings):
        self.log.append(settings)

    def status(self):
        return self.state

    def connect(self, *wifi):
        self.log.append(wifi)
        self.state = self.STAT_CONNECTING


Network.LAN = Network.WLAN = Network


def test_the_network_is_ethernet_where_there_is_any_and_else_wifi():
    World()
    sys.modules["network"] = Network
    lan, connect = named(SPEAKERS[0]).network()
    connect()
    pins = {"mdc": 23, "mdio": 18, "ref_clk": 0, "power": 12}
    assert pin_numbers(lan.keywords) == pins and lan.keywords["phy_addr"] == 1
    assert lan.keywords["ref_clk_mode"] == 1 and lan.log == [True]  # the clock comes in
    station, connect = named(SPEAKERS[1]).network("village", "secret12")
    for _ in range(2):  # while it connects it is left alone
        connect()
    assert station.log[:2] == [True, {"pm": 0}]  # the radio never dozes
    assert station.args == (0,) and station.log[2:] == [("village", "secret12")]


def test_a_config_overrides_address_and_use():
    World()
    board = greenhouse()
    assert board.part("light", {"address": 0x5C})._made()._address == 0x5C
    assert board.part("light", {})._made()._address == 0x23
    assert board.part("light", {"enabled": False}) is None
    assert board.manifest["fitted"]["light"]["address"] == 0x23


def test_what_is_not_there_is_named():
    World()
    board = Board({"buses": {"x": {"kind": "can"}}, "fitted": {"y": {"part": "z", "bus": "x"}}})
    for call, expected in (
        ((board.bus, "i2c0"), "bus i2c0 is not known, there is: x"),
        (
            (board.bus, "x"),
            "kind of bus can is not known, there is: a02yyuw, amplifier, analog_probe, bmx280, c",
        ),
        ((board.part, "air", {}), "fitted part air is not known, there is: y"),
        ((board.part, "y", {}), "part z is not known, there is: a02yyuw, amplifier, analog_"),
        ((Board({}).bus, "i2c0"), "there is: nothing"),
    ):
        assert expected in str(raises(BoardError, *call))
    assert "build the image again" in str(raises(ValueError, register_map, "none"))
