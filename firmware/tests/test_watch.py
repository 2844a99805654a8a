# What a station watches: alarms that begin and end once, the pace, and the wake that is not waited
# for.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from firmware.rows import decimal
from firmware.tests.support import run
from firmware.tests.support_water import CLOUDBURST, DRY, FLOOD, PACE, RISE, Station

HOUR_S = 3600


def steady(mm, t):
    return mm + (t // 3) % 3 - 1  # noise of a sensor


def test_a_calm_river_is_read_every_five_minutes_and_no_alarm_comes():
    site = Station((FLOOD, RISE, DRY, CLOUDBURST))
    read = site.live(24 * HOUR_S, lambda t: steady(1000, t))
    assert read == (list(range(300, 24 * HOUR_S + 1, 300)), 0)
    assert site.told() == [] and site.wakes == []


def test_an_alarm_begins_and_ends_once_though_the_water_plays_around_the_mark():
    site = Station()
    site.live(600)
    site.live(600, lambda t: 2495 + 20 * (t // 3 % 2))  # never three seconds above
    assert site.told() == []
    site.live(600, lambda t: 2501 + 20 * (t // 3 % 2))
    assert [(n, begins) for n, _, begins in site.told()] == [(1, True)]
    assert site.watch.standing(decimal) == [("ALARM 1", "level is above 2.500 m")]
    site.live(600, lambda t: 2401 + 200 * (t // 3 % 2))  # not back by 0.1 m
    assert len(site.told()) == 1
    site.live(600, lambda t: 2400)
    assert site.told()[1:] == [(1, 2400, False)] and site.watch.standing(decimal) == []
    site.live(600, lambda t: 2600)
    assert [begins for _, _, begins in site.told()] == [True, False, True]


def test_a_low_water_alarm_is_the_other_way_round():
    site = Station((DRY,))
    site.live(300, lambda t: 199)
    site.live(300, lambda t: 249)
    assert site.told() == [(3, 199, True)]
    site.live(60, lambda t: 250)
    assert site.told()[1:] == [(3, 250, False)]


def test_rate_of_rise():
    site = Station((RISE,))
    site.live(HOUR_S)
    site.live(900, lambda t: 1000 + t * 500 // 3600)  # 0.5 m/h
    assert site.told() == []
    site.live(1200, lambda t: 1125 + t * 700 // 3600)
    [(number, rate, begins)] = site.told()
    assert (number, begins) == (2, True) and 600 < rate <= 720
    site.live(1200, lambda t: 1358)
    assert site.told()[1][2] is False and 200 < site.told()[1][1] <= 400


def test_the_first_minutes_tell_no_rate():
    site = Station((RISE,))
    site.live(3, lambda t: 0)
    site.live(290, lambda t: 1000)
    assert site.told() == []


def test_the_pace_quickens_above_a_mark_and_slows_after_its_hold():
    site = Station()
    assert site.live(600, lambda t: 1990) == ([300, 600], 0)
    rounds, looks = site.live(600, lambda t: 2001)
    assert rounds == [300, 360, 420, 480, 540, 600] and looks == 5 * 19
    rounds, looks = site.live(HOUR_S, lambda t: 1999)
    assert rounds == list(range(60, 1800, 60)) + list(range(1800, 3601, 300))
    assert looks == 30 * 19


def test_the_pace_quickens_when_it_rises_or_rains():
    site = Station(pace=dict(PACE, marks=[["level", 150, False, True]]))
    site.live(HOUR_S)
    _, looks = site.live(900, lambda t: 1000 + t // 20)  # 0.18 m/h
    assert looks > 90
    site = Station(pace=dict(PACE, marks=[["rain_5min", 5, False, False]]))
    site.live(HOUR_S)
    site.rain.values = [6]
    assert site.live(600)[1] > 90


def test_what_is_beyond_an_alarm_is_looked_at_closely():
    site = Station((FLOOD,), dict(PACE, marks=[]))
    site.live(300, lambda t: 2600)
    assert site.told() == []  # one reading is no alarm
    site.live(3)
    assert site.told() == [(1, 2600, True)]


def test_without_a_pace_alarms_are_judged_by_the_rounds():
    site = Station((FLOOD[:7] + [600, False],), None)
    assert site.live(1200, lambda t: 2600) == ([300, 600, 900, 1200], 0)
    assert site.told() == [(1, 2600, True)]


def test_a_reading_that_is_missing_or_not_believed_does_nothing():
    site = Station()
    site.live(300, lambda t: 2600)
    site.river.failure = "sensor_range"
    site.live(300)
    assert site.told() == []
    site.river.failure = None
    site.live(12, lambda t: 9500)  # out of the channel's range
    assert site.told() == []
    site.live(6, lambda t: 2600)
    assert len(site.told()) == 1
    site.river.failure = "sensor_timeout"
    site.live(HOUR_S)
    assert len(site.told()) == 1  # it is not over: nobody knows


def test_rain():
    site = Station((CLOUDBURST,), dict(PACE, marks=[["rain_5min", 5, False, False]]))
    site.live(600)
    site.rain.values = [48]
    site.live(300)
    assert site.told() == [] and site.sampler.last["rain_5min"][0] == 48
    site.rain.values = [51]
    site.live(60)
    assert site.told() == [(4, 51, True)]
    assert site.sampler.last["rain_day"][0] == 51
    site.live(HOUR_S)
    assert site.told()[1] == (4, 3, False)  # before the five minutes were over


def test_the_rows_that_led_to_an_alarm_go_before_it():
    site = Station()
    site.live(1200)
    site.live(303, lambda t: 2600)
    kinds = [(record[0], urgent) for record, urgent in site.outbox.records]
    assert kinds == [(3, False), (0, True)] and len(site.sampler._batch) == 0


def test_an_alarm_that_cannot_be_kept_is_told_later():
    site = Station()
    site.outbox.broken = True
    site.live(600, lambda t: 2600)
    assert site.told() == [] and not site.watch._wanted
    site.outbox.broken = False
    site.live(60)
    assert site.told() == [(1, 2600, True)]


def wave(t):
    return 1000 + min(t, 14400 - t) // 4


def sleep(site):
    kept, rain = site.watch.keep(), site.parts["rain"].keep()
    site.parts["rain"] = site.rain
    site.watch = type(site.watch)(site, site)
    site.watch.resume(kept)
    site.parts["rain"].resume(rain, 0)
    batch, site.sampler = site.sampler._batch, site.make_sampler()
    site.sampler._batch = batch


def test_after_a_deep_sleep_it_goes_on():
    told = []
    for sleeps in (False, True):
        site = Station((FLOOD, RISE))
        for begin in range(0, 14400, 300):
            site.live(300, lambda t, begin=begin: wave(begin + t))
            if sleeps:
                sleep(site)
        told.append(site.told())
    assert told[0] == told[1]
    expected = [(2, True), (1, True), (2, False), (1, False)]
    assert [(number, begins) for number, _, begins in told[0]] == expected


# --- the wake


class Beat:
    def __call__(self):
        pass


def live_with_task(site, steps):
    async def both():
        task = asyncio.create_task(site.watch.run(Beat()))
        for step in steps:
            await asyncio.sleep_ms(10)
            step()
        await asyncio.sleep_ms(10)
        cancelled = task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return cancelled

    return run(both())


def test_an_alarm_wakes_the_modem_at_once_and_nothing_else_does():
    site = Station()
    times = []

    def tell():
        times.append(site.clock.uptime_s())
        site.watch._tell(site.watch._alarms[0], 2600, True)

    live_with_task(site, (lambda: None, tell, lambda: None, tell))
    assert len(site.wakes) == 2 and [w - t for w, t in zip(site.wakes, times)] == [0, 0]


def test_it_tries_again_with_growing_pauses():
    site = Station()
    site.outcome = "no_network"

    async def both():
        task = asyncio.create_task(site.watch.run(Beat()))
        await asyncio.sleep_ms(10)
        site.watch._tell(site.watch._alarms[0], 2600, True)
        await asyncio.sleep(1000)
        site.outcome = "acked"
        await asyncio.sleep(20000)
        task.cancel()

    run(both())
    pauses = [b - a for a, b in zip(site.wakes, site.wakes[1:])]
    assert pauses == [60, 120, 240, 480, 960]


def test_being_stopped_is_no_alarm():
    site = Station()
    assert live_with_task(site, (lambda: None,)) and site.wakes == []
