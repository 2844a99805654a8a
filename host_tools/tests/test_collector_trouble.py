"""A collector on a host in trouble: a full disk, locked files, many datagrams at once."""

import shutil

import pytest
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.database import DatabaseGone
from fieldbeat.protocols import event

from .collector_site import SOURCE, Site, begin, hold, waits
from .sender import (
    NOW_S,
    T0,
    report_record,
)


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


@pytest.mark.parametrize("name", ["store.sqlite", "registry.sqlite"])
@pytest.mark.parametrize("back", [False, True])
def test_nothing_is_acknowledged_when_a_file_is_gone(site, name, back):
    sender = begin(site)
    file = site.folder / name
    file.rename(site.folder / "away")
    if back:  # a copy in its place: what is written into the open one is seen by nobody
        shutil.copy(site.folder / "away", file)
    with pytest.raises(DatabaseGone, match="was deleted, moved or replaced while it was in use"):
        site.collector.require_files()
    if name == "store.sqlite":
        assert site.take(sender.seal([report_record(3)])) == [] and site.last.reason == "store"
        assert "put the right file there, and start it again" in site.last.detail


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
