"""The collector against every kind of frame: good, forged, replayed, cut, out of order."""

import dataclasses
import os
import random
import sqlite3

import pytest
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.outcome import Outcome
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.protocols import ack, event, frame, packing, schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .sender import (
    AIR,
    NOW_S,
    T0,
    Sender,
    boot_record,
    health_record,
    report_record,
    schema_record,
)

SOURCE = ("192.0.2.7", 40000)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


class Site:
    """A collector with its files, which can be closed and opened again."""

    def __init__(self, folder):
        self.folder = folder
        self.now_s = NOW_S
        self.open()

    def open(self):
        self.registry = Registry(self.folder / "registry.sqlite", now=lambda: self.now_s)
        self.store = Store(self.folder / "store.sqlite")
        self.outcomes: list[Outcome] = []
        self.collector = Collector(self.store, self.registry, self.outcomes.append)

    def close(self):
        self.store.close()
        self.registry.close()

    def take(self, datagram):
        return self.collector.handle(datagram, SOURCE, self.now_s)

    @property
    def last(self):
        return self.outcomes[-1]

    def values(self, channel, unit="gh-1"):
        rows = self.store.database.all(
            "SELECT t, value FROM samples JOIN series ON series.id = series"
            " WHERE unit = ? AND name = ? ORDER BY t, record",
            *(unit, channel),
        )
        return [row["value"] for row in rows]

    def numbers(self, unit="gh-1", run=1):
        return self.store.stored_after(unit, run, 0)


def begin(site, name="gh-1"):
    """Return a sender whose boot event and schema have arrived."""
    sender = Sender(site.registry, name)
    answer = sender.open_ack(site.take(sender.seal([boot_record(1), schema_record(2)])))
    assert answer.cumulative == 2
    return sender


# Good frames


def test_a_report_is_stored_decoded_and_acknowledged(site):
    sender = begin(site)
    answer = sender.open_ack(site.take(sender.seal([report_record(3)])))
    assert answer == ack.Ack(3, 0, int(NOW_S) - 1_704_067_200, [], [])
    assert site.values("air_temperature") == [2003, 2004]
    assert site.values("co2") == [403, 404]
    assert site.last.records == ["2 samples"] and site.last.reason == ""


def test_only_the_last_datagram_of_a_wake_is_answered(site):
    sender = begin(site)
    assert site.take(sender.seal([report_record(3)], last=False)) == []
    assert sender.open_ack(site.take(sender.seal([], last=True))).cumulative == 3


def test_the_bitmap_tells_what_is_stored_beyond_a_gap(site):
    sender = begin(site)
    answer = sender.open_ack(site.take(sender.seal([report_record(rn) for rn in (4, 6, 34, 36)])))
    assert answer.cumulative == 2
    assert [rn for rn in range(3, 40) if ack.covers(answer, rn)] == [
        4,
        6,
        34,
    ]  # 36 is beyond 32 bits
    assert sender.open_ack(site.take(sender.seal([report_record(3)]))).cumulative == 4


def test_any_order_of_frames_gives_the_same_store(site):
    sender = begin(site)
    frames = [sender.seal([report_record(rn)], last=False) for rn in range(3, 40)]
    random.Random(7).shuffle(frames)
    for datagram in frames:
        site.take(datagram)
    assert site.numbers() == list(range(1, 40))
    assert site.values("co2") == sorted(
        value for rn in range(3, 40) for value in (400 + rn, 401 + rn)
    )
    assert sender.open_ack(site.take(sender.seal([]))).cumulative == 39


def test_a_repeated_record_is_stored_once_and_acknowledged_again(site):
    sender = begin(site)
    record = report_record(3)
    for _ in range(3):
        assert sender.open_ack(site.take(sender.seal([record]))).cumulative == 3
    assert site.values("co2") == [403, 404]
    assert site.last.duplicates == 1 and site.last.records == []


def test_a_sample_without_a_value_keeps_its_quality(site):
    sender = begin(site)
    site.take(sender.seal([report_record(3, [(None, 400), (2001, 401)])]))
    assert site.values("air_temperature") == [None, 2001]


# Frames that are refused


