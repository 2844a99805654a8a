"""Drivers on CPython over the models: a coroutine that sleeps lets the world run."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

import drivers.modem
import drivers.rs485
from drivers.bc26 import BC26
from drivers.bc95 import BC95
from drivers.errors import DriverError
from drivers.modbus_probe import ModbusProbe
from drivers.rs485 import RS485
from drivers.sim7020 import SIM7020

from .virtual.models import Fitted, build
from .virtual.models.i2c import Nack
from .virtual.network import Network
from .virtual.scene import Scene
from .virtual.world import World

ROOT = Path(__file__).parent.parent
MANIFEST = json.loads((ROOT / "boards" / "greenhouse_esp32.json").read_text())["fieldbeat"]
SOIL_MAP = json.loads((ROOT / "drivers" / "maps" / "soil_7in1_womaster.json").read_text())
SINCE_2024_S = 1_704_067_200
HOST, PORT = "203.0.113.7", 5683
DRIVERS = {"bc26": BC26, "bc95": BC95, "sim7020": SIM7020}


def manifest(modem: str) -> dict[str, Any]:
    """Return the greenhouse board with another modem."""
    baud = 9_600 if modem == "bc95" else 115_200
    buses = MANIFEST["buses"] | {"modem": MANIFEST["buses"]["modem"] | {"baud": baud}}
    return MANIFEST | {"buses": buses, "modem": MANIFEST["modem"] | {"part": modem}}


def run(coroutine: Coroutine) -> Any:
    """Run a driver's coroutine to its end in virtual time."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the driver waits for something that is not in virtual time")


def sleeps_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `asyncio.sleep_ms` of MicroPython take a world's time."""

    async def sleep_ms(ms: int) -> None:
        world.run_for(ms / 1000)

    monkeypatch.setattr(asyncio, "sleep_ms", sleep_ms, raising=False)


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
        self.baud = device.baud
        device.attach(lambda data: self.rx.extend(device.garbled(data, self.baud)))

    def init(self, baudrate: int) -> None:
        self.baud = baudrate

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
        said = self.device.garbled(bytes(data), self.baud)
        self.world.call_at(begin_us, lambda: self.device.receive(said))
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

    def __init__(self, seed: int = 5, modem: str = "bc26") -> None:
        self.world = World(seed)
        self.scene = Scene(self.world.start)
        self.network = Network(self.world)
        self.part = modem
        self.fitted = build(self.world, manifest(modem), self.scene, self.network)
        self.bus = Bus(self.fitted)
        assert self.fitted.modem is not None
        self.model = self.fitted.modem
        self.world.run_for(0.1)

    run = staticmethod(run)

    def soil(self) -> ModbusProbe:
        uart = Uart(self.world, self.fitted.uart["rs485"])
        return ModbusProbe(RS485(uart, Pin(self.fitted.pins[27])), 1, SOIL_MAP)

    def modem(self) -> Any:
        uart = Uart(self.world, self.model)
        key = Pin(self.model.pwrkey) if self.model.PWRKEY else None
        return DRIVERS[self.part](uart, key, Pin(self.model.reset))

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the drivers wait in this world's time."""

        sleeps_in(self.world, monkeypatch)
        monkeypatch.setattr(drivers.modem, "time", Ticks(self.world))
        for module in (drivers.modem, drivers.rs485):
            monkeypatch.setattr(module, "UARTPort", Port)


class Server:
    """Keeps what arrives and answers "ack" and the number of bytes."""

    def __init__(self, network: Network, host: str = HOST) -> None:
        self.arrived: list[bytes] = []
        network.bind(host, PORT, self.serve)

    def serve(self, datagram: bytes, source: Any, reply: Any) -> None:
        self.arrived.append(datagram)
        reply(b"ack %d" % len(datagram))


@pytest.fixture
def make_rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Rig]]:
    """Make the rig of a modem in place of the one before."""
    rigs: list[Rig] = []

    def make(modem: str = "bc26", seed: int = 5) -> Rig:
        close()
        rigs.append(Rig(seed, modem))
        rigs[-1].patch(monkeypatch)
        return rigs[-1]

    def close() -> None:
        while rigs:
            rigs.pop().world.close()

    yield make
    close()


async def session(modem: Any, data: bytes, host: str = HOST, release: int = 2) -> bytes | None:
    """One wake of a station."""
    await modem.start()
    await modem.attach("ctnb", 60_000)
    await modem.open_udp(host, PORT)
    await modem.send(data, release)
    answer = await modem.receive(20_000)
    await modem.close()
    return answer


def spoilt_session(rig: Rig, spoil: Callable[[Any], object]) -> tuple[bytes, bytes | None]:
    """Open, send and receive with one fault; return what the modem said and the answer."""
    server = Server(rig.network)
    modem = rig.modem()
    rig.run(modem.start())
    rig.run(modem.attach("", 60_000))
    said = bytearray()

    def heard(data: bytes) -> None:
        said.extend(data)
        modem._port.uart.rx.extend(data)

    rig.model.attach(heard)
    spoil(rig.model.faults)

    async def datagram() -> bytes | None:
        await modem.open_udp(HOST, PORT)
        await modem.send(b"hello", release=2)
        return await modem.receive(15_000)

    begin_s = rig.world.now_us / 1e6
    try:
        answer = rig.run(datagram())
    except DriverError as error:
        assert modem.counters[error.reason]
        answer = None
    assert rig.model.faults.unfired() == []
    assert server.arrived in ([], [b"hello"])  # never twice, never something else
    assert rig.world.now_us / 1e6 - begin_s < 70
    return bytes(said), answer
