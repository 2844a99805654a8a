# What an alert becomes on a unit: its turn, its receipts, and what a reset leaves of it.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

from firmware.alerts import Alerts, Held
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.tests.support import World, remove_tree, run, temp_dir
from protocols import receipt
from protocols.command import DAILY, DRILL, EMERGENCY, Alert
from protocols.reasons import CODES

NOW = 78000000
TABLE = {"volume": 60, "emergency_volume": 80}
STEP = [0, 0, 10000]


class Result:
    def __init__(self, ok=True, reason=None):
        self.ok, self.reason = ok, reason
        self.proof, self.source = b"\x01\x80\xff", 0


class Player:
    settle_ms = 80

    # Ten seconds an alert, as a loudspeaker that is told to stop in the middle does.
    def __init__(self):
        self.heard = []  # (event of the alert, percent)
        self.at_once = 0
        self.breaks = 0  # plays that fail
        self.rest_ms = 0  # to put the amplifier to rest
        self.result = Result()

    async def play(self, alert, percent, on_sound):
        self.at_once += 1
        assert self.at_once == 1
        try:
            await asyncio.sleep_ms(200)
            if self.breaks:
                self.breaks -= 1
                raise MemoryError("no room")
            on_sound()
            self.heard.append((alert.event, percent))
            await asyncio.sleep_ms(9800)
        finally:
            await asyncio.sleep_ms(self.rest_ms)
            self.at_once -= 1


class Unit:
    def __init__(self, root, synced=True):
        self.clock = Clock(Counters())
        if synced:
            self.clock.set(NOW, "server")
        self.player = Player()
        self.noted = []
        self.told = []
        self.counters = Counters()
        note, tell = lambda id, stage: self.noted.append((id, stage)), self.told.append
        shared = self.clock, self.counters, self.player, TABLE
        self.alerts = Alerts(root, *shared, self.seen, note, tell)

    def seen(self, id):
        stages = [stage for noted, stage in self.noted if noted == id]
        return stages[-1] if stages else None

    def send(self, name, cls=DAILY, level=4, start_s=0, for_s=3600, **more):
        volume, silent = more.get("volume"), more.get("silent", False)
        alert = Alert(cls, level, [STEP], 1, volume, name, silent)
        held = Held(name.encode() + bytes(7), alert, NOW + start_s, NOW + start_s + for_s)
        held.hops, held.began_ms = [5], time.ticks_ms()
        self.alerts.submit(held)
        return held.id

    def stages(self, id):
        self.alerts.flush()
        return [(body[3], body.get(4)) for body in self.told if body[2] == id]


def story(tell, root=None, synced=True):
    # tell(unit) with the task running beside it, in a world where waiting takes no time.
    directory = root or temp_dir()

    async def both():
        unit = Unit(directory, synced)
        alerts = unit.alerts
        tasks = [asyncio.create_task(run(lambda: None)) for run in (alerts.run, alerts.play)]
        await tell(unit)
        for task in tasks:
            task.cancel()
        return unit

    World()
    try:
        return run(both())
    finally:
        if root is None:
            remove_tree(directory)


def test_an_alert_is_accepted_started_and_done():
    async def tell(unit):
        id = unit.send("a")
        await asyncio.sleep_ms(15000)
        assert unit.stages(id) == [
            (receipt.ACCEPTED, None),
            (receipt.STARTED, None),
            (receipt.DONE, None),
        ]
        done = unit.told[-1]
        assert (done[5], done[6], done[7], done[8]) == (b"\x01\x80\xff", NOW, NOW + 10, 0)
        # received, decided, first sample; a Held of the role has one more, verified
        assert len(done[9]) == 3 and done[9][0] == 5 and done[9] == sorted(done[9])
        assert unit.noted == [(id, receipt.ACCEPTED), (id, receipt.DONE)]

    story(tell)


def test_an_emergency_takes_the_word_and_is_never_quiet():
    async def tell(unit):
        daily = unit.send("d", volume=10)
        await asyncio.sleep_ms(3000)
        flood = unit.send("e", EMERGENCY, 1, volume=5)
        await asyncio.sleep_ms(25000)
        assert unit.player.heard == [("d", 10), ("e", 80), ("d", 10)]  # and begins again after it
        assert unit.stages(flood)[-1] == (receipt.DONE, None)
        assert unit.stages(daily)[-1] == (receipt.DONE, None)

    story(tell)


