# SPDX-License-Identifier: Apache-2.0
import drivers.rain_gauge
from drivers.errors import SensorError
from drivers.rain_gauge import RainGauge
from drivers.tests.support import Clock, fails, run


class Store(dict):
    def put(self, name, value):
        self[name] = value


class Pin:
    # A contact to ground. Edges call back at once, or late: then all of them at the end.
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, clock, closed=False):
        self.clock = clock
        self.closed = closed
        self.handler = None

    def value(self):
        return int(not self.closed)

    def irq(self, handler, trigger):
        assert trigger == 3
        self.handler = handler

    def set(self, closed, after_ms=0, told=True):
        self.clock.now_ms += after_ms
        self.closed = closed
        if told:
            self.handler(self)


class Rig:
    def __init__(self, store=None, closed=False, **options):
        self.clock = drivers.rain_gauge.time = Clock()
        self.store = Store() if store is None else store
        self.pin = Pin(self.clock, closed)
        self.gauge = RainGauge(self.pin, self.store, **options)

    # A passage of the bucket: closed for 80 ms, with bounces of 1 ms at both ends.
    def tip(self, bounces=0, pause_ms=1500):
        self.clock.now_ms += pause_ms
        for closed in (True, False):
            self.pin.set(closed)
            for _ in range(bounces):
                self.pin.set(not closed, 1)
                self.pin.set(closed, 1)
            self.clock.now_ms += 80

    def read(self):
        return run(self.clock, self.gauge.read())

    def reason(self):
        return fails(SensorError, self.clock, self.gauge.read()).reason


def test_tips_are_counted_in_tenths_of_a_millimetre():
    for tip_um, tips, tenths in ((200, 3, 6), (500, 3, 15), (100, 7, 7), (254, 10, 25)):
        rig = Rig(tip_um=tip_um)
        assert rig.read() == (0,)
        for _ in range(tips):
            rig.tip()
        assert rig.read() == (tenths,) and rig.store == {"rain": tips}
    assert RainGauge.CHANNELS == (("rain", "mm", 10),)


def test_what_bounces_is_one_tip():
    for bounces in range(8):
        rig = Rig()
        for _ in range(10):
            rig.tip(bounces)
        assert rig.gauge.tips == 10 and rig.read() == (20,)


def test_as_fast_as_it_rains_and_a_little_faster():
    rig = Rig()
    for _ in range(40):
        rig.tip(2, pause_ms=150)
    assert rig.gauge.tips == 40


def test_the_count_goes_on_after_a_sleep_or_a_reset():
    rig = Rig()
    for _ in range(5):
        rig.tip()
    rig = Rig(rig.store)
    assert rig.read() == (10,)
    rig.gauge.woke()  # the one that has woken it had its edges before
    rig.tip()
    assert rig.read() == (14,)


def test_a_store_that_fails_costs_no_tip():
    class Full(Store):
        def put(self, name, value):
            if value < 3:
                raise OSError(-0x1105)
            self[name] = value

    rig = Rig(Full())
    for _ in range(3):
        rig.tip()
    assert rig.read() == (6,) and rig.store == {"rain": 3}


def test_woken_by_a_contact_that_is_still_closed():
    rig = Rig(closed=True)
    rig.gauge.woke()
    rig.pin.set(False, 60)
    rig.tip()
    assert rig.gauge.tips == 2


def test_a_callback_that_comes_late_finds_the_contact_open_and_counts():
    rig = Rig()
    for _ in range(3):
        rig.pin.set(True, 2000, told=False)
        rig.pin.set(False, 90, told=False)
        for _ in range(2):  # one for each edge
            rig.pin.handler(rig.pin)
    assert rig.gauge.tips == 3


def test_a_contact_that_stays_closed_is_told_and_counts_again_when_it_opens():
    rig = Rig()
    rig.tip()
    rig.pin.set(True, 1000)
    assert rig.read() == (4,)
    rig.clock.now_ms += 10000
    assert rig.reason() == "sensor_range"
    rig.clock.now_ms += 86400000
    assert rig.reason() == "sensor_range"
    rig.pin.set(False)
    assert rig.read() == (4,)
    rig.tip()
    assert rig.read() == (6,)


def test_a_contact_that_hums_is_told_and_counts_next_to_nothing():
    rig = Rig()
    for n in range(200):
        rig.pin.set(n % 2 == 0, 10)
    for _ in range(3):  # a sampler tries again at once
        assert rig.reason() == "sensor_range" and rig.gauge.tips == 1
        rig.clock.now_ms += 200
    rig.clock.now_ms += 1000
    rig.tip(3)
    assert rig.read() == (4,)


def test_a_drought_of_weeks_takes_no_tip():
    rig = Rig()
    rig.tip()
    for _ in range(20):
        rig.clock.now_ms += 86400000
        assert rig.read() == (2,)
    rig.tip()
    assert rig.read() == (4,)
