"""Our drivers against our models, neither written from the other: the outside check of both.

The drivers run on CPython here: a coroutine that sleeps lets the world run, nothing else moves.
"""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

import drivers.modem
import drivers.rs485
from drivers.battery import Battery
from drivers.bc26 import BC26 as BC26Driver
from drivers.bh1750 import BH1750 as BH1750Driver
from drivers.errors import DriverError, ModemError, SensorError
from drivers.modbus_probe import ModbusProbe
from drivers.rs485 import RS485
from drivers.scd4x import SCD4x as SCD4xDriver
from drivers.sht4x import SHT4x as SHT4xDriver

from .virtual.models import Fitted, build
from .virtual.models.i2c import Nack
from .virtual.network import Network
from .virtual.scene import Scene
from .virtual.world import World

ROOT = Path(__file__).parent.parent
MANIFEST = json.loads((ROOT / "boards" / "greenhouse_esp32.json").read_text())
SOIL_MAP = json.loads((ROOT / "drivers" / "maps" / "soil_7in1_womaster.json").read_text())
SINCE_2024_S = 1_704_067_200
HOST, PORT = "203.0.113.7", 5683


class Bus:
    """machine.I2C over the models of one bus."""

    def __init__(self, fitted: Fitted) -> None:
        self.devices = {address: device for (_, address), device in fitted.i2c.items()}

    def writeto(self, address: int, data: bytes) -> int:
        try:
            self.devices[address].write(bytes(data))
        except Nack as nack:
            raise OSError(errno.ENODEV) from nack
        return len(data)

    def readfrom_into(self, address: int, buffer: Any) -> None:
        try:
            buffer[:] = self.devices[address].read(len(buffer))
        except Nack as nack:
            raise OSError(errno.ENODEV) from nack


class Uart:
    """machine.UART over one model."""

    def __init__(self, world: World, device: Any) -> None:
        self.world = world
        self.device = device
        self.rx = bytearray()
        self.sent_us = 0
        device.attach(self.rx.extend)

    def any(self) -> int:
        return len(self.rx)

    def readinto(self, buffer: Any) -> int:
        n = min(len(buffer), len(self.rx))
        buffer[:n] = self.rx[:n]
        del self.rx[:n]
        return n

    def write(self, data: bytes) -> int:
        begin_us = max(self.sent_us, self.world.now_us)
        self.sent_us = begin_us + self.device.duration_us(len(data))
        self.world.call_at(begin_us, lambda: self.device.receive(bytes(data)))
        return len(data)

    def flush(self) -> None:
        self.world.run_for((self.sent_us - self.world.now_us) / 1e6)


class Port:
    """Stands in for drivers.uart_port.UARTPort: waits in the world's time."""

    def __init__(self, uart: Uart) -> None:
        self.uart = uart

    async def readinto(self, buffer: Any, wait_ms: int) -> int:
        self.uart.world.run_until(self.uart.any, wait_ms / 1000)
        return self.uart.readinto(buffer)


class Pin:
    """machine.Pin over a listener."""

    def __init__(self, listener: Any) -> None:
        self.listener = listener

    def value(self, level: int) -> None:
        self.listener.changed(level)


class Ticks:
    """The module `time` of MicroPython, by the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def ticks_ms(self) -> int:
        return self.world.now_us // 1000 & 0x3FFFFFFF

    def ticks_add(self, ticks: int, delta: int) -> int:
        return ticks + delta & 0x3FFFFFFF

    def ticks_diff(self, a: int, b: int) -> int:
        return (a - b + 0x20000000 & 0x3FFFFFFF) - 0x20000000


class Rig:
    """A world with everything that the greenhouse board has, and the drivers on top."""

    def __init__(self, seed: int = 5) -> None:
        self.world = World(seed)
        self.scene = Scene(self.world.start)
        self.network = Network(self.world)
        self.fitted = build(self.world, MANIFEST, self.scene, self.network)
        self.bus = Bus(self.fitted)
        assert self.fitted.modem is not None
        self.model = self.fitted.modem
        self.world.run_for(0.1)

    def run(self, coroutine: Coroutine) -> Any:
        """Run a driver's coroutine to its end in virtual time."""
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("the driver waits for something that is not in virtual time")

    def soil(self) -> ModbusProbe:
        uart = Uart(self.world, self.fitted.uart["rs485"])
        return ModbusProbe(RS485(uart, Pin(self.fitted.pins[27])), 1, SOIL_MAP)

    def modem(self) -> BC26Driver:
        uart = Uart(self.world, self.model)
        return BC26Driver(uart, Pin(self.model.pwrkey), Pin(self.model.reset))


@pytest.fixture
def make_rig(monkeypatch):
    rigs: list[Rig] = []

    def make(seed: int = 5) -> Rig:
        close()
        rig = Rig(seed)
        rigs.append(rig)

        async def sleep_ms(ms: int) -> None:
            rig.world.run_for(ms / 1000)

        monkeypatch.setattr(asyncio, "sleep_ms", sleep_ms, raising=False)
        monkeypatch.setattr(drivers.modem, "time", Ticks(rig.world))
        for module in (drivers.modem, drivers.rs485):
            monkeypatch.setattr(module, "UARTPort", Port)
        return rig

    def close() -> None:
        while rigs:
            rigs.pop().world.close()

    yield make
    close()


