# When a pole tests itself, what it counts as missed, and what it looks at.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import os

from drivers.errors import SensorError
from firmware import self_checks, self_test
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.player import Result
from firmware.tests.support import World, remove_tree, run, temp_dir
from protocols.reason_codes import CODES
from protocols.receipt import CANCELLED, DONE

DAY = 86400
HOUR = 3600
NOW = 900 * DAY + 10 * HOUR  # a Friday, 10:00


class NVS:
    def __init__(self):
        self.values = {}

    def get_i32(self, name):
        if name not in self.values:
            raise OSError(-0x1102)
        return self.values[name]

    def set_i32(self, name, value):
        self.values[name] = value

    def commit(self):
        pass


class Pole:
    # Tests itself every day at 11:00.
    def __init__(self, nvs, now=NOW):
        self.clock = Clock(Counters())
        if now:
            self.clock.set(now, "server")
        self.due = []
        self.schedule = self_test.Schedule(DAY, 11 * HOUR, 1, self.clock, self.submit, nvs)

    def submit(self, id, alert, not_before, expires):
        assert id == b"test" + not_before.to_bytes(4, "big")
        assert expires == not_before + self_test.LATE_S and alert.content == []
        self.due.append(not_before)

    async def live(self, seconds):
        task = asyncio.create_task(self.schedule.run(lambda: None))
        await asyncio.sleep_ms(seconds * 1000)
        task.cancel()

    def note(self, *failed):
        reasons = [CODES[name] for name in failed]
        body = {2: True, 3: True, 4: reasons}
        self.schedule.note(body)
        return body[6]


def story(tell):
    World()
    return run(tell())


def test_it_is_due_at_its_time_and_not_twice():
    async def tell():
        pole = Pole(NVS())
        await pole.live(HOUR - 60)
        assert pole.due == []
        await pole.live(3 * DAY)
        eleven = NOW + HOUR
        assert pole.due == [eleven, eleven + DAY, eleven + 2 * DAY]

    story(tell)


def test_without_the_time_nothing_is_due():
    async def tell():
        pole = Pole(NVS(), now=None)
        await pole.live(3 * DAY)
        assert pole.due == []
        pole.clock.set(NOW + HOUR - 30, "server")
        await pole.live(DAY)  # the first one is not told from one that was hours ago
        assert pole.due == [NOW + HOUR]

    story(tell)


def test_those_that_did_not_run_are_counted():
    async def tell():
        nvs = NVS()
        pole = Pole(nvs)
        await pole.live(2 * HOUR)
        assert pole.note() == 0 and nvs.values["self_test"] == NOW + HOUR
        later = Pole(nvs, NOW + 3 * DAY + 5 * HOUR)  # no power at 11:00 of three days
        await later.live(HOUR)
        assert later.due == []  # nobody expects it in the afternoon
        await later.live(DAY)
        assert later.due == [NOW + HOUR + 4 * DAY]
        assert later.note("preempted") == 3  # and did not run itself
        await later.live(DAY)
        assert later.note("no_mains") == 4  # ran, and failed
        await later.live(DAY)
        assert later.note() == 0

    story(tell)


def test_a_reset_in_its_minutes_runs_it_again_and_one_after_it_does_not():
    async def tell():
        nvs = NVS()
        Pole(nvs, NOW - DAY).schedule._look(NOW - DAY)  # it is not new
        pole = Pole(nvs, NOW)
        await pole.live(HOUR + 100)
        again = Pole(nvs, NOW + HOUR + 120)
        await again.live(60)
        assert pole.due == again.due == [NOW + HOUR]
        again.note()
        once_more = Pole(nvs, NOW + HOUR + 200)
        await once_more.live(60)
        assert once_more.due == []

    story(tell)


def test_a_clock_that_was_years_ahead_stops_no_tests():
    async def tell():
        nvs = NVS()
        nvs.values["self_test"] = NOW + 900 * DAY
        pole = Pole(nvs)
        await pole.live(2 * DAY)
        assert pole.due == [NOW + HOUR, NOW + HOUR + DAY]

    story(tell)


