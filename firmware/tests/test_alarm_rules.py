# Alarm rules on a unit: read by the sampler, sounded by the alerts; no uplink anywhere.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import os

from firmware.tests.support import World, remove_tree, run, temp_dir
from firmware.tests.support_rules import NOW, Unit, rule
from protocols import receipt
from protocols.reason_codes import CODES


def story(tell, root=None, synced=True):
    directory = root or temp_dir()

    async def both():
        unit = Unit(directory, synced)
        loops = unit.alerts.run, unit.alerts.play, unit.rules.run
        tasks = [asyncio.create_task(loop(lambda: None)) for loop in loops]
        await tell(unit)
        for task in tasks:
            assert not task.done()
            task.cancel()

    World()
    try:
        run(both())
    finally:
        if root is None:
            remove_tree(directory)


async def seconds(n):
    await asyncio.sleep_ms(1000 * n)


def test_it_sounds_by_itself_and_tells_which_rule_and_at_what_level():
    async def tell(unit):
        assert unit.order(rule(7, hold_s=120)) is None
        unit.level(3201)
        await seconds(110)
        assert unit.heard() == [] and unit.alarms() == []
        await seconds(20)
        assert unit.player.heard == [("flood", 80)]  # never below the floor
        [(rn, body)] = unit.alarms()
        assert body == {2: 7, 3: "level", 4: "m", 5: 1000, 6: 3201, 7: True}
        await seconds(20)
        id = b"rule" + rn.to_bytes(4, "big")
        stages = [stage for stage, _ in unit.stages(id)]
        assert stages == [receipt.ACCEPTED, receipt.STARTED, receipt.DONE]
        assert NOW + 118 <= unit.told[-1][6] <= NOW + 125

    story(tell)


def test_it_needs_no_clock_and_a_clock_that_comes_does_not_end_it():
    async def tell(unit):
        unit.order(rule())
        unit.level(4000)
        await seconds(8)
        assert unit.heard() == ["flood"] and unit.player.at_once == 1
        unit.clock.set(NOW, "server")  # the uplink comes back while it sounds
        await seconds(12)
        [(rn, body)] = unit.alarms()
        assert body[7] is False
        id = b"rule" + rn.to_bytes(4, "big")
        assert unit.stages(id)[-1] == (receipt.DONE, None)
        assert 6 not in unit.told[-1] and 7 not in unit.told[-1]  # nobody knew when it began

    story(tell, synced=False)


def test_once_until_it_is_armed_again():
    async def tell(unit):
        unit.order(rule())
        for level, count in ((4000, 1), (3150, 1), (4000, 1), (3100, 1), (4000, 2)):
            unit.level(level)
            await seconds(70)
            assert len(unit.heard()) == count, level
        ids = [rn for rn, _ in unit.alarms()]
        assert len(set(ids)) == 2

    story(tell)


def test_the_word_goes_to_what_is_more_urgent():
    async def tell(unit):
        unit.order(rule(1, sound="a", cls=0), rule(2, sound="b"))
        unit.level(4000)
        await seconds(40)
        assert unit.heard() == ["b", "a"] or unit.heard() == ["a", "b", "a"]

    story(tell)


def test_a_reading_that_is_missing_or_impossible_fires_nothing():
    async def tell(unit):
        unit.order(rule())
        unit.level(9001)  # above the channel's range
        await seconds(30)
        unit.river.failures = ["sensor_timeout"] * 15
        unit.level(4000)
        await seconds(20)
        assert unit.heard() == []
        assert "sensor_timeout" not in unit.counters.snapshot()  # the report's round counts it
        await seconds(20)
        assert unit.heard() == ["flood"] and unit.river.failures == []

    story(tell)


def test_a_rule_that_is_blind_is_told_once():
    async def tell(unit):
        unit.order(rule())
        unit.level(9001)
        await seconds(590)
        assert unit.events == []
        await seconds(1000)
        assert unit.events == [("health", True)]
        assert unit.counters.snapshot()["rule_blind"] == 1
        unit.level(3000)
        await seconds(10)
        unit.level(9001)
        await seconds(700)
        assert unit.counters.snapshot()["rule_blind"] == 2

    story(tell)


