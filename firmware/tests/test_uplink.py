# The uplink against a network that loses, doubles, delays, reorders, forges and replays.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from firmware.tests.support import run
from firmware.tests.support_uplink import CONFIG, KID, MASTER, Bench, finish, record
from protocols import frame, packing_reader


def _config(**changes):
    table = dict(CONFIG["uplink"])
    table.update(changes)
    return {"uplink": table}


def _unsealed(bench):
    keys = bench.secrets.keys
    return [
        packing_reader.unpack(keys.open(frame.UP, data)[2]) for data, _, _ in bench.carrier.sent
    ]


def test_one_wake_sends_all_and_forgets_what_is_acknowledged():
    bench = Bench(3)
    assert bench.wake() is True
    assert bench.outbox.depth == 0
    assert [last for _, last, _ in bench.carrier.sent] == [False, False, True]
    assert _unsealed(bench) == [([record(1)], False), ([record(2)], False), ([record(3)], True)]
    assert bench.clock.told == [(5000, "server")]
    assert bench.uplink.outcome == "acked" and bench.counters.snapshot() == {}
    assert bench.carrier.opened == 1


def test_datagrams_are_filled_up_to_the_size_and_no_further():
    bench = Bench(0, config=_config(datagram_bytes=480))
    bench.outbox.held = {rn: record(rn) for rn in range(1, 12)}
    assert bench.wake()
    sizes = [len(data) for data, _, _ in bench.carrier.sent]
    assert [len(records) for records, _ in _unsealed(bench)] == [7, 4]
    assert sizes[0] <= 480 < sizes[0] + 61


def test_an_empty_outbox_leaves_the_modem_asleep():
    bench = Bench(0)
    assert bench.wake() is True and bench.carrier.opened == 0


def test_asking_with_an_empty_outbox():
    bench = Bench(0)
    assert finish(bench.uplink.wake(ask=True)) is True
    assert _unsealed(bench) == [([], True)] and bench.clock.told == [(5000, "server")]
    bench.carrier.up = ["lost"] * 2
    assert finish(bench.uplink.wake(ask=True)) is False
    assert bench.uplink.outcome == "no_ack" and len(bench.carrier.sent) == 3
    bench.carrier.up = ["lost"]
    assert finish(bench.uplink.wake(ask=True)) is False  # nobody answered: asked once
    assert len(bench.carrier.sent) == 4
    bench.carrier.takes = 3
    assert finish(bench.uplink.wake(ask=True)) is False and bench.uplink.outcome == "send_failed"


def test_without_keys_nothing_is_opened_and_it_is_counted_once():
    bench = Bench(1)
    keys, bench.secrets.keys = bench.secrets.keys, None
    assert bench.wake() is False and bench.wake() is False
    assert bench.count("not_provisioned") == 1 and bench.carrier.opened == 0
    bench.secrets.keys = keys
    assert bench.wake() is True


def test_every_fate_of_small_wakes():
    # Three datagrams and a retry up, two answers down: nothing is lost, no number is sealed twice,
    # True means that all is stored, and a quiet network then settles everything.
    ups, downs = ("ok", "lost", "late"), ("ok", "lost", "late", "forged")
    for n in range(len(ups) ** 4 * len(downs) ** 2):
        fates = []
        for choices in (ups, ups, ups, ups, downs, downs):
            n, choice = divmod(n, len(choices))
            fates.append(choices[choice])
        _settles(fates[:4], fates[4:])


def test_every_doubling_of_small_wakes():
    for n in range(2**6):
        fates = [("ok", "twice")[n >> bit & 1] for bit in range(6)]
        bench = _settles(fates[:3], fates[3:])
        # A second copy of an ack that was read is a replay.
        assert set(bench.counters.snapshot()) <= {"frame_replay"}


def _settles(up, down):
    bench = Bench(3, up, down)
    for _ in range(6):
        acked = bench.wake()
        bench.check(3)
        if acked:
            break
    assert acked and bench.outbox.depth == 0 and bench.server.stored == {1, 2, 3}, (up, down)
    return bench


