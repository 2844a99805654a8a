# One round: tries, scales, qualities, batches; and that reports end where the clock was set.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.errors import SensorError
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.sampler import Sampler, rescale, schema_of
from firmware.tests.support import World, run
from firmware.tests.support_console import Node
from firmware.watched_sampler import WatchedSampler
from protocols import report_reader, schema

START = 13176000  # 2024-06-01T12:00:00Z


class Part:
    CHANNELS = (("temperature", "Cel", 100), ("humidity", "%RH", 100))

    def __init__(self, values=(2000, 5000)):
        self.values = values
        self.failures = []  # reasons, one a try; then it answers again
        self.probes = self.reads = 0

    async def probe(self):
        self.probes += 1

    async def read(self):
        self.reads += 1
        if self.failures:
            failure = self.failures.pop(0)
            raise failure if isinstance(failure, Exception) else SensorError(failure)
        return self.values


class Outbox:
    def __init__(self):
        self.records = []
        self.broken = False

    def append(self, build, urgent=False):
        if self.broken:
            raise OSError(28)
        self.records.append(build(len(self.records) + 1))
        return len(self.records)


def channel(name, source, scale=10, low=-4000, high=8500, dead_band=0):
    return {
        "name": name,
        "from": source,
        "unit": "Cel",
        "scale": scale,
        "minimum": low,
        "maximum": high,
        "dead_band": dead_band,
    }


PROFILE = {
    "id": "p",
    "schema": {"id": 3, "version": 1},
    "interval_s": 300,
    "report_samples": 4,
    "channels": [
        channel("temperature", "air.temperature"),
        channel("humidity", "air.humidity", 1, 0, 100),
        channel("level", "tank.level"),
    ],
}


# The temperature is stuck after three equal rounds.
def watched():
    profile = dict(PROFILE, channels=[dict(channel) for channel in PROFILE["channels"]])
    profile["channels"][0]["stuck_rounds"] = 3
    return profile


class Site:
    def __init__(self, samples=4, profile=PROFILE, kind=Sampler, trim=None, **parts):
        self.world = World()
        self.counters = Counters()
        self.clock = Clock(self.counters)
        self.clock.set(START, "server")
        self.outbox = Outbox()
        self.air = Part()
        self.lock = asyncio.Lock()
        known = {"air": self.air}
        known.update(parts)
        self.sampler = kind(
            profile, known, self.lock, self.clock, self.counters, self.outbox, 300, samples, trim
        )

    def round(self, t=START):
        run(self.sampler.round(t))
        return [self.sampler.last[name][:2] for name in ("temperature", "humidity", "level")]

    def blocks(self):
        layout = schema_of(PROFILE)
        return [report_reader.decode(record, lambda id: layout) for record in self.outbox.records]


def test_rescale_rounds_half_away_from_zero():
    for value, scale, wanted, expected in (
        (2345, 100, 10, 235),
        (2344, 100, 10, 234),
        (-2345, 100, 10, -235),
        (-2344, 100, 10, -234),
        (7, 1, 100, 700),
        (5, 3, 2, 3),
        (0, 1000, 1, 0),
        (499, 1000, 1, 0),
        (500, 1000, 1, 1),
    ):
        assert rescale(value, scale, wanted) == expected


def test_a_calibrated_channel_is_trimmed_before_its_range_is_judged():
    # 23.46 in tenths is 235: 235 x 1.02 = 239.7, less 3 counts; 101 % is out of its range.
    site = Site(trim={"temperature": [-3, 10200], "humidity": [51, 10000]})
    site.air.values = (2346, 5049)
    assert site.round()[:2] == [(237, schema.NORMAL), (101, schema.OUT_OF_RANGE)]
    site.air.values = (-2346, 4949)
    assert site.round()[:2] == [(-243, schema.NORMAL), (100, schema.NORMAL)]


def test_values_come_in_the_columns_scale():
    site = Site()
    site.air.values = (2346, 5049)
    assert site.round() == [
        (235, schema.NORMAL),
        (50, schema.NORMAL),
        (None, schema.MAINTENANCE),  # no tank is fitted
    ]
    assert site.sampler.last["humidity"] == (50, schema.NORMAL, START)


def test_out_of_range_keeps_the_value():
    site = Site()
    site.air.values = (86000, 10051)
    assert site.round()[:2] == [(8600, schema.OUT_OF_RANGE), (101, schema.OUT_OF_RANGE)]
    assert site.counters.snapshot() == {"sensor_range": 2}


