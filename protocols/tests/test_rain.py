# Sums of rain against one that keeps every tip; missing samples, restarts, clocks that jump.
# SPDX-License-Identifier: Apache-2.0
import random

from protocols.rain import Sums
from protocols.window import Window

DAY_S = 86400
NOON = 883 * DAY_S + 12 * 3600


def fed(sums, uptime_s, counts, every_s=60, t=NOON):
    for i, count in enumerate(counts):
        found = sums.add(uptime_s + i * every_s, t and t + i * every_s, count)
    return found


def test_a_steady_rain():
    sums = Sums()
    # 0.2 mm a minute for two hours: 1 mm in five minutes, 12 mm in an hour
    assert fed(sums, 0, range(1000, 1242, 2)) == (10, 120, 240)


def test_what_fell_before_the_unit_ran_counts_nowhere():
    assert Sums().add(5, NOON, 7000) == (0, 0, 0)


def test_it_ends():
    sums = Sums()
    fed(sums, 0, range(0, 122, 2))
    assert fed(sums, 3660, [120] * 7) == (0, 120, 120)
    assert fed(sums, 4080, [120] * 60) == (0, 0, 120)


def test_against_all_tips():
    # With a sample a minute the sums of the last five minutes and of the hour are those of spans
    # that are at most a sixth and a sample longer.
    for seed in range(30):
        random.seed(seed)
        sums, counts = Sums(), [500]
        for minute in range(400):
            if minute:
                counts.append(counts[-1] + (random.randint(0, 3) if random.random() < 0.4 else 0))
            short, hour, day = sums.add(60 * minute, NOON + 60 * minute, counts[-1])
            for found, span in ((short, 5), (hour, 60)):
                begin = max(0, minute - span)
                longest = max(0, minute - span - span // 6 - 1)
                assert counts[-1] - counts[begin] <= found <= counts[-1] - counts[longest]
            assert day == counts[-1] - 500


def test_samples_of_five_minutes_are_enough():
    sums = Sums()
    short, hour, day = fed(sums, 0, range(0, 260, 10), 300)
    assert (short, day) == (10, 250) and 120 <= hour <= 130


def test_after_a_gap_nobody_knows_when_it_fell_but_the_day_has_it():
    sums = Sums()
    fed(sums, 0, range(0, 61))
    assert sums.add(3600 + 7200, NOON + 10800, 200) == (0, 0, 200)
    assert sums.add(3660 + 7200, NOON + 10860, 203) == (3, 3, 203)


def test_a_count_that_begins_anew():
    sums = Sums()
    fed(sums, 0, [5000, 5010])
    assert sums.add(120, NOON + 120, 4) == (14, 14, 14)
    assert sums.add(180, NOON + 180, 10) == (20, 20, 20)
    # Damage: not a millimetre of it is rain.
    assert sums.add(240, NOON + 240, 5) == (25, 25, 25)
    sums = Sums()
    fed(sums, 0, [5000, 5010])
    assert sums.add(120, NOON + 120, 3000) == (10, 10, 10)
    assert sums.add(180, NOON + 180, 3002) == (12, 12, 12)


def test_a_day_begins_at_its_hour():
    for hour in (0, 6, 23):
        sums, seen = Sums(hour * 3600), []
        for i in range(0, 3 * 24):
            seen.append(sums.add(i * 3600, 883 * DAY_S + i * 3600, i)[2])
        assert [i for i in range(1, 72) if seen[i] <= seen[i - 1]] == [
            i for i in range(1, 72) if i % 24 == hour
        ]
        assert seen[hour + 24] == 1 and seen[hour + 47] == 24


def test_a_clock_that_jumps():
    sums = Sums()
    assert sums.add(0, None, 0)[2] == 0
    assert sums.add(60, None, 5)[2] == 5
    assert sums.add(120, NOON, 6)[2] == 6  # set: the day goes on
    midnight = 884 * DAY_S
    assert sums.add(180, midnight - 60, 7)[2] == 7
    assert sums.add(240, midnight + 1, 9)[2] == 2
    assert sums.add(300, midnight - 2, 10)[2] == 3  # corrected back over midnight, and over it
    assert sums.add(360, midnight + 58, 11)[2] == 4
    assert sums.add(420, NOON - 30 * DAY_S, 12)[2] == 5  # it was wrong by a month
    assert sums.add(480, NOON - 29 * DAY_S, 14)[2] == 2
    assert sums.add(540, None, 15)[2] == 3
    # The short sums did not see any of that.
    assert sums.add(600, NOON, 16)[:2] == (6, 16)


def test_a_reset_does_not_end_the_day():
    sums = Sums()
    fed(sums, 0, [100, 150])
    again = Sums()
    again.day, again.day_base = sums.day, sums.day_base
    assert again.add(3, NOON + 400, 170) == (0, 0, 70)
    again = Sums()
    again.day, again.day_base = sums.day, sums.day_base
    assert again.add(3, NOON + DAY_S, 170) == (0, 0, 0)  # nobody knows on which day it fell
    again = Sums()
    again.day, again.day_base = sums.day, sums.day_base
    assert again.add(3, NOON + 400, 20) == (0, 0, 0)  # the count was lost


def test_over_a_deep_sleep_it_is_as_if_it_had_been_awake():
    random.seed(1)
    awake, slept, count = Sums(3600), Sums(3600), 0
    for i in range(600):
        count += random.randint(0, 2)
        again = Sums(3600)
        again.resume(slept.keep())
        slept = again
        args = i * 300, NOON + i * 300, count
        assert awake.add(*args) == slept.add(*args)
    assert len(str(slept.keep())) < 400


def test_a_window_has_the_youngest_mark_that_is_old_enough():
    window = Window(600)
    for t in range(0, 3000, 7):
        then_s, value = window.add(t, t)
        assert then_s == value and len(window.marks) <= 8
        assert t < 600 or 600 <= t - then_s <= 707
    assert window.add(5000, 1) == [5000, 1]
