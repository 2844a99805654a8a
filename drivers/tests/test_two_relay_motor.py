# A motor's two relays: never both, with a rest between them, whatever the order of the calls.
# SPDX-License-Identifier: Apache-2.0
import drivers.two_relay_motor
from drivers.tests.support import Clock, run
from drivers.two_relay_motor import TwoRelayMotor
from protocols.travel import CLOSE, OPEN

TRAVEL_MS, DEAD_MS = 60000, 2000


class Bench:
    # Two relays, as whoever holds a probe at them sees them, and the motor behind.
    def __init__(self, active=1, stops=False, at=50.0, start_ms=(1 << 30) - 5000):
        self.now_ms = start_ms
        self.active = active
        self.levels = {"open": 1 - active, "close": 1 - active}
        self.edges = []  # the last ones: (ms, name, whether it is closed now)
        self.count = 0
        self.let_go_ms = {"open": -DEAD_MS, "close": -DEAD_MS}
        self.at = at
        self.begin_ms = start_ms
        drivers.two_relay_motor.time = self
        pins = Line(self, "open"), Line(self, "close")
        reads = (lambda: self.at >= 100, lambda: self.at <= 0) if stops else (None, None)
        self.motor = TwoRelayMotor(*pins, TRAVEL_MS, DEAD_MS, active, reads)

    def ticks_ms(self):
        return self.now_ms % (1 << 30)

    def ticks_diff(self, a, b):
        return (a - b + (1 << 29)) % (1 << 30) - (1 << 29)

    def closed(self, name):
        return self.levels[name] == self.active

    def put(self, value):
        run(Clock(), self.motor.put(value))

    def pass_s(self, seconds):
        for _ in range(seconds * 10):
            self.now_ms += 100
            way = int(self.closed("open")) - int(self.closed("close"))
            self.at = min(max(self.at + way * 100 * 100 / TRAVEL_MS, 0), 100)
            self.motor.tend()

    def changed(self, name, level):
        if level == self.levels[name]:
            return
        self.levels[name] = level
        now_ms = self.now_ms - self.begin_ms
        self.edges = self.edges[-20:] + [(now_ms, name, self.closed(name))]
        self.count += 1
        other = "close" if name == "open" else "open"
        assert not (self.closed("open") and self.closed("close")), self.edges
        if self.closed(name):
            assert now_ms - self.let_go_ms[other] >= DEAD_MS, self.edges
        else:
            self.let_go_ms[name] = now_ms


class Line:
    def __init__(self, bench, name):
        self.bench = bench
        self.name = name

    def value(self, level):
        self.bench.changed(self.name, level)


def test_it_runs_to_where_it_is_to_be():
    for active in (1, 0):
        for stops in (True, False):
            bench = Bench(active, stops)
            for target in (30, 80, 0, 100, 55):
                bench.put(target)
                bench.pass_s(160)
                assert abs(bench.at - target) <= 1.5, (active, stops, target, bench.at)
                assert run(Clock(), bench.motor.read()) == (target,)
                assert bench.motor.tend() == 0 and not bench.motor.lost


def test_the_pins_of_a_run():
    bench = Bench(at=0.0, stops=True)
    bench.put(100)
    bench.pass_s(70)
    # It rests first: a reset may just have stopped it on its way to the other end.
    assert bench.edges == [(DEAD_MS, "open", True), (DEAD_MS + 60000, "open", False)]


def test_a_change_of_mind_waits_for_the_dead_time():
    bench = Bench(stops=True)
    bench.put(100)
    bench.pass_s(5)
    bench.put(0)
    assert bench.motor.tend()
    bench.pass_s(100)
    names = [(name, closed) for _, name, closed in bench.edges]
    assert names == [("open", True), ("open", False), ("close", True), ("close", False)]
    assert bench.edges[2][0] - bench.edges[1][0] >= DEAD_MS


def test_never_both_in_any_order_of_calls():
    state = 1
    for stops in (True, False):
        bench = Bench(stops=stops)
        for _ in range(3000):
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            kind = state >> 16 & 7
            if kind < 3:
                bench.put((0, 100, state >> 20 & 63)[kind])
            elif kind == 3:
                bench.motor.off()
            elif kind == 4:  # past all that reckons with time and place
                bench.motor._drive((OPEN, CLOSE, 0)[(state >> 20) % 3])
            else:
                bench.now_ms += state >> 20 & 1023
                bench.motor.tend()
        assert bench.count > 100


def test_a_start_may_be_a_reset_of_a_motor_that_still_turns():
    bench = Bench()
    bench.motor._drive(CLOSE)  # past all that reckons with time and place
    assert not bench.closed("close")
    bench.now_ms += DEAD_MS
    bench.motor._drive(CLOSE)
    assert bench.closed("close")


def test_off_is_at_once_and_forgets_where_it_is():
    bench = Bench(stops=True)
    bench.put(0)
    bench.pass_s(70)
    bench.put(100)
    bench.pass_s(10)
    bench.motor.off()
    assert not bench.closed("open") and not bench.closed("close")
    bench.pass_s(60)
    assert run(Clock(), bench.motor.read()) == (None,) and bench.motor.tend() == 0
    bench.put(50)  # by an end, since somebody may have moved it
    bench.pass_s(130)
    assert abs(bench.at - 50) < 1.5


def test_an_end_stop_that_does_not_come_is_told_and_tried_again_when_told_so():
    bench = Bench(stops=True, at=50.0)
    bench.motor._stops = (lambda: False, lambda: False)
    bench.put(100)
    bench.pass_s(130)
    assert bench.motor.lost and not bench.closed("open")
    bench.motor.off()
    assert not bench.motor.lost and bench.motor.tend() == 0
    bench.put(100)
    bench.pass_s(1)
    assert not bench.motor.lost and bench.closed("open")
