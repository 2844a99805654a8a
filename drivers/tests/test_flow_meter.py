# SPDX-License-Identifier: Apache-2.0
import drivers.flow_meter
from drivers.errors import SensorError
from drivers.flow_meter import FlowMeter, Pulses
from drivers.tests.support import Clock, fails, run


class Store(dict):
    writes = 0

    def put(self, name, value):
        self.writes += 1
        self[name] = value


class Pin:
    IRQ_RISING, IRQ_FALLING = 1, 2

    def irq(self, handler, trigger):
        self.handler, self.trigger = handler, trigger


class Rig:
    def __init__(self, store=None, pulses_per_l=450, active=0, **options):
        self.clock = drivers.flow_meter.time = Clock()
        self.store = Store() if store is None else store
        self.pin = Pin()
        self.meter = FlowMeter(Pulses(self.pin, active), self.store, pulses_per_l, **options)

    # So many pulses within a time, and a reading after it.
    def read(self, pulses, ms=60000):
        for _ in range(pulses):
            self.pin.handler(self.pin)
        self.clock.now_ms += ms
        return run(self.clock, self.meter.read())


def test_litres_and_litres_a_minute():
    for per_l, pulses, ms, expected in (
        (450, 4500, 60000, (100, 1000)),  # YF-S201: 10 l in a minute
        (450, 4500, 300000, (100, 200)),
        (1, 3, 60000, (30, 300)),  # a water meter with a reed, a pulse a litre
        (10, 7, 60000, (7, 70)),
        (450, 0, 60000, (0, 0)),
        (450, 44, 60000, (0, 10)),  # less than a tenth of a litre
    ):
        assert Rig(pulses_per_l=per_l).read(pulses, ms) == expected


def test_the_volume_adds_up_without_losing_a_pulse():
    rig = Rig()
    for n in range(1, 101):
        volume, flow = rig.read(44, 10000)
        assert volume == n * 440 // 450 and flow == 59
    assert volume == 97


def test_who_reads_again_at_once_gets_the_same_answer():
    rig = Rig()
    first = rig.read(900)
    assert rig.read(100, 200) == first and rig.read(0, 100) == first
    assert rig.read(350, 700) == (30, 6000 * 450 // 450)  # and then what came meanwhile counts


def test_the_count_goes_on_after_a_reset():
    rig = Rig()
    rig.read(4500)
    rig = Rig(rig.store)
    assert rig.read(0) == (100, 0)
    assert rig.read(450) == (110, 100)


def test_the_store_is_written_once_a_reading_and_only_for_news():
    rig = Rig()
    rig.read(4500)
    rig.read(0)
    rig.read(3)
    assert rig.store.writes == 1 and rig.store == {"flow": 100}


def test_a_store_that_fails_costs_nothing_while_there_is_power():
    class Full(Store):
        def put(self, name, value):
            if value < 200:
                raise OSError(-0x1105)
            self[name] = value

    rig = Rig(Full())
    assert rig.read(4500) == (100, 1000) and rig.store == {}
    assert rig.read(4500) == (200, 1000) and rig.store == {"flow": 200}


def test_a_cable_that_hums_is_told():
    rig = Rig(pulses_per_l=1, most_l_min=100)
    rig.read(50)
    for _ in range(200):
        rig.pin.handler(rig.pin)
    rig.clock.now_ms += 60000
    assert fails(SensorError, rig.clock, rig.meter.read()).reason == "sensor_range"
    assert rig.read(50)[1] == 5000


def test_the_edge_that_counts():
    assert Rig().pin.trigger == Pin.IRQ_FALLING
    assert Rig(active=1).pin.trigger == Pin.IRQ_RISING


def test_a_counter_of_the_chip_that_ran_on_through_a_reset():
    class Counter:
        def value(self):
            return 1000

    drivers.flow_meter.time = clock = Clock()
    meter = FlowMeter(Counter(), Store(), 450)
    clock.now_ms += 60000
    run(clock, meter.probe())
    assert run(clock, meter.read()) == (0, 0)