def test_two_failures_are_forgiven():
    site = Site()
    site.air.failures = ["i2c_nack", "sensor_crc"]
    assert site.round()[0] == (200, schema.NORMAL)
    assert site.air.reads == 3 and site.counters.snapshot() == {}


def test_the_third_failure_has_a_reason_and_a_quality():
    for reason, quality in (
        ("i2c_nack", schema.COMM_FAULT),
        ("sensor_timeout", schema.COMM_FAULT),
        ("sensor_crc", schema.COMM_FAULT),
        ("sensor_range", schema.SENSOR_FAULT),
        ("sensor_identity", schema.SENSOR_FAULT),
    ):
        site = Site()
        site.air.failures = [reason] * 3
        assert site.round()[:2] == [(None, quality)] * 2
        assert site.counters.snapshot() == {reason: 1}
    site = Site()
    site.air.failures = [OSError(116)] * 3
    assert site.round()[0] == (None, schema.COMM_FAULT)


def test_a_part_is_probed_until_it_answers_and_after_it_failed():
    site = Site()
    site.round()
    site.round()
    assert site.air.probes == 1
    site.air.failures = ["i2c_nack"] * 3
    site.round()
    assert site.air.probes == 1
    site.round()
    assert site.air.probes == 2 and site.sampler.last["temperature"][0] == 200


def test_a_part_that_fails_its_probe_is_tried_again_each_round():
    site = Site()

    async def refuse():
        site.air.probes += 1
        raise SensorError("sensor_identity", "another chip")

    works, site.air.probe = site.air.probe, refuse
    assert site.round()[0] == (None, schema.SENSOR_FAULT)
    assert (site.air.probes, site.air.reads) == (3, 0)
    site.air.probe = works
    assert site.round()[0] == (200, schema.NORMAL)


def test_channels_that_a_part_lacks_or_does_not_know():
    class Tank:
        CHANNELS = (("volume", "m3", 1),)

        async def probe(self):
            pass

        async def read(self):
            return (5,)

    assert Site(tank=Tank()).round()[2] == (None, schema.SENSOR_FAULT)
    Tank.CHANNELS = (("level", "m", 10),)
    site = Site(tank=Tank())
    assert site.round()[2] == (5, schema.NORMAL)

    async def unknown():
        return (None,)

    site = Site(tank=Tank())
    site.sampler._sources["tank"].part.read = unknown
    assert site.round()[2] == (None, schema.COMM_FAULT)


def test_a_full_batch_becomes_one_report():
    site = Site()
    for n in range(9):
        site.air.values = (2000 + 10 * n, 5000)
        site.round(START + 300 * n)
    first, second = site.blocks()
    assert first.times == [START + 300 * n for n in range(4)] and first.synced
    assert list(second.columns[0]) == [204, 205, 206, 207] and second.rn == 2
    assert list(first.columns[2]) == [None] * 4
    assert list(first.qualities[2]) == [schema.MAINTENANCE] * 4
    site.sampler.flush()
    assert site.blocks()[2].times == [START + 2400]
    site.sampler.flush()
    assert len(site.blocks()) == 3


def test_within_the_dead_band_the_last_report_is_repeated():
    profile = dict(PROFILE)
    profile["channels"] = [channel("temperature", "air.temperature", 10, 0, 500, 5)]
    site = Site(samples=8, profile=profile)
    true = [200, 204, 196, 205, 209, 501, 201, 200]
    for n, value in enumerate(true):
        site.air.values = (10 * value, 0)
        run(site.sampler.round(START + 300 * n))
        assert site.sampler.last["temperature"][0] == value  # what a person sees
    (record,) = site.outbox.records
    block = report_reader.decode(record, lambda id: schema_of(profile))
    assert list(block.columns[0]) == [200, 200, 200, 205, 205, 501, 205, 200]
    assert list(block.qualities[0]) == [0] * 5 + [schema.OUT_OF_RANGE, 0, 0]


def test_samples_before_the_time_was_known_are_marked():
    site = Site()
    site.world.rtc = [(2000, 1, 1, 5, 0, 0, 0, 0), b""]
    site.clock = Clock(site.counters)
    site.sampler = Sampler(
        PROFILE, {"air": site.air}, site.lock, site.clock, site.counters, site.outbox, 300, 4
    )
    site.round(300)
    site.world.pass_ms(310000)
    site.clock.set(START, "modem")
    site.round(START + 300)
    site.sampler.flush()
    before, after = site.blocks()
    assert (before.synced, before.times, before.uptime_s) == (False, [300], 310)
    assert (after.synced, after.times, after.uptime_s) == (True, [START + 300], None)