def test_silence_is_met_with_one_retry():
    bench = Bench(3, up=["lost"] * 9, config=_config(ack_timeout_s=3))
    assert bench.wake() is False
    times = [seconds for _, _, seconds in bench.carrier.sent]
    assert len(times) == 4 and 3 <= times[3] - times[2] < 5
    assert _unsealed(bench)[3] == _unsealed(bench)[2] and bench.carrier.sent[3][1] is True
    assert bench.count("no_ack") == 2 and bench.uplink.outcome == "no_ack"
    assert bench.outbox.depth == 3


def test_nobody_is_more_impatient_than_his_carrier():
    bench = Bench(3, up=["lost"] * 9, config=_config(ack_timeout_s=3))
    bench.carrier.timeout_ms = 10000
    assert bench.wake() is False
    times = [seconds for _, _, seconds in bench.carrier.sent]
    assert times[3] - times[2] >= 10


def test_after_a_silent_wake_one_datagram_asks_once():
    bench = Bench(3, up=["lost"] * 5)
    assert bench.wake() is False and len(bench.carrier.sent) == 4
    assert bench.wake() is False and len(bench.carrier.sent) == 5
    assert bench.wake() is True and bench.outbox.depth == 0
    assert _unsealed(bench)[5] == ([record(1)], True)
    assert len(bench.carrier.sent) == 8


def test_gaps_are_filled_in_the_same_wake():
    bench = Bench(3, up=["ok", "lost", "ok"])
    assert bench.wake() is True
    assert [records for records, _ in _unsealed(bench)][3:] == [[record(2)]]


def test_a_forged_ack_is_refused_and_the_true_one_still_taken():
    bench = Bench(1)
    bench.carrier.waiting = [b"", b"\x00" * 30, b"\x71" + KID + bytes(20)]
    forger = frame.KeySet(bytes(16), KID)
    bench.carrier.waiting.append(forger.seal(frame.ACK, frame.DOWN, 9, b"\xa1\x01\x01"))
    echo = bench.secrets.keys.seal(frame.ACK, frame.UP, 9, b"\xa1\x01\x01")  # our own direction
    bench.carrier.waiting.append(echo)
    assert bench.wake() is True
    counts = bench.counters.snapshot()
    assert counts.pop("frame_tag") == 3 and counts.pop("frame_short") == 1, counts
    assert counts.pop("frame_version") == 1 and not counts, counts


def test_a_replayed_ack_is_refused_also_after_a_reset():
    bench = Bench(1)
    old = bench.server.answer()
    bench.carrier.waiting = [old, old]
    assert bench.wake() is True
    assert bench.count("frame_replay") == 1
    bench.outbox.held = {2: record(2)}
    bench.start()
    bench.carrier.waiting = [old]
    assert bench.wake() is True and bench.count("frame_replay") == 2


def test_the_time_is_taken_only_from_the_answer_to_this_wake():
    bench = Bench(1)
    bench.carrier.waiting = [bench.server.answer()]  # of a wake before, with another time
    assert bench.wake() is True
    assert bench.clock.told == [(5001 + 1, "server")]  # it came 2 s after the question


def test_an_answer_that_was_held_back_sets_no_clock():
    bench = Bench(0)
    bench.server.tells_question = True
    held = bench.server.answer()
    assert finish(bench.uplink.wake(ask=True)) is True
    told = list(bench.clock.told)
    bench.carrier.down = ["lost"] * 2
    bench.carrier.waiting = [held]
    assert finish(bench.uplink.wake(ask=True)) is False and bench.clock.told == told
    assert finish(bench.uplink.wake(ask=True)) is True and len(bench.clock.told) == len(told) + 1


def test_what_was_held_back_counts_for_the_records_that_it_covers():
    bench = Bench(1)
    bench.server.tells_question = True
    bench.carrier.down = ["lost"] * 2
    assert bench.wake() is False
    bench.carrier.waiting = [bench.server.answer()]
    told = list(bench.clock.told)
    assert bench.wake() is True and bench.clock.told == told


