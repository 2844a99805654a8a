# Relay, PWM, latching valve: what they do to their pins, in order and in time.
# SPDX-License-Identifier: Apache-2.0
import drivers.latching_valve
from drivers.latching_valve import LatchingValve
from drivers.pwm_output import PWMOutput
from drivers.relay import Relay
from drivers.tests.support import Clock, run


class Pins:
    # Writes down "ms name level" of all its pins.
    def __init__(self):
        self.now_ms = 0
        self.log = []

    def pin(self, name):
        return Line(self, name)

    def sleep_ms(self, ms):
        self.now_ms += ms

    def take(self):
        log, self.log = self.log, []
        return log


class Line:
    def __init__(self, pins, name):
        self.pins = pins
        self.name = name

    def value(self, level):
        self.pins.log.append("%d %s %d" % (self.pins.now_ms, self.name, level))

    duty_u16 = value


def put(driver, value):
    run(Clock(), driver.put(value))
    assert run(Clock(), driver.read()) == (value,)


def test_a_relay_closes_at_its_level():
    for active in (1, 0):
        pins = Pins()
        relay = Relay(pins.pin("coil"), active)
        for value in (100, 40, 0):
            put(relay, value)
        relay.off()
        levels = [active, active, 1 - active, 1 - active]
        assert pins.take() == ["0 coil %d" % level for level in levels]
        assert relay.value == 0 and relay.tend() == 0 and not relay.lost


def test_a_lamp_follows_the_duty():
    pins = Pins()
    lamp = PWMOutput(pins.pin("duty"))
    for value in (0, 1, 50, 100):
        put(lamp, value)
    lamp.off()
    assert pins.take() == ["0 duty %d" % duty for duty in (0, 655, 32767, 65535, 0)]
    lamp = PWMOutput(pins.pin("duty"), 0)
    put(lamp, 100)
    lamp.off()
    assert pins.take() == ["0 duty 0", "0 duty 65535"]


def test_a_valve_gets_pulses_and_never_two_at_once():
    pins = Pins()
    drivers.latching_valve.time = pins
    valve = LatchingValve(pins.pin("open"), pins.pin("close"), 40)
    put(valve, 100)
    assert pins.take() == ["0 open 0", "0 close 0", "0 open 1", "40 open 0"]
    put(valve, 0)
    assert pins.take() == ["40 open 0", "40 close 0", "40 close 1", "80 close 0"]
    valve.off()
    assert pins.take() == ["80 open 0", "80 close 0", "80 close 1", "120 close 0"]


def test_a_pulse_ends_whatever_happens():
    pins = Pins()

    class Broken(Pins):
        def sleep_ms(self, ms):
            raise KeyboardInterrupt

    drivers.latching_valve.time = Broken()
    valve = LatchingValve(pins.pin("open"), pins.pin("close"), 40)
    try:
        valve.off()
    except KeyboardInterrupt:
        pass
    assert pins.take()[-2:] == ["0 close 1", "0 close 0"]
