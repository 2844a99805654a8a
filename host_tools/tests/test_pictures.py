"""A collector takes pictures: lost chunks, killed collectors, old copies, two at a time."""

from __future__ import annotations

import hashlib
import json

import pytest
from fieldbeat.host_tools import pictures
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.commands.collect import Log
from fieldbeat.host_tools.commands.pictures import _line as picture_line
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.protocols import blocks, event, frame
from fieldbeat.protocols.block_sender import Sender as BlockSender

from .sender import NOW_S, T0, Sender

PICTURE = bytes(range(256)) * 40


class Site:
    """A collector on files, which may be killed, and a unit that sends pictures to it."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.registry = Registry(folder / "registry.sqlite", random_bytes=lambda n: b"\1" * n)
        self.start()
        self.unit = Sender(self.registry)
        self.now_s = NOW_S
        self.sent = 0  # datagrams

    def start(self) -> None:
        self.store = Store(self.folder / "store.sqlite")
        self.log = Log(as_json=False)
        self.collector = Collector(self.store, self.registry, self.log.show)

    def kill(self) -> None:
        self.store.close()
        self.start()

    def hand_in(self, message: bytes) -> list[bytes]:
        self.now_s += 1
        sealed = self.unit.seal_plaintext(message, frame.BLOCK)
        return [
            self.unit.keys.open(frame.DOWN, reply)[2]
            for reply in self.collector.handle(sealed, ("192.0.2.7", 4000), self.now_s)
        ]

    def send(self, sender: BlockSender, most: int = 1000, lost=lambda n: False) -> None:
        """Sends until it has ended, or so many datagrams."""
        ms = 0
        for _ in range(most):
            message = sender.next(ms)
            ms += 20_000 if message is None else 100
            if sender.result is not None:
                return
            if message is None:
                continue
            self.sent += 1
            if not lost(self.sent):
                for reply in self.hand_in(message):
                    sender.receive(reply, ms)

    def pictures(self) -> list[pictures.Picture]:
        return pictures.of_unit(self.store, "gh-1")


def picture_sender(number: int = 7, data: bytes = PICTURE, state=None, type_=blocks.PICTURE):
    def read(offset, size):
        return data[offset : offset + size]

    header = blocks.describe(number, len(data), 440, read, T0, type_)
    return BlockSender(header, read, state)


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.store.close()
    site.registry.close()


def test_a_picture_arrives_with_what_its_event_tells(site):
    sender = picture_sender()
    site.send(sender)
    assert sender.result == blocks.DONE
    (picture,) = site.pictures()
    assert (picture.number, picture.size, picture.kind) == (7, len(PICTURE), None)
    body = {2: 1, 3: 1, 4: len(PICTURE), 5: 176, 6: 240, 7: 58, 8: 1, 10: True}
    body[event.PICTURE_SHA256] = hashlib.sha256(PICTURE).digest()
    record = event.encode(7, event.PICTURE, T0, body)
    site.collector.handle(site.unit.seal([record]), "x", site.now_s)
    (picture,) = site.pictures()
    assert (picture.why, picture.kind, picture.flags) == ("alarm", "gauge", ("frozen",))
    assert pictures.data_of(site.store, picture) == PICTURE
    assert site.store.database.one("SELECT count(*) FROM picture_chunks")[0] == 0


def test_of_two_that_are_the_same_each_has_its_own_event(site):
    for number, why, flags in ((7, 1, 0), (8, 2, 1)):
        site.send(picture_sender(number))
        body = {event.PICTURE_WHY: why, event.PICTURE_KIND: 2, event.PICTURE_FLAGS: flags}
        body[event.PICTURE_SHA256] = hashlib.sha256(PICTURE).digest()
        record = event.encode(number, event.PICTURE, T0, body)
        site.collector.handle(site.unit.seal([record]), "x", site.now_s)
    told = [(each.number, each.why, each.flags) for each in site.pictures()]
    assert told == [(7, "alarm", ()), (8, "command", ("frozen",))]
    assert [pictures.find(site.store, each.id) for each in site.pictures()] == site.pictures()


@pytest.mark.parametrize("nonsense", [-1, -4, 3, "gauge", [1], None])
def test_what_a_later_version_tells_of_a_picture_has_no_name(site, nonsense):
    site.send(picture_sender())
    body = {event.PICTURE_WHY: nonsense, event.PICTURE_KIND: nonsense}
    body[event.PICTURE_SHA256] = hashlib.sha256(PICTURE).digest()
    site.collector.handle(site.unit.seal([event.encode(7, event.PICTURE, T0, body)]), "x", NOW_S)
    (picture,) = site.pictures()
    assert (picture.why, picture.kind) == (None, None)


def test_the_log_has_one_line_for_a_picture(site, capsys):
    site.send(picture_sender())
    site.collector.handle(site.unit.seal([]), "x", site.now_s)
    site.send(picture_sender(), most=6)  # again: no news
    one, other = capsys.readouterr().out.splitlines()
    assert site.sent > 20 and f"picture 1, {len(PICTURE)} bytes" in one and "no records" in other


def test_a_machine_is_told_of_each_datagram(site, capsys):
    site.log = Log(as_json=True)
    site.collector._observer = site.log.show
    site.send(picture_sender())
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert len(lines) == site.sent and lines[-1]["records"] == [f"picture 1, {len(PICTURE)} bytes"]


def test_what_was_taken_before_the_clock_was_set_is_listed_so(site):
    """A still scene gives the same bytes again, once the unit knows the time."""
    for number, synced in ((7, False), (8, True)):
        site.send(picture_sender(number))
        body = {event.PICTURE_SHA256: hashlib.sha256(PICTURE).digest()}
        body[event.PICTURE_SYNCED] = synced
        record = event.encode(number, event.PICTURE, T0, body)
        site.collector.handle(site.unit.seal([record]), "x", site.now_s)
    assert [picture_line(each)["flags"] for each in site.pictures()] == ["no clock", ""]


def test_every_third_datagram_is_lost(site):
    sender = picture_sender()
    site.send(sender, lost=lambda n: n % 3 == 0)
    assert sender.result == blocks.DONE
    assert pictures.data_of(site.store, site.pictures()[0]) == PICTURE


def test_a_collector_that_is_killed_forgets_nothing(site):
    sender = picture_sender()
    while sender.result is None:
        site.send(sender, most=3)
        site.kill()
    assert site.sent <= sender.header.chunks() + 4
    assert pictures.data_of(site.store, site.pictures()[0]) == PICTURE


def test_a_collector_that_lost_half_asks_anew(site):
    sender = picture_sender()
    site.send(sender, most=16)
    (half,) = site.pictures()
    assert half.done_s is None
    with pytest.raises(CannotTry, match="has not come whole"):
        pictures.data_of(site.store, half)
    for statement in ("DELETE FROM picture_chunks", "DELETE FROM pictures"):
        site.store.database.write(statement)
    site.kill()
    site.send(sender)
    assert sender.result == blocks.DONE
    assert pictures.data_of(site.store, site.pictures()[0]) == PICTURE


def test_a_damaged_account_begins_anew(site):
    sender = picture_sender()
    site.send(sender, most=16)
    site.store.database.write("UPDATE pictures SET state = x'ff'")
    site.kill()
    site.send(sender)
    assert pictures.data_of(site.store, site.pictures()[0]) == PICTURE


def test_chunks_that_vanished_are_found_by_the_hash(site):
    sender = picture_sender()
    site.send(sender, most=16)
    site.store.database.write("DELETE FROM picture_chunks WHERE begin = 440")
    site.send(sender)
    assert sender.result == blocks.DONE
    assert pictures.data_of(site.store, site.pictures()[0]) == PICTURE


def test_another_picture_comes_between(site):
    slow, urgent = picture_sender(7), picture_sender(8, PICTURE[::-1])
    site.send(slow, most=10)
    site.send(urgent)
    site.send(slow)
    assert slow.result == urgent.result == blocks.DONE
    found = [pictures.data_of(site.store, picture) for picture in site.pictures()]
    assert found == [PICTURE, PICTURE[::-1]]


def test_what_came_is_told_again_and_not_kept_twice(site):
    site.send(picture_sender())
    site.kill()
    again = picture_sender()
    before = site.sent
    site.send(again, most=6)
    assert again.result == blocks.DONE and site.sent - before <= 6 and len(site.pictures()) == 1


def test_what_is_not_wanted(site):
    update = picture_sender(type_=blocks.UPDATE)
    site.send(update)
    assert update.result == blocks.UNWANTED and not site.pictures()


def test_only_the_newest_unfinished_ones_are_kept(site):
    for number in range(20):
        site.send(picture_sender(number, bytes([number]) * 2000), most=3)
    assert [picture.number for picture in site.pictures()] == list(range(12, 20))
    kept = site.store.database.one("SELECT count(DISTINCT picture) FROM picture_chunks")[0]
    assert kept <= 8


def test_nonsense_is_counted_and_not_answered(site):
    answers = [site.hand_in(data) for data in (b"", b"\xff", blocks.encode_status(7, 1, 1))]
    assert answers == [[], [], []]
    assert site.collector._pictures.refused == {"message": 3}


def test_a_transaction_that_fails_costs_chunks_and_no_truth(site, monkeypatch):
    sender = picture_sender()
    site.send(sender, most=8)
    advance = site.collector._traffic.save

    def fail():
        raise OSError("disk")

    monkeypatch.setattr(site.collector._traffic, "save", fail)
    with pytest.raises(OSError):
        site.hand_in(sender.next(0) or b"")
    monkeypatch.setattr(site.collector._traffic, "save", advance)
    site.send(sender)
    assert pictures.data_of(site.store, site.pictures()[0]) == PICTURE
