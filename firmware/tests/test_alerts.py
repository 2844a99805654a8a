# What an alert becomes on a unit: its turn, its receipts, and what a reset leaves of it.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from firmware import alerts
from firmware.alerts import Held
from firmware.self_test import ASKED, SCHEDULED
from firmware.tests.support import World, remove_tree, run, temp_dir
from firmware.tests.support_alerts import NOW, STEP, Result, Unit
from protocols import receipt
from protocols.command import DAILY, DRILL, EMERGENCY, Alert
from protocols.reason_codes import CODES
from protocols.tests.support import raises


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


def test_what_was_said_once_before_it_was_interrupted_is_done():
    async def tell(unit):
        unit.player.rounds = 2
        daily = unit.send("d", for_s=20)
        await asyncio.sleep_ms(6000)
        unit.send("e", EMERGENCY, 1)
        await asyncio.sleep_ms(25000)
        assert [name for name, _ in unit.player.heard] == ["d", "e", "d"]
        assert unit.stages(daily)[-1] == (receipt.DONE, None)

    story(tell)


def test_an_armed_one_waits_and_its_end_is_kept():
    async def tell(unit):
        id = unit.send("a", start_s=100, for_s=5)
        await asyncio.sleep_ms(99000)
        assert unit.player.heard == []
        await asyncio.sleep_ms(8000)
        assert unit.player.heard == [("a", 60)] and unit.player.at_once == 0
        half = (receipt.INTERRUPTED, CODES["cmd_expired"])
        assert unit.stages(id)[-1] == half  # it plays for ten seconds

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


def test_a_power_cut_before_its_receipt_is_on_flash():
    root = temp_dir()
    ids, noted = [], []

    async def before(unit):  # nobody takes the receipts, as while the server is silent
        unit.noted = noted
        ids.append(unit.send("a"))
        await asyncio.sleep_ms(15000)
        assert unit.told == [] and noted[-1] == (ids[0], receipt.DONE)

    async def after(unit):
        unit.noted = noted
        unit.clock.set(NOW + 40, "server")
        await asyncio.sleep_ms(15000)
        assert unit.player.heard == []
        assert unit.stages(ids[0]) == [(receipt.DONE, None)]

    async def nothing_left(unit):
        unit.noted = noted
        await asyncio.sleep_ms(5000)
        assert unit.stages(ids[0]) == []

    story(before, root)
    story(after, root, synced=False)
    story(nothing_left, root)
    remove_tree(root)


def test_what_a_new_image_has_taken_away_is_told():
    root = temp_dir()
    ids = []
    noted = []

    async def before(unit):
        for name, start_s in (("a", 600), ("o", 0), ("b", 600)):
            ids.append(unit.send(name, EMERGENCY, 1, start_s=start_s))
        await asyncio.sleep_ms(12000)
        noted.extend(unit.noted)

    async def after(unit):
        unit.noted.extend(noted)
        await asyncio.sleep_ms(2000)
        assert unit.told == []  # what it had kept may be taken up yet
        unit.clock.set(NOW + 40, "server")
        kept = unit.send("k", EMERGENCY, 1, start_s=600)
        await asyncio.sleep_ms(60000)
        lost = [(receipt.INTERRUPTED, CODES["power_cut"])]
        assert unit.stages(ids[0]) == unit.stages(ids[2]) == lost
        assert unit.stages(ids[1]) == []
        assert unit.stages(kept) == [(receipt.ACCEPTED, None)] and unit.unended() == [kept]

    story(before, root)
    remove_tree(root)
    story(after, temp_dir(), synced=False)


def test_a_failure_of_one_does_not_mute_the_next():
    async def tell(unit):
        unit.player.breaks = 2
        first = unit.send("a")
        await asyncio.sleep_ms(1000)
        second = unit.send("b", EMERGENCY, 1)
        await asyncio.sleep_ms(1000)
        third = unit.send("c", EMERGENCY, 1)
        await asyncio.sleep_ms(60000)
        assert [event for event, _ in unit.player.heard] == ["c", "b", "a"]
        for id in (first, second, third):
            assert unit.stages(id)[-1] == (receipt.DONE, None)
        assert unit.counters.snapshot()["task_restart"] == 2

    story(tell)


def test_what_nobody_has_heard_is_tried_again():
    async def tell(unit):
        unit.player.breaks = 2
        id = unit.send("e", EMERGENCY, 1)
        await asyncio.sleep_ms(10000)
        assert unit.player.heard == []
        await asyncio.sleep_ms(15000)
        assert unit.player.heard == [("e", 80)]
        assert [stage for stage, _ in unit.stages(id)] == [
            receipt.ACCEPTED,
            receipt.STARTED,
            receipt.DONE,
        ]
        unit.player.breaks = 9
        dead = unit.send("f", EMERGENCY, 1)
        await asyncio.sleep_ms(20000)
        broken = (receipt.INTERRUPTED, CODES["amp_fault"])
        assert unit.stages(dead)[1:] == [broken] and unit.player.breaks == 6
        test = unit.test(ASKED)
        await asyncio.sleep_ms(20000)
        assert unit.stages(test)[-1] == broken and unit.player.breaks == 5

    story(tell)