def test_what_came_out():
    passed = self_test.outcome(self_test.alert(False, self_test.ASKED), DONE, None, Result())
    assert passed == {2: False, 3: False, 4: []}
    silent = self_test.alert(True, self_test.SCHEDULED)
    assert self_test.outcome(silent, CANCELLED, None, None) == {
        2: True,
        3: True,
        4: [CODES["cancelled"]],
    }
    result = Result()
    result.fail("no_mains")
    result.battery_mv = 11000
    result.proof = b"\x01\x02\x03"
    body = self_test.outcome(silent, DONE, "no_sound", result)
    assert body[4] == [CODES["no_mains"], CODES["no_sound"]]
    assert (body[5], body[7]) == (b"\x01\x02\x03", 11000)


class Part:
    def __init__(self, value):
        self.value = value

    async def read(self):
        if self.value is None:
            raise SensorError("sensor_range", "it bounces")
        return (self.value,)

    def check(self):
        if not self.value:
            raise SensorError("amp_fault", "too hot")


def checked(amplifier=1, ac=1, battery=12500, clips="/nowhere/", minimum=11500):
    parts = {"amplifier": Part(amplifier), "ac": ac and Part(ac), "battery": Part(battery)}
    if ac == 0:
        parts["ac"] = Part(0)
    result = Result()
    run(self_checks.check(parts, clips, minimum, result))
    return result


def test_what_is_looked_at():
    World()
    assert checked().failed == [] and checked().battery_mv == 12500
    assert checked(ac=None).failed == []  # a pole that has no mains
    assert checked(amplifier=0).failed == ["amp_fault"]
    assert checked(ac=0).failed == ["no_mains"]
    assert checked(battery=11499).failed == ["battery_low"]
    assert checked(battery=11500).failed == []
    assert checked(battery=None).failed == ["sensor_range"]
    assert checked(amplifier=0, ac=0, battery=9000).failed == [
        "amp_fault",
        "no_mains",
        "battery_low",
    ]


class Speaking:
    root = "/nowhere"

    def __init__(self, battery, minimum):
        self.config = {"speaker": {"battery_min_mv": minimum, "two_issuers_level": 0}}
        self.role = self.commands = self.authority = self
        self.parts = {"amplifier": Part(1), "battery": Part(battery)}
        self.issuers = {}


def test_its_own_limit_of_the_battery_counts_without_a_sound_too():
    World()
    for battery, minimum, told in (
        (3882, 0, "supply and clips are well"),
        (3882, 11500, "battery_low"),
        (11500, 11500, "supply and clips are well"),
    ):
        row, _ = run(self_checks.rows(Speaking(battery, minimum)))
        assert row == ("speaker", told != "battery_low", told)


def test_whom_it_obeys_is_looked_at():
    district, school = [-7, b"d", {0: 2, 1: 1}], [-7, b"s", {0: 1, 1: 1}]
    for issuers, needed, good in (
        ((), 1, False),
        ((school,), 1, False),  # drills alone
        ((school, district), 1, True),
        ((school, district), 2, False),
        ((district, district), 2, True),
    ):
        told = self_checks.obeys(dict(enumerate(issuers)), needed)
        assert told[:2] == ("speaker.issuers", good) and ("fieldbeat issuer" in told[2]) != good


def test_clips_are_opened():
    World()
    root = temp_dir()
    os.mkdir(root + "/clips")
    good = b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0"
    with open(root + "/clips/a.wav", "wb") as file:
        file.write(good + b"data\x08\0\0\0" + bytes(8))
    assert checked(clips=root + "/clips/").failed == []
    with open(root + "/clips/b.wav", "wb") as file:
        file.write(b"RIFF")
    assert checked(clips=root + "/clips/").failed == ["clip_bad"]
    remove_tree(root)
