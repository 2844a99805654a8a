"""What a collector refuses: forged, replayed, cut and broken frames, and floods of them."""

import dataclasses

from fieldbeat.host_tools.registry import Registry
from fieldbeat.protocols import ack, frame

from .collector_site import begin
from .sender import (
    NOW_S,
    Sender,
    report_record,
)

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