def test_one_that_waits_to_be_tried_again_ends_with_its_window_and_by_a_cancel():
    async def tell(unit):
        unit.player.breaks = 1
        short = unit.send("a", for_s=3)
        await asyncio.sleep_ms(4000)
        assert unit.stages(short)[1:] == [(receipt.INTERRUPTED, CODES["amp_fault"])]
        unit.player.breaks = 1
        id = unit.send("b")
        await asyncio.sleep_ms(1000)
        unit.alerts.cancel(id)
        await asyncio.sleep_ms(20000)
        assert unit.player.heard == []
        assert unit.stages(id)[-1] == (receipt.INTERRUPTED, CODES["cancelled"])

    story(tell)


def test_a_receipt_without_room_holds_up_no_sound():
    async def tell(unit):
        def no_room(event, body):
            unit.alerts._queue = queue
            raise MemoryError("memory allocation failed")

        queue, unit.alerts._queue = unit.alerts._queue, no_room
        id = unit.send("e", EMERGENCY, 1)
        await asyncio.sleep_ms(15000)
        assert unit.player.heard == [("e", 80)]
        assert [stage for stage, _ in unit.stages(id)] == [receipt.STARTED, receipt.DONE]

    story(tell)


def test_what_hangs_is_no_beat():
    async def tell(unit):
        beats = []
        task = asyncio.create_task(unit.alerts.play(lambda: beats.append(unit.clock.uptime_s())))
        unit.player.moves = False
        begun_s = unit.clock.uptime_s()
        unit.send("e", EMERGENCY, 1)
        await asyncio.sleep_ms(9000)
        assert beats[-1] - begun_s <= 1
        task.cancel()

    directory = temp_dir()

    async def alone():
        unit = Unit(directory)
        task = asyncio.create_task(unit.alerts.run(lambda: None))
        await tell(unit)
        task.cancel()

    World()
    run(alone())
    remove_tree(directory)


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
    for error in (OSError(-0x1105), MemoryError("memory allocation failed")):
        _not_noted(error)


def _not_noted(error):
    async def tell(unit):
        def refuse(id, stage):
            raise error

        unit.alerts._note = refuse
        first, second = unit.send("a"), unit.send("b", EMERGENCY, 1)
        await asyncio.sleep_ms(40000)
        assert unit.stages(first)[-1] == unit.stages(second)[-1] == (receipt.DONE, None)
        assert unit.counters.snapshot()["fs_corrupt"] >= 4

    story(tell)


def without_room_once(unit):
    arbiter = unit.alerts._arbiter
    submit = arbiter.submit

    def no_room(*request):
        arbiter.submit = submit
        raise MemoryError("no room")

    arbiter.submit = no_room


def test_what_finds_no_room_after_a_power_cut_is_taken_up_later():
    root = temp_dir()
    ids = []

    async def before(unit):
        ids.append(unit.send("a", EMERGENCY, 1, start_s=60))
        ids.append(unit.send("b", EMERGENCY, 2, start_s=60))

    async def after(unit):
        without_room_once(unit)
        unit.clock.set(NOW + 40, "server")
        assert unit.alerts.find(ids[0])
        await asyncio.sleep_ms(60000)
        assert [event for event, _ in unit.player.heard] == ["a", "b"]
        assert [unit.stages(id)[-1] for id in ids] == [(receipt.DONE, None)] * 2

    story(before, root)
    story(after, root, synced=False)
    remove_tree(root)


def test_one_that_finds_no_room_when_it_comes_sounds_when_it_is_repeated():
    async def tell(unit):
        without_room_once(unit)
        raises(MemoryError, unit.send, "a")
        assert unit.noted == []  # so the same command is judged again
        id = unit.send("a")
        await asyncio.sleep_ms(15000)
        assert unit.player.heard == [("a", 60)]
        assert unit.stages(id)[-1] == (receipt.DONE, None)

    story(tell)


def test_one_that_found_no_room_can_be_cancelled_all_the_same():
    async def tell(unit):
        without_room_once(unit)
        raises(MemoryError, unit.send, "a")
        assert unit.alerts.cancel(b"a" + bytes(7))
        await asyncio.sleep_ms(60000)
        assert unit.player.heard == []

    story(tell)


def test_what_cannot_be_kept_sounds_all_the_same():
    # An old heap has no room in one piece for all that is held.
    async def tell(unit):
        kept = []

        def encode(value):
            kept.append(len(value))
            raise MemoryError("memory allocation failed")

        before, alerts.cbor.encode = alerts.cbor.encode, encode
        try:
            id = unit.send("a", EMERGENCY, 1)
            await asyncio.sleep_ms(15000)
            assert unit.stages(id)[-1] == (receipt.DONE, None)
            assert len(kept) >= 3 and unit.counters.snapshot()["fs_corrupt"] == len(kept)
        finally:
            alerts.cbor.encode = before

    story(tell)