def test_an_armed_one_waits_and_its_end_is_kept():
    async def tell(unit):
        id = unit.send("a", start_s=100, for_s=5)
        await asyncio.sleep_ms(99000)
        assert unit.player.heard == []
        await asyncio.sleep_ms(8000)
        assert unit.player.heard == [("a", 60)] and unit.player.at_once == 0
        assert unit.stages(id)[-1] == (receipt.DONE, None)

    story(tell)


def test_a_silent_drill_makes_no_sound_and_tells_how_soon():
    async def tell(unit):
        id = unit.send("s", DRILL, 1, silent=True)
        await asyncio.sleep_ms(100)
        assert unit.stages(id)[-1] == (receipt.SILENT, None)
        hops = unit.told[-1][9]
        assert unit.player.heard == [] and len(hops) >= 3
        assert hops[-1] - hops[-2] >= unit.player.settle_ms

    story(tell)


def test_a_cancelled_one_stops():
    async def tell(unit):
        id = unit.send("a", EMERGENCY, 1)
        await asyncio.sleep_ms(2000)
        assert unit.alerts.cancel(id)
        await asyncio.sleep_ms(100)
        assert unit.player.at_once == 0
        assert unit.stages(id)[-1] == (receipt.INTERRUPTED, CODES["cancelled"])
        assert not unit.alerts.cancel(b"12345678")

    story(tell)


def test_what_the_player_could_not_is_told():
    async def tell(unit):
        unit.player.result = Result(False, "amp_fault")
        id = unit.send("a")
        await asyncio.sleep_ms(15000)
        assert unit.stages(id)[-1] == (receipt.INTERRUPTED, CODES["amp_fault"])

    story(tell)


def test_a_power_cut_while_it_sounds():
    root = temp_dir()
    ids = []

    async def before(unit):
        ids.append(unit.send("e", EMERGENCY, 1))
        ids.append(unit.send("d", start_s=60))
        await asyncio.sleep_ms(2000)

    async def after(unit):
        await asyncio.sleep_ms(30000)
        assert unit.player.heard == []  # without a time no window can be judged
        unit.clock.set(NOW + 40, "server")
        await asyncio.sleep_ms(45000)
        assert unit.player.heard == [("e", 80), ("d", 60)]
        cut = CODES["power_cut"]
        assert unit.stages(ids[0]) == [(receipt.STARTED, cut), (receipt.DONE, None)]
        assert unit.stages(ids[1])[-1] == (receipt.DONE, None)

    async def nothing_left(unit):
        await asyncio.sleep_ms(5000)
        assert unit.player.heard == [] and unit.told == []

    story(before, root)
    story(after, root, synced=False)
    story(nothing_left, root)
    remove_tree(root)


def test_a_power_cut_that_was_longer_than_the_window():
    root = temp_dir()
    ids = []

    async def before(unit):
        ids.append(unit.send("e", EMERGENCY, 1, for_s=30))
        ids.append(unit.send("d", start_s=20, for_s=5))
        await asyncio.sleep_ms(2000)

    async def after(unit):
        unit.clock.set(NOW + 40, "server")
        await asyncio.sleep_ms(2000)
        assert unit.player.heard == []
        assert unit.stages(ids[0]) == [(receipt.INTERRUPTED, CODES["power_cut"])]
        assert unit.stages(ids[1]) == [(receipt.REFUSED, CODES["cmd_expired"])]

    story(before, root)
    story(after, root, synced=False)
    remove_tree(root)


def test_a_failure_of_one_does_not_mute_the_next():
    async def tell(unit):
        unit.player.breaks = 2
        first = unit.send("a")
        await asyncio.sleep_ms(1000)
        second = unit.send("b", EMERGENCY, 1)
        await asyncio.sleep_ms(1000)
        third = unit.send("c", EMERGENCY, 1)
        await asyncio.sleep_ms(15000)
        broken = (receipt.INTERRUPTED, CODES["amp_fault"])
        assert unit.stages(first)[-1] == unit.stages(second)[-1] == broken
        assert unit.stages(third)[-1] == (receipt.DONE, None)
        assert unit.counters.snapshot()["task_restart"] == 2

    story(tell)