def test_refusals_by_reason(site):
    sender, other = begin(site), Sender(Registry(site.folder / "other.sqlite"), "gh-1")
    good = sender.seal([report_record(3)])
    stored = site.numbers()
    cases = {
        "short": good[:11],
        "version": b"\x80" + good[1:],
        "piv": b"\x40" + good[1:],
        "kid": good[:1] + b"\x7f\x7f" + good[3:],
        "tag": good[:-1] + bytes((good[-1] ^ 1,)),
        "class": sender.seal_plaintext(b"", cls=frame.COMMAND),
        "record": sender.seal_plaintext(b"\x7fcut"),
        "epoch": frame.KeySet(bytes(16), sender.keys.kid, 9).seal(0, 0, 99, b"", with_epoch=True),
    }
    for reason, datagram in cases.items():
        assert site.take(datagram) == [], reason
        assert site.last.reason == reason
    assert site.take(other.seal([report_record(3)])) == []  # another registry: same kid, other key
    assert site.last.reason == "tag"
    assert site.numbers() == stored
    assert sender.open_ack(site.take(good)).cumulative == 3  # and nothing of it did harm


def test_every_cut_of_a_frame_is_refused(site):
    sender = begin(site)
    good = sender.seal([report_record(3)])
    for size in range(len(good)):
        assert site.take(good[:size]) == []
    assert set(site.collector.refused) == {"short", "tag"}