def test_one_whose_window_ends_before_its_first_sample_is_not_done():
    async def tell(unit):
        unit.player.begins_ms = 5000
        id = unit.send("a", for_s=3)
        await asyncio.sleep_ms(8000)
        assert unit.player.heard == []
        assert unit.stages(id)[-1] == (receipt.INTERRUPTED, CODES["cmd_expired"])

    story(tell)


A, B = b"issuer-a", b"issuer-b"


def test_what_a_revoked_issuer_has_ordered_is_silent():
    async def tell(unit):
        sounds = unit.send("s", EMERGENCY, 1, issuers=(A, B))  # two had to want it
        waits = unit.send("w", DAILY, 4, issuers=(A,))
        armed = unit.send("a", EMERGENCY, 1, start_s=600, issuers=(A,))
        other = unit.send("o", EMERGENCY, 2, issuers=(B,))
        await asyncio.sleep_ms(2000)
        assert [event for event, _ in unit.player.heard] == ["s"] and unit.player.at_once == 1
        unit.revoked.add(A)
        unit.alerts.drop_revoked()
        await asyncio.sleep_ms(300)
        revoked = CODES["revoked"]
        assert unit.stages(sounds)[-1] == (receipt.INTERRUPTED, revoked)
        assert unit.stages(waits)[-1] == unit.stages(armed)[-1] == (receipt.CANCELLED, revoked)
        await asyncio.sleep_ms(700 * 1000)
        assert [event for event, _ in unit.player.heard] == ["s", "o"]
        assert unit.stages(other)[-1] == (receipt.DONE, None)

    story(tell)


def test_a_revocation_that_a_power_cut_has_overtaken():
    root = temp_dir()
    ids = []

    async def before(unit):
        ids.append(unit.send("s", EMERGENCY, 1, issuers=(A,)))
        ids.append(unit.send("a", EMERGENCY, 1, start_s=60, issuers=(B, A)))
        ids.append(unit.send("o", EMERGENCY, 2, issuers=(B,)))
        await asyncio.sleep_ms(2000)

    async def after(unit):  # whom it obeys is on flash, what was to be dropped is, too
        unit.revoked.add(A)
        unit.clock.set(NOW + 40, "server")
        await asyncio.sleep_ms(60000)
        assert [event for event, _ in unit.player.heard] == ["o"]
        assert unit.stages(ids[0]) == [(receipt.INTERRUPTED, CODES["revoked"])]
        assert unit.stages(ids[1]) == [(receipt.CANCELLED, CODES["revoked"])]
        assert (ids[0], receipt.INTERRUPTED) in unit.noted

    story(before, root)
    story(after, root, synced=False)
    remove_tree(root)


def test_a_self_test_waits_for_whatever_sounds():
    async def tell(unit):
        daily = unit.send("d")
        await asyncio.sleep_ms(2000)
        test = unit.test(ASKED)
        await asyncio.sleep_ms(30000)
        assert [event for event, _ in unit.player.heard] == ["d", ASKED]
        assert unit.stages(daily)[-1] == unit.stages(test)[-1] == (receipt.DONE, None)
        [body] = unit.tested
        assert body == {2: False, 3: False, 4: [], 5: b"\x01\x80\xff", 7: 12400}

    story(tell)


def test_a_self_test_makes_room_and_says_so_if_its_time_is_over():
    async def tell(unit):
        test = unit.test(ASKED, for_s=4)
        await asyncio.sleep_ms(1000)
        unit.send("d")
        await asyncio.sleep_ms(15000)
        assert [event for event, _ in unit.player.heard] == [ASKED, "d"]
        assert unit.stages(test)[-1] == (receipt.INTERRUPTED, CODES["preempted"])
        assert unit.tested[-1][4] == [CODES["preempted"]]

    story(tell)


def test_of_a_scheduled_self_test_only_what_came_out_is_told():
    async def tell(unit):
        unit.player.result = Result(False, "amp_fault")
        unit.player.result.failed.append("no_mains")
        unit.test(SCHEDULED)
        await asyncio.sleep_ms(15000)
        unit.alerts.flush()
        assert unit.told == []
        assert unit.tested[-1][4] == [CODES["amp_fault"], CODES["no_mains"]]
        alert = Alert(DAILY, 4, [STEP], 1, None, SCHEDULED, False)  # no self-test, only named so
        unit.alerts.submit(Held(b"named so", alert, NOW, NOW + 3600))
        await asyncio.sleep_ms(15000)
        assert unit.stages(b"named so")[-1][0] == receipt.INTERRUPTED and len(unit.tested) == 1

    story(tell)


def test_a_self_test_that_is_cancelled_has_not_passed():
    async def tell(unit):
        test = unit.test(ASKED, start_s=60)
        await asyncio.sleep_ms(1000)
        unit.alerts.cancel(test)
        await asyncio.sleep_ms(100)
        assert unit.stages(test)[-1] == (receipt.CANCELLED, None)
        assert unit.tested[-1][4] == [CODES["cancelled"]]

    story(tell)