def test_a_clock_moves_no_further_than_into_the_time_of_the_wait():
    # The answer tells 5000 and is read 9 s after the question: the time is 5000 to 5009 then.
    for before, after, jumps in (
        (None, 5004, 0),  # not known yet: the middle is the best guess
        (4000, 5000, 1),
        (4999, 5000, 0),
        (5000, 5000, 0),
        (5007, 5007, 0),
        (5009, 5009, 0),
        (5012, 5009, 1),
    ):
        bench = Bench(1)
        bench.carrier.delay_s = 9
        if before is not None:
            bench.clock.set(before - 9, "server")
        assert bench.wake() is True
        assert bench.clock.now() == after, (before, bench.clock.now())
        assert bench.count("clock_jump") == jumps and bench.clock.source == "server"


def test_the_answer_to_the_second_question_may_be_one_to_the_first():
    bench = Bench(1, down=["late"])
    bench.clock.set(5000 - 20 - 9, "server")
    bench.carrier.delay_s = 9
    assert bench.wake() is True and len(bench.carrier.sent) == 2
    assert bench.count("clock_jump") == 0


def test_other_classes_and_bad_acks_are_counted():
    bench = Bench(1)
    seal = bench.secrets.keys.seal
    bench.carrier.waiting = [
        seal(frame.COMMAND, frame.DOWN, 70, b"\xa0"),
        seal(frame.ACK, frame.DOWN, 71, b"\xa0"),
        seal(frame.ACK, frame.DOWN, 72, b"\xff"),
    ]
    bench.server.piv = 80
    assert bench.wake() is True
    assert bench.counters.snapshot() == {"frame_class": 1, "ack_bad": 2}


def test_the_epoch_travels_until_it_is_answered():
    bench = Bench(2, up=["ok", "lost", "lost"], epoch=7)
    assert bench.wake() is False
    assert bench.wake() is True
    bench.outbox.held = {3: record(3)}
    assert bench.wake() is True
    assert bench.server.epochs == [7, 7, None, None]
    bench.secrets.keys = bench.server.keys = frame.KeySet(MASTER, KID, 8)
    bench.secrets.window = (-1, 0)
    bench.outbox.held = {4: record(4)}
    assert bench.wake() is True and bench.server.epochs[4:] == [8]


def test_sequence_numbers_go_on_after_a_reset():
    bench = Bench(1, up=["lost", "lost"])
    assert bench.wake() is False
    bench.start()
    assert bench.wake() is True
    bench.check(1)


def test_a_backlog_takes_several_rounds_up_to_the_limit_of_a_wake():
    bench = Bench(20)
    assert bench.wake() is True
    assert [last for _, last, _ in bench.carrier.sent] == [False, False, False, True] * 4
    assert bench.outbox.depth == 4 and bench.carrier.opened == 1
    assert bench.wake() is True and bench.outbox.depth == 0


def test_a_round_holds_no_more_records_than_an_ack_can_tell_apart():
    bench = Bench(0, config=_config(datagram_bytes=980))
    bench.outbox.held = {rn: record(rn, 10) for rn in range(1, 101)}
    assert bench.wake() is True
    assert [len(records) for records, _ in _unsealed(bench)] == [32, 32, 32, 4]


def test_urgent_records_go_first_and_once_a_wake():
    bench = Bench(60)
    bench.outbox.urgent = (60,)
    assert bench.wake() is False  # record 60 lies beyond the bitmap of what is stored: 1 to 15
    first = [records[0][1] for records, _ in _unsealed(bench)]
    assert first[0] == 60 and first.count(60) == 1
    assert bench.uplink.outcome == "partly" and 60 in bench.outbox.held
    assert bench.wake() is True and 60 not in bench.outbox.held
    while bench.outbox.depth:
        assert bench.wake() is True
        bench.check(60)


def test_the_budget_of_a_day_ends_a_wake_and_a_new_day_begins_one():
    bench = Bench(16, config=_config(budget_bytes_day=1000))
    assert bench.wake() is True and bench.count("budget_spent") == 1
    assert bench.wake() is False and bench.count("budget_spent") == 2
    spent = sum([len(data) for data, _, _ in bench.carrier.sent])
    assert spent <= 1000 < spent + 128 and bench.outbox.depth == 16 - len(bench.carrier.sent)
    assert bench.uplink.outcome == "budget_spent"
    opened = bench.carrier.opened
    assert bench.wake() is False and bench.carrier.opened == opened
    bench.clock.pass_s(86400)
    assert bench.wake() is True and bench.outbox.depth == 0