def test_every_flipped_bit_is_refused(site):
    sender = begin(site)
    good = sender.seal([report_record(3)])
    for bit in range(8 * len(good)):
        forged = bytearray(good)
        forged[bit // 8] ^= 1 << bit % 8
        assert site.take(bytes(forged)) == []
        assert site.last.reason
    assert site.numbers() == [1, 2]


def test_a_replayed_frame_is_refused_also_after_a_restart(site):
    sender = begin(site)
    good = sender.seal([report_record(3)])
    site.take(good)
    assert site.take(good) == [] and site.last.reason == "replay"
    site.close()
    site.open()
    assert site.take(good) == [] and site.last.reason == "replay"


def test_a_frame_older_than_the_window_is_refused(site):
    sender = begin(site)
    old = sender.seal([report_record(3)])
    for _ in range(64):
        site.take(sender.seal([], last=False))
    assert site.take(old) == [] and site.last.reason == "replay"


def test_a_downlink_frame_does_not_open_as_uplink(site):
    sender = begin(site)
    reply = site.take(sender.seal([]))[0]
    assert site.take(reply) == [] and site.last.reason == "tag"


def test_one_broken_record_does_not_take_the_others_along(site):
    sender = begin(site)
    answer = sender.open_ack(
        site.take(sender.seal([b"\x01\x00\xff\xff\xff\xff\xff", report_record(4)]))
    )
    assert site.last.reason == "record"
    assert ack.covers(answer, 4) and not ack.covers(answer, 3)


def test_a_record_that_cannot_be_decoded_is_kept_and_acknowledged(site):
    sender = begin(site)
    broken = report_record(3)[:-1]
    assert sender.open_ack(site.take(sender.seal([broken]))).cumulative == 3
    assert site.store.raw_record("gh-1", 1, 3) == broken
    assert site.values("co2") == []


def test_refusals_are_counted_in_the_store(site):
    sender = begin(site)
    good = sender.seal([])
    for source_s in range(3):
        site.now_s += source_s
        site.take(good[:5])
        site.take(good[:-1] + bytes((good[-1] ^ 1,)))
    site.collector.flush()
    rows = site.store.database.all("SELECT unit, reason, count FROM refusals ORDER BY reason")
    assert [tuple(row) for row in rows] == [("", "short", 3), ("gh-1", "tag", 3)]


def forged(datagram):
    return datagram[:-1] + bytes((datagram[-1] ^ 1,))


def test_a_flood_of_forgeries_is_told_and_locks_nobody_out(site):
    sender = begin(site)
    good = sender.seal([report_record(3)])
    for _ in range(100):
        site.now_s += 1
        site.take(forged(good))
        assert site.last.detail == ""
    for n in range(400):
        site.now_s += 1
        site.take(forged(good))
        assert ("more than 100 bad tags in an hour under key id 0001" in site.last.detail) == (
            n == 0
        )
    assert sender.open_ack(site.take(good)).cumulative == 3
    site.collector.flush()
    found = site.store.forgeries("gh-1", site.now_s - 3600)
    told = (b"\0\1", "gh-1", NOW_S + 1, NOW_S + 500, 500, "192.0.2.7:40000")
    assert [dataclasses.astuple(each) for each in found] == [told]
    assert site.store.forgeries("gh-1", site.now_s) == []


def test_a_flood_that_comes_again_is_told_again(site):
    sender = begin(site)
    good = sender.seal([])
    for _ in range(2):
        told = []
        for _ in range(150):
            site.take(forged(good))
            told.append(site.last.detail)
        assert sum(map(bool, told)) == 1
        site.now_s += 3600


def test_slow_forgeries_are_no_flood(site):
    sender = begin(site)
    good = sender.seal([report_record(3)])
    for _ in range(300):
        site.now_s += 60
        site.take(forged(good))
        assert site.last.detail == ""
    site.collector.flush()
    assert site.store.forgeries("gh-1", 0.0) == []
    assert sender.open_ack(site.take(good)).cumulative == 3


# Keys


def test_a_new_key_ends_the_old_one_when_it_has_spoken(site):
    old = begin(site)
    site.registry.allocate("gh-1")
    new = Sender(site.registry)
    assert (old.keys.epoch, new.keys.epoch) == (1, 2)
    assert old.open_ack(site.take(old.seal([report_record(3)]))).cumulative == 3  # not yet there
    new.piv = old.piv
    first = new.seal([report_record(4)], with_epoch=True)
    assert new.open_ack(site.take(first)).cumulative == 4
    assert site.take(old.seal([report_record(5)])) == [] and site.last.reason == "tag"
    assert new.open_ack(site.take(new.seal([report_record(5)]))).cumulative == 5


def test_a_unit_registered_by_another_process_is_known_at_once(site):
    other = Registry(site.registry.path)
    sender = Sender(other, "gh-9")
    assert sender.open_ack(site.take(sender.seal([boot_record(1)]))).cumulative == 1


def test_downlink_sequence_numbers_never_come_twice(site):
    sender = begin(site)
    for restart in range(4):
        for _ in range(300):
            sender.open_ack(site.take(sender.seal([])))
        site.close()
        if restart == 2:
            site.now_s -= 86_400  # the host's clock was set back
        site.open()
    assert len(set(sender.down_pivs)) == len(sender.down_pivs) == 1201
    assert sender.down_pivs == sorted(sender.down_pivs)


def test_a_new_store_does_not_repeat_downlink_sequence_numbers(site):
    sender = begin(site)
    site.close()
    os.remove(site.folder / "store.sqlite")
    site.open()
    sender.open_ack(site.take(sender.seal([])))
    assert sender.down_pivs == sorted(set(sender.down_pivs)) and len(sender.down_pivs) == 2


def test_two_collectors_on_one_registry_share_no_downlink_sequence_number(site):
    sender = begin(site)
    other = Site(site.folder)
    sender.open_ack(other.take(sender.seal([])))
    for _ in range(260):  # more than one of them takes at a time
        sender.open_ack(site.take(sender.seal([])))
    assert len(set(sender.down_pivs)) == len(sender.down_pivs) == 262


# Schemas


def test_a_record_of_an_unknown_schema_is_kept_and_asked_for(site):
    sender = Sender(site.registry)
    answer = sender.open_ack(site.take(sender.seal([report_record(1), report_record(2)])))
    assert (answer.cumulative, answer.schemas) == (2, [1])
    assert site.values("co2") == []
    answer = sender.open_ack(site.take(sender.seal([schema_record(3)])))
    assert (answer.cumulative, answer.schemas) == (3, [])
    assert site.values("co2") == [401, 402, 402, 403]


def test_a_schema_that_one_unit_sent_serves_all(site):
    begin(site, "gh-1")
    sender = Sender(site.registry, "gh-2")
    answer = sender.open_ack(site.take(sender.seal([boot_record(1), report_record(2)])))
    assert answer.schemas == []
    assert site.values("co2", "gh-2") == [402, 403]


def test_a_schema_decodes_what_other_units_wait_for(site):
    waiting = Sender(site.registry, "gh-2")
    site.take(waiting.seal([boot_record(1), report_record(2)]))
    assert site.values("co2", "gh-2") == []
    begin(site, "gh-1")
    assert site.values("co2", "gh-2") == [402, 403]


def test_each_record_is_decoded_by_the_schema_of_its_time(site):
    warm = schema.Schema(1, 2, 300, [AIR.columns[0]._replace(scale=10), AIR.columns[1]])
    sender = begin(site)
    after = report_record(5, [(215, 400), (216, 401)], warm)
    site.take(sender.seal([report_record(3), after]))  # overtakes the notice of the new schema
    site.take(sender.seal([boot_record(4, (warm,)), schema_record(6, warm)]))
    rows = site.store.database.all(
        "SELECT scale, value FROM samples JOIN series ON series.id = series"
        " WHERE name = 'air_temperature' ORDER BY t"
    )
    assert [tuple(row) for row in rows] == [(100, 2003), (100, 2004), (10, 215), (10, 216)]


def test_a_record_that_comes_late_is_decoded_by_the_schema_before_it_was_changed(site):
    warm = schema.Schema(1, 2, 300, [AIR.columns[0]._replace(scale=10), AIR.columns[1]])
    sender = begin(site)
    late = sender.seal([report_record(3)])
    site.take(sender.seal([boot_record(4, (warm,)), schema_record(5, warm)]))
    site.take(late)
    rows = site.store.database.all(
        "SELECT scale, value FROM samples JOIN series ON series.id = series"
        " WHERE name = 'air_temperature' ORDER BY t"
    )
    assert [tuple(row) for row in rows] == [(100, 2003), (100, 2004)]


def test_a_schema_full_of_nonsense_is_kept_undecoded(site):
    sender = Sender(site.registry)
    for rn, map_ in enumerate(
        (
            {1: 1},
            {1: 1, 2: 1, 3: 300, 4: [{1: 5, 2: 6, 3: 0, 4: 0, 5: 0}]},
            {1: "x", 2: 1, 3: 2, 4: []},
        ),
        start=1,
    ):
        record = event.encode(rn, event.SCHEMA, T0, {event.SCHEMA_MAP: map_})
        assert sender.open_ack(site.take(sender.seal([record]))).cumulative == rn


# Record numbers that begin again, or never come


def test_an_erased_log_starts_a_new_run(site):
    sender = begin(site)
    site.take(sender.seal([report_record(rn) for rn in (3, 4, 5)]))
    again = [boot_record(1, cause="flashed"), schema_record(2), report_record(3, [(1, 2), (3, 4)])]
    answer = sender.open_ack(site.take(sender.seal(again)))
    assert answer.cumulative == 3  # and not 5: records 4 and 5 of this run are still to come
    assert site.numbers(run=1) == [1, 2, 3, 4, 5] and site.numbers(run=2) == [1, 2, 3]


def test_a_straggler_of_the_run_before_does_not_start_another(site):
    sender = begin(site)
    straggler = sender.seal([report_record(3)])
    site.take(sender.seal([boot_record(1, cause="flashed"), schema_record(2)]))
    site.take(straggler)
    assert site.store.contact("gh-1").run == 2
    assert site.numbers(run=1) == [1, 2, 3] and site.numbers(run=2) == [1, 2]


def test_records_that_the_unit_no_longer_has_are_given_up_when_it_says_so(site):
    sender = begin(site)
    assert sender.open_ack(site.take(sender.seal([report_record(9)]))).cumulative == 2
    assert sender.open_ack(site.take(sender.seal([report_record(5)]))).cumulative == 2
    answer = sender.open_ack(site.take(sender.seal([health_record(10, _8=9)])))
    assert answer.cumulative == 10
    rows = site.store.database.all("SELECT first_rn, last_rn FROM lost")
    assert [tuple(row) for row in rows] == [(3, 4), (6, 8)]


# Trouble on the host


def test_nothing_is_acknowledged_when_the_disk_is_full(site):
    sender = begin(site)
    pages = site.store.database.one("PRAGMA page_count")[0]
    site.store.database.one(f"PRAGMA max_page_count={pages + 4}")
    rn, replies = 2, [b""]
    while replies and rn < 500:
        rn += 1
        record = report_record(rn)
        replies = site.take(sender.seal([record]))
    assert replies == [] and site.last.reason == "store"
    assert "full" in site.last.detail and "free space" in site.last.detail
    assert site.numbers() == list(range(1, rn))  # nothing of the refused frame was kept
    site.store.database.one("PRAGMA max_page_count=1000000")
    assert sender.open_ack(site.take(sender.seal([record]))).cumulative == rn
    assert site.values("co2")[-2:] == [400 + rn, 401 + rn]


def test_a_frame_that_was_not_stored_may_come_again(site):
    sender = begin(site)
    good = sender.seal([report_record(3)])
    pages = site.store.database.one("PRAGMA page_count")[0]
    site.store.database.one(f"PRAGMA max_page_count={pages}")
    record = event.encode(9, event.ALARM, T0, {2: bytes(20000)})
    assert site.take(sender.seal([record])) == [] and site.last.reason == "store"
    site.store.database.one("PRAGMA max_page_count=1000000")
    assert sender.open_ack(site.take(good)).cumulative == 3


def test_nothing_is_acknowledged_when_the_registry_is_full(site):
    sender = begin(site)
    site.close()
    site.open()  # the next answer has to reserve sequence numbers
    site.now_s += 10_000
    pages = site.registry._database.one("PRAGMA page_count")[0]
    site.registry._database.one(f"PRAGMA max_page_count={pages}")
    site.registry._database._connection.execute("PRAGMA query_only=ON")
    assert site.take(sender.seal([report_record(3)])) == [] and site.last.reason == "store"
    site.registry._database._connection.execute("PRAGMA query_only=OFF")
    assert sender.open_ack(site.take(sender.seal([]))).cumulative == 3


def hold(path):
    """Return a connection that keeps a file locked until its ROLLBACK."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def waits(database):
    """Return a list that grows by one whenever a connection has to wait for others."""
    database._connection.execute("PRAGMA busy_timeout=0")
    seen = []
    run = database._explain
    database._explain = lambda error: (seen.append(str(error)), run(error))[1]
    return seen


def test_a_locked_store_refuses_what_came_together_after_one_wait(site):
    senders = [begin(site, f"gh-{n}") for n in range(20)]
    good = [(sender.seal([report_record(3)]), SOURCE) for sender in senders]
    noise = [(b"noise", SOURCE)] * 20  # to be counted in the store, too
    site.now_s += 60
    seen, other = waits(site.store.database), hold(site.store.path)
    replies = site.collector.handle_many([*good, *noise], site.now_s)
    assert replies == [[] for _ in range(40)] and len(seen) == 1
    outcomes = site.outcomes[-40:-20]
    assert all(outcome.reason == "store" and not outcome.records for outcome in outcomes)
    assert all("locked" in outcome.detail for outcome in outcomes)
    other.execute("ROLLBACK")
    for sender, answer in zip(senders, site.collector.handle_many(good, site.now_s), strict=True):
        assert sender.open_ack(answer).cumulative == 3
    assert len(seen) == 1


def test_a_locked_store_and_noise_alone_wait_once_a_second(site):
    begin(site)
    site.now_s += 60
    seen, other = waits(site.store.database), hold(site.store.path)
    for _ in range(10):
        site.collector.handle_many([(b"noise", SOURCE)] * 10, site.now_s)
    assert len(seen) == 1
    other.execute("ROLLBACK")
    site.collector.flush()
    assert site.store.database.one("SELECT count FROM refusals WHERE reason = 'piv'")[0] == 100


def test_a_locked_registry_refuses_the_answers_after_one_wait(site):
    senders = [begin(site, f"gh-{n}") for n in range(20)]
    site.close()
    site.open()  # each answer has to reserve sequence numbers
    seen, other = waits(site.registry._database), hold(site.registry.path)
    good = [(sender.seal([report_record(3)]), SOURCE) for sender in senders]
    assert site.collector.handle_many(good, NOW_S) == [[] for _ in good] and len(seen) == 1
    assert {outcome.reason for outcome in site.outcomes} == {"store"}
    other.execute("ROLLBACK")
    again = [(sender.seal([]), SOURCE) for sender in senders]
    for sender, answer in zip(senders, site.collector.handle_many(again, NOW_S), strict=True):
        assert sender.open_ack(answer).cumulative == 3


def test_an_observer_that_fails_keeps_no_answer_back(site, caplog):
    sender, told = begin(site), []

    def fails(outcome):
        told.append(outcome)
        raise OSError(32, "Broken pipe")

    site.collector = Collector(site.store, site.registry, fails)
    for rn in (3, 4):
        datagrams = [(sender.seal([report_record(rn)]), SOURCE), (b"noise", SOURCE)]
        answer, none = site.collector.handle_many(datagrams, NOW_S)
        assert sender.open_ack(answer).cumulative == rn and none == []
    assert len(told) == 1 and caplog.text.count("told no more") == 1
    assert site.collector.refused == {"piv": 2}


# Datagrams that arrive together


def test_datagrams_that_arrive_together_share_a_transaction(site):
    one, other = begin(site, "gh-1"), begin(site, "gh-2")
    statements: list[str] = []
    site.store.database._connection.set_trace_callback(statements.append)
    datagrams = [
        (sender.seal([report_record(rn)], last=rn == 5), SOURCE)
        for rn in (3, 4, 5)
        for sender in (one, other)
    ]
    replies = site.collector.handle_many([*datagrams, (b"noise", SOURCE), datagrams[0]], NOW_S)
    assert sum("COMMIT" in statement for statement in statements) == 1
    assert [len(answers) for answers in replies] == [0, 0, 0, 0, 1, 1, 0, 0]
    assert one.open_ack(replies[4]).cumulative == other.open_ack(replies[5]).cumulative == 5
    assert [outcome.reason for outcome in site.outcomes[-8:]] == [""] * 6 + ["piv", "replay"]
    assert site.numbers("gh-1") == site.numbers("gh-2") == [1, 2, 3, 4, 5]


def test_what_the_disk_takes_of_many_is_kept_and_acknowledged(site):
    sender = begin(site)
    pages = site.store.database.one("PRAGMA page_count")[0]
    site.store.database.one(f"PRAGMA max_page_count={pages + 3}")
    large = event.encode(4, event.ALARM, T0, {2: bytes(40000)})
    datagrams = [(sender.seal([record]), SOURCE) for record in (report_record(3), large)]
    first, second = site.collector.handle_many(datagrams, NOW_S)
    assert sender.open_ack(first).cumulative == 3
    assert second == [] and site.last.reason == "store"
    assert site.numbers() == [1, 2, 3]
    site.close()
    site.open()
    assert sender.open_ack(site.take(datagrams[1][0])).cumulative == 4  # it was never taken
    assert site.take(datagrams[0][0]) == [] and site.last.reason == "replay"


def test_what_another_collector_has_stored_is_known_at_once(site):
    sender = begin(site)
    frames = [sender.seal([report_record(rn)]) for rn in (3, 4, 5)]
    assert sender.open_ack(site.take(frames[0])).cumulative == 3
    other = Site(site.folder)
    assert sender.open_ack(other.take(frames[1])).cumulative == 4
    other.close()
    assert site.take(frames[1]) == [] and site.last.reason == "replay"
    assert sender.open_ack(site.take(frames[2])).cumulative == 5


# Whatever comes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_no_datagram_raises(fuzzed, data):
    assert fuzzed.collector.handle(data, SOURCE, NOW_S) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.booleans())
def test_no_sealed_plaintext_raises(fuzzed, data, as_record):
    plaintext = packing.pack([data], True) if as_record and data else data
    replies = fuzzed.take(fuzzed.sender.seal_plaintext(plaintext))
    assert fuzzed.last.reason in ("", "record")
    assert len(replies) <= 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 6),
    st.dictionaries(
        st.integers(2, 9),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text() | st.binary(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.integers(0, 9) | st.text(), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=4,
    ),
    st.integers(-(2**70), 2**70),
)
def test_no_event_raises(fuzzed, type_, body, t):
    fuzzed.rn += 1
    fuzzed.take(fuzzed.sender.seal([event.encode(fuzzed.rn, type_, t, body)]))
    assert fuzzed.last.reason == ""


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    return FuzzedSite(tmp_path_factory.mktemp("fuzzed"))


class FuzzedSite(Site):
    def __init__(self, folder):
        super().__init__(folder)
        self.sender = Sender(self.registry)
        self.rn = 1000