def test_a_clock_that_is_set_during_a_round_does_not_date_that_round():
    site = Site()
    site.world.rtc = [(2000, 1, 1, 5, 0, 0, 0, 0), b""]
    site.clock = Clock(site.counters)
    site.air = Part()
    site.sampler = Sampler(
        PROFILE, {"air": site.air}, site.lock, site.clock, site.counters, site.outbox, 300, 4
    )

    async def read():
        site.clock.set(START, "server")
        return 2000, 5000

    site.air.read = read
    site.round(300)
    site.round(START + 300)
    site.sampler.flush()
    before, after = site.blocks()
    assert (before.synced, before.times) == (False, [300])
    assert (after.synced, after.times) == (True, [START + 300])


def test_a_broken_file_system_is_counted_and_sampling_goes_on():
    site = Site(samples=2)
    site.outbox.broken = True
    for n in range(3):
        site.round(START + 300 * n)
    assert site.counters.snapshot() == {"fs_corrupt": 1}
    site.outbox.broken = False
    site.round(START + 900)
    assert site.blocks()[0].times == [START + 600, START + 900]


def test_a_round_and_a_person_do_not_read_at_once():
    site = Site()
    inside = []

    async def slow():
        inside.append(1)
        await asyncio.sleep_ms(500)
        assert len(inside) == 1
        inside.pop()
        return 2000, 5000

    site.air.read = site.air.probe = slow
    node = Node()
    node.parts_lock, node.parts = site.lock, lambda: {"air": site.air}

    async def story():
        reading = asyncio.create_task(node.shell.execute(["read", "air"]))
        await site.sampler.round(START)
        await site.sampler.round(START + 300)
        return await reading

    text, ret = run(story())
    node.close()
    assert ret == 0 and text.startswith("temperature  20.00 Cel"), text
    assert site.sampler.last["temperature"][:2] == (200, schema.NORMAL)


def test_times_are_aligned_and_a_missed_one_is_visible():
    site = Site()
    site.clock.set(START + 17, "server")

    async def slow_once():
        if site.air.reads == 1:
            await asyncio.sleep_ms(400000)
        site.air.reads += 1
        return site.air.values

    site.air.read = slow_once

    async def story():
        task = asyncio.create_task(site.sampler.run(lambda: None))
        await asyncio.sleep_ms(2000000)
        task.cancel()

    run(story())
    site.sampler.flush()
    times = [t - START for block in site.blocks() for t in block.times]
    assert times == [300, 600, 1200, 1500, 1800]


def test_one_that_says_the_same_for_too_long_is_told_with_its_value():
    site = Site(profile=watched())
    for quality in (schema.NORMAL, schema.NORMAL, schema.SENSOR_FAULT, schema.SENSOR_FAULT):
        # Humidity, which nobody watches, may stand still.
        assert site.round()[:2] == [(200, quality), (50, schema.NORMAL)]
    assert site.counters.snapshot() == {"sensor_stuck": 2}
    [block] = site.blocks()
    assert block.columns[0] == [200] * 4 and block.qualities[0] == [0, 0, 2, 2]
    site.air.values = (2001, 5000)
    assert site.round()[0] == (200, schema.NORMAL)


def test_noise_below_a_columns_scale_is_life():
    site = Site(profile=watched())
    for n in range(9):
        site.air.values = (2000 + n % 2, 5000)
        assert site.round()[0] == (200, schema.NORMAL)


def test_a_round_that_failed_neither_proves_nor_clears():
    site = Site(profile=watched())
    site.round()
    site.round()
    site.air.failures = ["i2c_nack"] * 3
    assert site.round()[0] == (None, schema.COMM_FAULT)
    assert site.round()[0] == (200, schema.SENSOR_FAULT)


def test_out_of_range_goes_before_stuck():
    site = Site(profile=watched())
    site.air.values = (90000, 5000)
    for _ in range(5):
        assert site.round()[0] == (9000, schema.OUT_OF_RANGE)


def test_a_look_between_rounds_does_not_believe_it_either():
    site = Site(profile=watched(), kind=WatchedSampler)
    for _ in range(5):  # looks alone prove nothing, since they may be every second
        assert run(site.sampler.look(("temperature",))) == {"temperature": 200}
    for _ in range(3):
        site.round()
    assert run(site.sampler.look(("temperature", "humidity"))) == {
        "temperature": None,
        "humidity": 50,
    }
    site.air.values = (2001, 5000)
    assert run(site.sampler.look(("temperature",))) == {"temperature": 200}


def test_a_profile_without_it_loads_nothing_for_it():
    assert Site().sampler._stuck is None