def test_a_retry_costs_budget_too():
    bench = Bench(1, up=["lost"] * 9, config=_config(budget_bytes_day=200))
    assert bench.wake() is False
    assert len(bench.carrier.sent) == 1


def test_a_record_that_fits_no_datagram_does_not_block_the_others():
    bench = Bench(3)
    bench.outbox.held[2] = record(2, 1100)
    bench.server.lost = 0
    assert bench.wake() is True
    assert bench.server.stored == {1, 3} and bench.outbox.depth == 0
    assert bench.count("send_failed") == 1


def test_a_record_above_the_wanted_size_travels_alone():
    bench = Bench(3)
    bench.outbox.held[2] = record(2, 300)
    assert bench.wake() is True
    assert [len(data) > 300 for data, _, _ in bench.carrier.sent] == [False, True, False]


def test_a_failing_carrier_ends_the_wake_with_its_reason():
    for method, reason in (
        ("open", "reg_denied"),
        ("send", "send_failed"),
        ("receive", "modem_reset"),
    ):
        bench = Bench(2)
        bench.carrier.fail = {method: reason}
        assert bench.wake() is False and bench.uplink.outcome == reason
        bench.check(2)
        bench.carrier.fail = {}
        assert bench.wake() is True
        bench.check(2)


def test_a_datagram_that_is_never_taken_holds_up_no_other():
    bench = Bench(8)
    for rn in (2, 5, 6):
        bench.outbox.held[rn] = record(rn, 300)
    bench.carrier.takes = 200
    for _ in range(6):
        assert bench.wake() is False and bench.uplink.outcome == "send_failed"
    assert bench.server.stored == {1, 3, 4, 7, 8} and sorted(bench.outbox.held) == [2, 5, 6]
    bench.outbox.held[9] = record(9)
    assert bench.wake() is False and 9 in bench.server.stored
    bench.carrier.takes = 400
    assert bench.wake() is True and bench.outbox.depth == 0


def test_many_datagrams_that_were_not_taken_take_no_memory():
    bench = Bench(30)
    bench.carrier.fail = {"send": "send_failed"}
    for _ in range(30):
        assert bench.wake() is False
        assert len(bench.uplink._refused) <= 8
    bench.carrier.fail = {}
    for _ in range(3):
        assert bench.wake() is True
    assert bench.outbox.depth == 0
    bench.check(30)


def test_a_long_wake_beats():
    # Each round of four datagrams is answered at the second question, 300 s after the first.
    bench = Bench(16, down=["late", "lost"] * 4, config=_config(ack_timeout_s=300))
    beats = []
    start = bench.clock.uptime_s()
    assert finish(bench.uplink.wake(lambda: beats.append(bench.clock.uptime_s()))) is True
    beats.append(bench.clock.uptime_s())
    assert beats[-1] - start > 1000
    assert max(b - a for a, b in zip([start] + beats, beats)) <= 300


def test_a_wake_that_waits_for_another_one_beats():
    bench = Bench(1)
    open_carrier, beats = bench.carrier.open, []

    async def slow():
        await asyncio.sleep_ms(600000)
        await open_carrier()

    bench.carrier.open = slow

    async def story():
        first = asyncio.create_task(bench.uplink.wake())
        await asyncio.sleep_ms(0)
        bench.outbox.held[2] = record(2)
        second = await bench.uplink.wake(lambda: beats.append(bench.clock.uptime_s()))
        return await first, second

    assert run(story()) == (True, True)
    gaps = {b - a for a, b in zip(beats, beats[1:])}
    assert beats[-1] - beats[0] > 500 and max(gaps) <= 2


def test_nothing_is_sent_when_the_sequence_cannot_be_reserved():
    bench = Bench(1)

    def refuse(limit):
        raise OSError(5)

    bench.secrets._reserve = refuse
    bench.start()
    assert bench.wake() is False
    assert bench.carrier.sent == [] and bench.count("fs_corrupt") == 1
    bench.check(1)


def test_what_the_server_wants_is_handed_on():
    bench = Bench(1)
    bench.server.schemas = [1, 3]
    assert bench.wake() is True
    assert bench.schemas == [1, 3]
