# Motors between two ends, against a motor that has slip, end stops and inertia of its own.
# SPDX-License-Identifier: Apache-2.0
from protocols.travel import CLOSE, OPEN, Travel

STEP_MS = 50


class Motor:
    # What is out there: per cent that it is open, and what it was made to do.
    def __init__(self, at=37.0, percent_s=1.0, stops=False):
        self.at = at
        self._percent_s = percent_s
        self._stops = stops
        self.runs = []  # [direction, from ms, to ms]
        self.pushed_ms = 0  # against an end

    def run(self, direction, now_ms):
        if direction:
            if (
                self.runs
                and self.runs[-1][0] == direction
                and self.runs[-1][2] == now_ms - STEP_MS
            ):
                self.runs[-1][2] = now_ms
            else:
                self.runs.append([direction, now_ms, now_ms])
            self.at += direction * self._percent_s * STEP_MS / 1000
        if not 0 <= self.at <= 100:
            self.pushed_ms += STEP_MS
        self.at = min(max(self.at, 0), 100)

    def stops(self):
        return (self.at >= 100, self.at <= 0) if self._stops else (None, None)


def lived(travel, motor, targets, seconds=260):
    now_ms = 0
    for target in targets:
        travel.go(target)
        for _ in range(seconds * 1000 // STEP_MS):
            motor.run(travel.step(now_ms, motor.stops()), now_ms)
            now_ms += STEP_MS
        yield motor.at


def test_it_comes_where_it_is_to_be():
    for stops in (False, True):
        travel, motor = Travel(100000, 2000), Motor(stops=stops)
        targets = (30, 80, 100, 55, 0, 1, 20, 21, 100, 100, 0)
        for target, at in zip(targets, lived(travel, motor, targets)):
            wanted = {1: 0, 21: 20}.get(target, target)  # no run for a per cent
            assert abs(at - wanted) <= 1.2, (stops, target, at)
        assert not stops or motor.pushed_ms <= 10 * STEP_MS  # its stop is heard a step later
        assert not travel.lost


def test_the_first_run_finds_an_end():
    travel, motor = Travel(100000, 2000), Motor(at=90.0)
    assert [round(at) for at in lived(travel, motor, (40,))] == [40]
    assert [run[0] for run in motor.runs] == [CLOSE, OPEN]
    assert motor.pushed_ms >= 10000  # by a tenth, since it knew nothing


def test_what_stands_nowhere_known_goes_to_its_safe_end_first():
    for home in (OPEN, CLOSE):
        for target in (0, 10, 50, 90, 100):
            travel, motor = Travel(100000, 2000), Motor(at=70.0)
            travel.home = home
            (at,) = lived(travel, motor, (target,), seconds=300)
            assert abs(at - target) <= 1.2
            way, begin_ms, end_ms = motor.runs[0]
            assert way == (home if 0 < target < 100 else OPEN if target else CLOSE)
            assert 110000 - STEP_MS <= end_ms - begin_ms <= 111000  # all the way and a tenth


def test_it_rests_between_two_directions():
    travel, motor = Travel(100000, 2000), Motor(at=50.0)
    for _ in lived(travel, motor, (50,)):
        pass
    now_ms, before = 10**6, len(motor.runs)
    for second in range(60):  # never comes there
        travel.go((0, 100, 0, 70, 30, 90)[second // 7 % 6])
        for _ in range(0, 1000, STEP_MS):
            motor.run(travel.step(now_ms), now_ms)
            now_ms += STEP_MS
    runs = motor.runs[before:]
    assert [run[0] for run in runs[:4]] == [CLOSE, OPEN, CLOSE, OPEN]
    for earlier, after in zip(runs, runs[1:]):
        assert after[1] - earlier[2] > 2000


def test_errors_do_not_add_up():
    travel, motor = Travel(100000, 1000), Motor(at=0.0, percent_s=0.93)
    targets = (0,) + (60, 20, 70, 10) * 6 + (100, 50)
    last = list(lived(travel, motor, targets, seconds=120))
    assert abs(last[-1] - 50) < 6  # an end makes it known again


def test_an_end_stop_that_does_not_come_is_told():
    travel, motor = Travel(100000, 1000), Motor(at=50.0, percent_s=0.0, stops=True)
    for _ in lived(travel, motor, (100,)):
        pass
    assert travel.lost and travel.direction == 0 and travel.position is None
    assert motor.runs[-1][2] - motor.runs[-1][1] <= 111000
    assert len(motor.runs) == 1


def test_a_new_target_on_the_way():
    travel, motor = Travel(100000, 1000), Motor(at=0.0)
    for target, at in zip((0, 80, 20), lived(travel, motor, (0, 80, 20), seconds=130)):
        assert abs(at - target) < 1.5
    travel.go(90)
    now_ms = 10**7
    for n in range(20 * 1000 // STEP_MS):
        motor.run(travel.step(now_ms + n * STEP_MS), now_ms + n * STEP_MS)
    travel.halt(now_ms + 20 * 1000)
    assert travel.direction == 0
    assert abs(travel.position - 40) <= 1 and abs(motor.at - 40) < 1.5


def test_a_target_that_becomes_an_end_on_the_way_ends_there():
    for stops in (False, True):
        for end in (0, 100):
            travel, motor = Travel(100000, 1000), Motor(at=0.0, stops=stops)
            for _ in lived(travel, motor, (0, 50)):
                pass
            before_ms, now_ms = motor.pushed_ms, 10**7
            travel.go(80 if end else 20)
            for n in range(200 * 1000 // STEP_MS):
                if n == 10 * 1000 // STEP_MS:
                    travel.go(end)
                motor.run(travel.step(now_ms + n * STEP_MS, motor.stops()), now_ms + n * STEP_MS)
            assert travel.direction == 0 and travel.position == end
            assert motor.pushed_ms - before_ms <= 12000, (stops, end, motor.pushed_ms)
