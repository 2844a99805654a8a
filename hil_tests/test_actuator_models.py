"""Actuators: the models by themselves, and the drivers against them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import drivers.latching_valve
import drivers.rs485
import drivers.two_relay_motor
from drivers.errors import DriverError
from drivers.latching_valve import LatchingValve
from drivers.modbus_relay import ModbusRelay
from drivers.pwm_output import PWMOutput
from drivers.relay import Relay
from drivers.rs485 import RS485
from drivers.two_relay_motor import TwoRelayMotor

from .driver_rig import Pin, Port, Ticks, Uart, run, sleeps_in
from .virtual.models import build
from .virtual.models.modbus_slave import crc16
from .virtual.network import Network
from .virtual.scene import Scene
from .virtual.world import World

ROOT = Path(__file__).parent.parent
TIMED = json.loads((ROOT / "drivers" / "maps" / "relays_8_timed.json").read_text())
RELAYS = json.loads((ROOT / "drivers" / "maps" / "relays_8.json").read_text())
VALVE = {"part": "latching_valve", "open": 12, "close": 0, "pulse_ms": 40}


class Pwm:
    """machine.PWM over a listener."""

    def __init__(self, listener: Any) -> None:
        self.listener = listener

    def duty_u16(self, duty: int) -> None:
        self.listener.duty(duty / 65535)


class Rig:
    """The actuators of the climate board and a latching valve, and drivers on CPython."""

    def __init__(self) -> None:
        self.world = World(4)
        self.scene = Scene(self.world.start)
        path = ROOT / "boards" / "greenhouse_climate_esp32.json"
        spec = json.loads(path.read_text())["fieldbeat"]
        spec["fitted"]["drip"] = VALVE
        self.spec = spec
        self.fitted = build(self.world, spec, self.scene, Network(self.world))
        self.parts = self.fitted.parts
        self.outputs = self.scene.plant.outputs

    def pin(self, number: int) -> Pin:
        return Pin(self.fitted.pins[number])

    def mist(self, map: dict[str, Any] = RELAYS) -> ModbusRelay:
        line = self.fitted.uart["rs485"]
        bus = RS485(Uart(self.world, line), Pin(line.enable), 9600)
        return ModbusRelay(bus, 16, map, 1)

    def roof(self) -> TwoRelayMotor:
        stops = [
            lambda own=self.fitted.inputs[pin]: own.level(False)  # type: ignore[misc]
            for pin in (36, 39)
        ]
        return TwoRelayMotor(self.pin(32), self.pin(33), 120_000, 2000, 1, tuple(stops))


@pytest.fixture
def rig(monkeypatch):
    rig = Rig()
    ticks: Any = Ticks(rig.world)
    ticks.sleep_ms = lambda ms: rig.world.run_for(ms / 1000)
    monkeypatch.setattr(drivers.rs485, "UARTPort", Port)
    monkeypatch.setattr(drivers.rs485, "time", ticks)
    monkeypatch.setattr(drivers.latching_valve, "time", ticks)
    monkeypatch.setattr(drivers.two_relay_motor, "time", ticks)
    sleeps_in(rig.world, monkeypatch)
    yield rig
    rig.world.close()


def test_everything_is_at_rest_at_first_and_told(rig):
    names = {"valve", "pump", "heater", "fan", "lamp", "roof", "mist", "feed", "drip"}
    assert rig.outputs == dict.fromkeys(names, 0)


def test_a_relay(rig):
    pump, model = Relay(rig.pin(14)), rig.parts["pump"]
    rig.world.run_for(5)
    run(pump.put(100))
    rig.world.run_for(5)
    model.released()
    assert rig.scene.plant.runs("pump") == [(5, 10)]
    model.faults.dead = True
    run(pump.put(100))
    assert rig.outputs["pump"] == 0
    model.faults.dead, model.faults.welded = False, True
    run(pump.put(100))
    pump.off()
    assert rig.outputs["pump"] == 1 and model.faults.unfired() == []


def test_a_lamp(rig):
    lamp = PWMOutput(Pwm(rig.parts["lamp"]))
    run(lamp.put(40))
    assert rig.outputs["lamp"] == 0.4
    rig.parts["lamp"].released()
    assert rig.outputs["lamp"] == 0


def test_a_latching_valve_keeps_its_state_and_its_coils(rig):
    valve, model = LatchingValve(rig.pin(12), rig.pin(0), 40), rig.parts["drip"]
    run(valve.put(100))
    for coil in model.coils.values():
        coil.released()
    assert model.open and rig.outputs["drip"] == 1
    valve.off()
    assert not model.open and (model.burnt, model.shorts) == (0, 0)
    assert [(which, for_us) for _, which, for_us in model.pulses] == [
        ("open", 40_000),
        ("close", 40_000),
    ]
    model.coils["open"].changed(1)
    rig.world.run_for(0.015)
    model.coils["open"].changed(0)
    assert not model.open  # too short
    model.coils["open"].changed(1)
    model.coils["close"].changed(1)
    rig.world.run_for(1)
    model.coils["open"].changed(0)
    model.coils["close"].changed(0)
    assert (model.burnt, model.shorts) == (2, 1)
    model.faults.jammed = True
    run(valve.put(100))
    assert not model.open and model.faults.fired["jammed"]


def passes(rig: Rig, motor: TwoRelayMotor, seconds: float) -> None:
    """Lets the driver be tended, as the firmware does."""
    for _ in range(round(seconds * 10)):
        rig.world.run_for(0.1)
        motor.tend()


@pytest.mark.parametrize("pace", [1.0, 0.96, 1.04])
def test_a_motor_moves_with_time_and_stops_at_its_ends(rig, pace):
    motor, model = rig.roof(), rig.parts["roof"]
    model.travel_us /= pace
    model.place(0.37)
    for target in (0, 40, 70, 100, 55):
        run(motor.put(target))
        passes(rig, motor, 140)
        assert model.position == pytest.approx(target / 100, abs=0.05), target
        assert rig.outputs["roof"] == pytest.approx(model.position, abs=1e-3)
    assert not model.shorts and not motor.lost
    assert len(model.reversals) == 2 and all(rest >= 2_000_000 for _, rest in model.reversals)
    changes = [at_us for at_us, name, _ in rig.scene.plant.changes if name == "roof"]
    assert len(changes) > 200  # in small steps


@pytest.mark.parametrize("fault", ["stalled", "blind"])
def test_a_motor_that_does_not_come_to_its_end_is_noticed(rig, fault):
    motor, model = rig.roof(), rig.parts["roof"]
    model.place(0.6)
    setattr(model.faults, fault, True)
    run(motor.put(100))
    passes(rig, motor, 140)
    assert motor.lost and model.faults.fired[fault]
    assert not any(relay.closed for relay in model.relays.values())


@pytest.mark.parametrize("safe", [0, 100])
def test_a_motor_without_end_stops_goes_to_its_safe_end_after_a_start(rig, safe):
    model = rig.parts["roof"]
    model.place(0.7)
    motor = TwoRelayMotor(rig.pin(32), rig.pin(33), 120_000, 2000)
    motor.safe = safe
    run(motor.put(30))
    passes(rig, motor, 135)
    places = [at for at_us, name, at in rig.scene.plant.changes if name == "roof"]
    assert safe / 100 in places
    passes(rig, motor, 120)
    assert model.position == pytest.approx(0.3, abs=0.02) and not motor.lost


def test_both_relays_at_once_are_seen(rig):
    model = rig.parts["roof"]
    for pin in (32, 33):
        rig.fitted.pins[pin].changed(1)
    assert model.shorts == [rig.world.now_us]


def test_a_relay_board(rig):
    mist, model = rig.mist(), rig.parts["mist"]
    run(mist.put(100))
    assert model.coils == [True] + [False] * 7 and rig.outputs["mist"] == 1
    assert run(mist.read()) == (100,)
    mist.off()
    rig.world.run_for(0.1)
    assert rig.outputs["mist"] == 0
    run(mist.put(100))
    model.cut()
    assert rig.outputs["mist"] == 0 and run(mist.read()) == (0,)
    told = [(1, True), (1, False), (1, False), (1, True)]  # off by a reset is said twice
    assert [(output, on) for _, output, on in model.writes] == told


def test_a_relay_board_that_knows_a_time_opens_when_its_line_is_cut(rig):
    mist = rig.mist(TIMED)
    run(mist.put(100, 3))
    assert rig.outputs["mist"] == 1
    rig.world.run_for(2)
    run(mist.put(100, 3))  # its time begins anew
    rig.world.run_for(2.5)
    assert rig.outputs["mist"] == 1
    rig.world.run_for(0.6)
    assert rig.outputs["mist"] == 0 and run(mist.read()) == (0,)
    run(mist.put(100, 3))
    run(mist.put(0))
    run(mist.put(100))
    rig.world.run_for(24)
    assert rig.outputs["mist"] == 1  # the first time is forgotten
    rig.world.run_for(2)
    assert rig.outputs["mist"] == 0


@pytest.mark.parametrize(
    ("fault", "value", "reason"),
    [
        ("unplugged", True, "sensor_timeout"),
        ("bad_crc", True, "sensor_crc"),
        ("poses_as", 17, "sensor_crc"),
        ("slow", 2000, "sensor_timeout"),
        ("stuck", True, "actuator_no_effect"),
        ("deaf", True, "actuator_no_effect"),
    ],
)
def test_a_relay_board_that_fails_is_told_by_its_reason(rig, fault, value, reason):
    mist, model = rig.mist(), rig.parts["mist"]
    setattr(model.faults, fault, value)
    with pytest.raises(DriverError) as caught:
        run(mist.put(100))
    assert caught.value.reason == reason and model.faults.unfired() == []
    setattr(model.faults, fault, type(value)(0))
    rig.world.run_for(3)
    run(mist.put(100))
    assert rig.outputs["mist"] == 1


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("100500000001", "108503"),  # neither on nor off
        ("10050008ff00", "108502"),  # it has eight
        ("100100000009", "108102"),
        ("100300000001", "108301"),  # it has no registers
        ("100100000008", "10010100"),
    ],
)
def test_what_a_relay_board_answers(rig, body, answer):
    frame = bytes.fromhex(body)
    _, data = rig.parts["mist"].respond(frame + crc16(frame).to_bytes(2, "little"))
    assert data[:-2] == bytes.fromhex(answer) and crc16(data) == 0