@pytest.fixture
def rig(make_rig):
    return make_rig()


# Each driver reads what the scene says, within what its sensor may be off.

I2C_DRIVERS = {
    "air": (SHT4xDriver, 68, [("air_temperature", 0.1), ("air_humidity", 0.3)]),
    "co2": (SCD4xDriver, 98, [("co2", 40), ("air_temperature", 0.5), ("air_humidity", 2)]),
    "light": (BH1750Driver, 35, [("illuminance", 3)]),
}


def reading(rig: Rig, driver: Any) -> list[float]:
    """Read a driver once and undo the scales of its channels."""
    counts = rig.run(driver.read())
    assert all(isinstance(count, int) for count in counts)
    return [count / scale for count, (_, _, scale) in zip(counts, driver.CHANNELS, strict=True)]


@pytest.mark.parametrize("name", I2C_DRIVERS)
@pytest.mark.parametrize("hour", [0, 5, 13, 20])
def test_i2c_drivers_read_the_scene(rig, name, hour):
    make, address, channels = I2C_DRIVERS[name]
    rig.world.run_for(hour * 3600)
    driver = make(rig.bus, address)
    rig.run(driver.probe())
    values = reading(rig, driver)
    for value, (channel, tolerance) in zip(values, channels, strict=True):
        assert value == pytest.approx(rig.scene.value(channel, rig.world.now_us), abs=tolerance)


def test_light_beyond_the_default_range_is_read_with_the_short_measurement_time(rig):
    rig.fitted.parts["light"].faults.forced = {"illuminance": 90_000.0}
    assert reading(rig, BH1750Driver(rig.bus, 35)) == [pytest.approx(90_000, rel=1e-4)]


def test_soil_driver_reads_the_scene_also_below_zero(rig):
    soil = rig.soil()
    values = reading(rig, soil)
    now_us = rig.world.now_us
    for value, channel, tolerance in zip(
        values,
        ("soil_moisture", "soil_temperature", "soil_ec", "soil_ph"),
        (0.5, 0.3, 15, 0.2),
        strict=False,
    ):
        assert value == pytest.approx(rig.scene.value(channel, now_us), abs=tolerance)
    rig.fitted.parts["soil"].faults.forced = {"soil_temperature": -7.3}
    assert reading(rig, soil)[1] == -7.3
    assert rig.fitted.uart["rs485"].collisions == rig.fitted.uart["rs485"].unheard == 0


def test_battery_driver_reads_the_scene(rig):
    battery = Battery(rig.fitted.adc[34], 2, 1)
    (volts,) = reading(rig, battery)
    assert volts == pytest.approx(rig.scene.value("battery", rig.world.now_us), abs=0.01)


@pytest.mark.parametrize(
    "name, fault, value, reason",
    [
        ("air", "unplugged", True, "i2c_nack"),
        ("air", "bad_crc", True, "sensor_crc"),
        ("air", "slow", 5, "i2c_nack"),
        ("co2", "unplugged", True, "i2c_nack"),
        ("co2", "bad_crc", True, "sensor_crc"),
        ("light", "unplugged", True, "i2c_nack"),
        ("soil", "unplugged", True, "sensor_timeout"),
        ("soil", "bad_crc", True, "sensor_crc"),
        ("soil", "stuck", True, "sensor_range"),
        ("soil", "cut", 4, "sensor_crc"),
    ],
)
def test_a_fault_becomes_its_counted_reason(rig, name, fault, value, reason):
    model = rig.fitted.parts[name]
    if name == "soil":
        driver: Any = rig.soil()
    else:
        make, address, _ = I2C_DRIVERS[name]
        driver = make(rig.bus, address)
        rig.run(driver.probe())
    setattr(model.faults, fault, value)
    with pytest.raises(SensorError) as caught:
        for _ in range(2):
            rig.run(driver.read())
    assert caught.value.reason == reason
    assert model.faults.unfired() == []


def test_a_co2_sensor_that_lost_its_supply_is_started_again(rig):
    driver = SCD4xDriver(rig.bus, 98)
    rig.run(driver.probe())
    rig.fitted.parts["co2"].power_on()
    rig.world.run_for(1)
    with pytest.raises(SensorError, match="sensor_timeout"):
        rig.run(driver.read())
    rig.world.run_for(5)
    assert len(rig.run(driver.read())) == 3


def test_junk_before_a_modbus_answer_does_not_matter(rig):
    rig.fitted.parts["soil"].faults.junk = b"\x00\xff"
    assert len(reading(rig, rig.soil())) == len(SOIL_MAP["registers"])
    assert rig.fitted.parts["soil"].faults.fired["junk"]


# Modem