def test_one_that_is_cut_before_it_began():
    async def tell(unit):
        unit.player.result = Result(False, "clip_bad")  # of one before
        id = unit.send("a")
        while unit.alerts._performing != id:
            await asyncio.sleep_ms(0)
        unit.alerts.cancel(id)
        await asyncio.sleep_ms(100)
        assert unit.player.heard == []
        assert unit.stages(id)[-1] == (receipt.INTERRUPTED, CODES["cancelled"])
        unit.player.result = Result()
        second = unit.send("b")
        await asyncio.sleep_ms(15000)
        assert unit.stages(second)[-1] == (receipt.DONE, None)

    story(tell)


def test_one_after_the_other_while_the_first_is_put_to_rest():
    async def tell(unit):
        unit.player.rest_ms = 500
        unit.send("a")
        await asyncio.sleep_ms(2000)
        unit.send("b", EMERGENCY, 2)
        await asyncio.sleep_ms(100)  # a is being stopped
        highest = unit.send("c", EMERGENCY, 1)
        await asyncio.sleep_ms(1500)
        assert [event for event, _ in unit.player.heard] == ["a", "c"]
        unit.alerts.cancel(highest)
        await asyncio.sleep_ms(2000)
        assert [event for event, _ in unit.player.heard] == ["a", "c", "b"]
        await asyncio.sleep_ms(30000)
        assert [event for event, _ in unit.player.heard] == ["a", "c", "b", "a"]

    story(tell)


def test_a_window_that_ends_over_a_torn_line_is_not_done():
    async def tell(unit):
        unit.player.result.proof = b"\x01\x00\x03"
        id = unit.send("a", for_s=5)
        await asyncio.sleep_ms(8000)
        assert unit.stages(id)[-1] == (receipt.INTERRUPTED, CODES["no_sound"])
        assert unit.told[-1][5] == b"\x01\x00\x03"

    story(tell)


def test_a_clock_that_was_corrected_moves_what_is_armed():
    async def tell(unit):
        id = unit.send("a", start_s=3600, for_s=7200)
        await asyncio.sleep_ms(1000)
        unit.clock.set(NOW - 3600, "server")  # an hour fast it was
        await asyncio.sleep_ms(3600 * 1000)
        assert unit.player.heard == []
        await asyncio.sleep_ms(3700 * 1000)
        assert unit.stages(id)[-1] == (receipt.DONE, None)

    story(tell)


def test_a_cancel_after_a_power_cut():
    root = temp_dir()
    ids = []

    async def before(unit):
        ids.append(unit.send("e", EMERGENCY, 1))
        await asyncio.sleep_ms(2000)

    async def after(unit):
        unit.clock.set(NOW + 40, "server")
        assert unit.alerts.find(ids[0]).event == "e"
        assert unit.alerts.cancel(ids[0])
        await asyncio.sleep_ms(20000)
        assert unit.player.heard == []
        assert unit.stages(ids[0])[-1] == (receipt.INTERRUPTED, CODES["cancelled"])

    story(before, root)
    story(after, root, synced=False)
    remove_tree(root)


def test_an_alert_that_comes_before_the_time_keeps_what_waits():
    root = temp_dir()

    async def before(unit):
        unit.send("e", EMERGENCY, 1)
        await asyncio.sleep_ms(2000)

    async def cut_again(unit):
        unit.alerts._keep()  # whatever the reason
        await asyncio.sleep_ms(2000)

    async def after(unit):
        unit.clock.set(NOW + 40, "server")
        await asyncio.sleep_ms(5000)
        assert [event for event, _ in unit.player.heard] == ["e"]

    story(before, root)
    story(cut_again, root, synced=False)
    story(after, root, synced=False)
    remove_tree(root)


def test_what_cannot_be_noted_sounds_all_the_same():
    async def tell(unit):
        def refuse(id, stage):
            raise OSError(-0x1105)

        unit.alerts._note = refuse
        first, second = unit.send("a"), unit.send("b", EMERGENCY, 1)
        await asyncio.sleep_ms(40000)
        assert unit.stages(first)[-1] == unit.stages(second)[-1] == (receipt.DONE, None)
        assert unit.counters.snapshot()["fs_corrupt"] >= 4

    story(tell)