def test_what_is_refused_changes_nothing():
    async def tell(unit):
        assert unit.order(rule(1), sent=5) is None
        for items, sent, reason in (
            ([rule(k1="tide")], 6, "rule_channel"),
            ([rule(k1="dry")], 6, "rule_channel"),  # nothing measures it
            ([rule(k2="mm")], 6, "rule_channel"),
            ([rule(k3=100)], 6, "rule_channel"),
            ([rule(2), rule(k10={0: 2, 1: 1, 2: [[1, "siren"]]})], 6, "clip_missing"),
            ([], 4, "rules_older"),
        ):
            assert unit.order(*items, sent=sent) == reason
        unit.level(4000)
        await seconds(20)
        assert unit.heard() == ["flood"]
        os.mkdir(unit.root + "/clips")
        with open(unit.root + "/clips/siren.wav", "wb") as file:
            file.write(b"RIFF")
        assert unit.order(rule(k10={0: 2, 1: 1, 2: [[1, "siren"]]}), sent=6) is None

    story(tell)


def test_no_rules_any_more_end_what_sounds():
    async def tell(unit):
        unit.order(rule())
        unit.level(4000)
        await seconds(8)
        assert unit.player.at_once == 1
        [(rn, _)] = unit.alarms()
        assert unit.order(sent=2) is None
        await seconds(2)
        assert unit.player.at_once == 0
        told = unit.stages(b"rule" + rn.to_bytes(4, "big"))[-1]
        assert told == (receipt.INTERRUPTED, CODES["cancelled"])
        unit.level(3000)
        await seconds(100)
        unit.level(4000)
        await seconds(100)
        assert len(unit.heard()) == 1

    story(tell)


def test_a_rule_that_stays_in_the_list_goes_on():
    async def tell(unit):
        unit.order(rule(1))
        unit.level(4000)
        await seconds(8)
        assert unit.player.at_once == 1
        unit.order(rule(2, threshold=5000), rule(1), sent=2)
        await seconds(100)
        assert unit.heard() == ["flood"]  # neither interrupted nor sounded again
        [(rn, _)] = unit.alarms()
        assert unit.stages(b"rule" + rn.to_bytes(4, "big"))[-1] == (receipt.DONE, None)

    story(tell)


def test_it_sounds_when_nothing_can_be_told():
    async def tell(unit):
        unit.order(rule())
        for error, broken in ((MemoryError("no room"), False), (None, True)):
            unit.breaks_event, unit.outbox.broken = error, broken
            unit.level(3000)
            await seconds(100)
            unit.level(4000)
            await seconds(30)
        assert unit.heard() == ["flood", "flood"]
        ids = {id for id, _ in unit.noted}
        assert len(ids) == 2 and all([id[:4] == b"rule" and id[4] >= 0x80 for id in ids])

    story(tell)


def test_what_does_not_come_to_sound_is_not_spent():
    async def tell(unit):
        submit, calls = unit.alerts.submit, []

        def fail(held):
            calls.append(held)
            raise MemoryError("no room")

        unit.order(rule())
        unit.level(4000)
        unit.alerts.submit = fail
        try:
            await unit.rules.look()
            raise AssertionError("it must be told to who supervises the task")
        except MemoryError:
            pass
        unit.alerts.submit = submit
        await seconds(20)
        assert unit.heard() == ["flood"] and len(calls) == 1

    story(tell)


def test_rules_survive_a_reset_and_the_hold_begins_again():
    root = temp_dir()

    async def before(unit):
        unit.order(rule(hold_s=60))
        unit.level(4000)
        await seconds(70)
        assert unit.heard() == ["flood"]

    async def after(unit):
        unit.outbox.next_rn = 100
        unit.level(4000)
        await seconds(50)
        assert unit.heard() == []
        await seconds(20)
        assert unit.heard() == ["flood"]
        unit.clock.set(NOW + 500, "server")
        await seconds(20)
        # Of the one that was cut: what was not told is told now, and nothing sounds for it.
        unit.alerts.flush()
        cut = [body for body in unit.told if body.get(4) == CODES["power_cut"]]
        assert [body[3] for body in cut] == [receipt.INTERRUPTED]
        assert unit.heard() == ["flood"]

    async def gone(unit):
        unit.clock.set(NOW + 600, "server")
        await seconds(20)
        unit.alerts.flush()
        assert unit.told == [] and unit.heard() == []

    story(before, root)
    story(after, root, synced=False)
    story(gone, root)
    remove_tree(root)