class Server:
    """Keeps what arrives and answers "ack" and the number of bytes."""

    def __init__(self, network: Network) -> None:
        self.arrived: list[bytes] = []
        network.bind(HOST, PORT, self.serve)

    def serve(self, datagram, source, reply) -> None:
        self.arrived.append(datagram)
        reply(b"ack %d" % len(datagram))


async def session(modem: BC26Driver, data: bytes) -> bytes | None:
    """One wake of a station."""
    await modem.start()
    await modem.attach("ctnb", 60_000)
    await modem.open_udp(HOST, PORT)
    await modem.send(data, release=True)
    answer = await modem.receive(20_000)
    await modem.close()
    return answer


def test_a_wake_from_power_off_to_the_answer(rig):
    server = Server(rig.network)
    modem = rig.modem()
    data = bytes(range(256)) + bytes(224)
    assert rig.run(session(modem, data)) == b"ack 480"
    assert server.arrived == [data]
    assert rig.model.settings["+QCGDEFCONT"] == '"IP","ctnb"'
    assert not modem.counters
    time_s = rig.run(modem.network_time())
    assert time_s == pytest.approx(rig.world.utc_s - SINCE_2024_S, abs=1.5)
    assert -140 <= rig.run(modem.signal())["rsrp_dbm"] <= -60


def test_sleep_and_the_wake_after_it(rig):
    server = Server(rig.network)
    modem = rig.modem()
    rig.run(session(modem, b"first"))
    rig.run(modem.sleep())
    rig.world.run_for(600)
    assert rig.model.state == "asleep"
    assert rig.run(session(modem, b"second")) == b"ack 6"
    assert server.arrived == [b"first", b"second"]
    assert rig.model.boots == 2  # the second boot was for the APN, none for the wake


@pytest.mark.parametrize(
    "fault, value, reason",
    [
        ("silent", True, "modem_silent"),
        ("cereg", 2, "reg_searching"),
        ("cereg", 3, "reg_denied"),
        ("error_on", {"AT+QIOPEN": "+CME ERROR: 561"}, "modem_error"),
        ("error_on", {"AT+CGATT": 100}, "modem_error"),
        ("send_fail", True, "send_failed"),
        ("send_ok_lost", True, "send_failed"),
    ],
)
def test_modem_faults_become_counted_reasons(rig, fault, value, reason):
    setattr(rig.model.faults, fault, value)
    modem = rig.modem()
    with pytest.raises(ModemError) as caught:
        rig.run(session(modem, b"x"))
    assert caught.value.reason == reason
    assert modem.counters[reason] >= 1
    assert rig.model.faults.unfired() == []


def test_a_hung_modem_is_freed_by_its_reset_pin(rig):
    Server(rig.network)
    modem = rig.modem()
    rig.run(session(modem, b"x"))
    rig.model.faults.hung = True
    assert rig.run(session(modem, b"y")) == b"ack 1"


def test_a_lost_datagram_is_told_as_nothing_received(rig):
    Server(rig.network)
    rig.network.away(True)
    assert rig.run(session(rig.modem(), b"x")) is None


def spoilt_session(make_rig, spoil: Any) -> tuple[Rig, bytes, bytes | None]:
    """Open, send and receive with one fault; return what the modem said and the answer."""
    rig = make_rig(9)
    server = Server(rig.network)
    modem = rig.modem()
    rig.run(modem.start())
    rig.run(modem.attach("", 60_000))
    said = bytearray()
    rig.model.attach(lambda data: (said.extend(data), modem._port.uart.rx.extend(data)))
    spoil(rig.model.faults)

    async def datagram() -> bytes | None:
        await modem.open_udp(HOST, PORT)
        await modem.send(b"hello")
        return await modem.receive(15_000)

    try:
        answer = rig.run(datagram())
    except DriverError as error:
        assert modem.counters[error.reason]
        answer = None
    assert server.arrived in ([], [b"hello"])  # never twice, never something else
    return rig, bytes(said), answer


def test_an_unsolicited_line_at_every_byte_of_a_session(make_rig):
    _, plain, answer = spoilt_session(make_rig, lambda faults: None)
    assert answer == b"ack 5"
    for position in range(len(plain)):
        rig, said, answer = spoilt_session(
            make_rig, lambda faults, at=position: faults.urc_at(at, "+CSCON: 1")
        )
        assert rig.model.faults.unfired() == []
        if plain[:position].endswith(b"\r\n"):  # between two lines it must not matter
            assert answer == b"ack 5", said
        else:  # a torn line may cost the datagram, and is counted then
            assert answer in (b"ack 5", None), said


@pytest.mark.parametrize("kind", ["drop_byte_at", "garble"])
def test_a_lost_or_garbled_byte_never_sends_twice_or_hangs(make_rig, kind):
    _, plain, _ = spoilt_session(make_rig, lambda faults: None)
    for position in range(len(plain)):
        rig, said, _ = spoilt_session(
            make_rig, lambda faults, at=position: getattr(faults, kind)(at)
        )
        assert rig.model.faults.fired[kind] == 1, said
