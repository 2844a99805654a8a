# The outbox as its users see it: numbers, order, acknowledgements, limits, damage.
# SPDX-License-Identifier: Apache-2.0
import os

import firmware.outbox
import firmware.outbox_files
from firmware.counters import Counters
from firmware.outbox import Outbox
from firmware.tests.support import remove_tree, temp_dir
from protocols.tests.support import raises


def record(rn, size=40):
    return b"%d:" % rn + bytes(size)


class Place:
    # An outbox in a directory of its own, with what NVS keeps beside it.
    def __init__(self, limit_bytes=65536):
        self.root = temp_dir()
        self.limit_bytes = limit_bytes
        self.reserved = 1
        self.counters = Counters()
        self.mount()

    def mount(self):
        self.outbox = Outbox(
            self.root + "/outbox", self.counters, self.limit_bytes, self._load, self._store
        )
        return self.outbox

    def _load(self):
        return self.reserved

    def _store(self, limit):
        self.reserved = limit

    def fill(self, n, size=40, urgent=False):
        for _ in range(n):
            self.outbox.append(lambda rn: record(rn, size), urgent)

    def numbers(self):
        return [rn for rn, _ in self.outbox.pending()]

    def segments(self):
        names = os.listdir(self.root + "/outbox")
        return sorted(int(name[:-4]) for name in names)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        remove_tree(self.root)


class Cut(Exception):
    pass


class CutAtLimit(Place):
    # The power goes when the first limit is stored; `late`: when it is safe already.
    def __init__(self, late):
        self.late, self.cut = late, True
        super().__init__()

    def _store(self, limit):
        if self.late or not self.cut:
            self.reserved = limit
        if self.cut:
            raise Cut


def test_a_cut_before_the_first_record_skips_no_number():
    for late in (False, True):
        with CutAtLimit(late) as place:
            raises(Cut, place.fill, 1)
            place.cut = False
            place.mount()
            place.fill(2)
            assert place.numbers() == [1, 2] and place.reserved > 2
            remove_tree(place.root + "/outbox")  # no number comes twice all the same
            place.mount()
            place.fill(1)
            assert place.numbers()[0] > 2


def test_records_come_back_in_order_and_after_a_reset():
    with Place() as place:
        assert place.outbox.append(lambda rn: record(rn)) == 1
        place.fill(2)
        for _ in range(2):
            assert [(rn, bytes(r)) for rn, r in place.outbox.pending()] == [
                (rn, record(rn)) for rn in (1, 2, 3)
            ]
            assert (place.outbox.depth, place.outbox.next_rn, place.outbox.floor) == (3, 4, 1)
            place.mount()
        assert place.counters.snapshot() == {}


def test_alarms_overtake():
    with Place() as place:
        place.fill(3)
        place.fill(2, urgent=True)
        place.fill(1)
        for _ in range(2):
            assert place.numbers() == [4, 5, 1, 2, 3, 6]
            place.mount()
        place.outbox.ack(0, 0b01000)
        assert place.numbers() == [5, 1, 2, 3, 6]


def test_an_ack_is_cumulative_plus_bitmap_and_is_kept():
    with Place() as place:
        place.fill(8)
        place.outbox.ack(2, 0b1011)  # 3, 4 and 6 as well
        for _ in range(2):
            assert place.numbers() == [5, 7, 8]
            assert (place.outbox.depth, place.outbox.floor) == (3, 5)
            place.mount()
        place.outbox.ack(1, 0)  # an older ack takes nothing back
        assert place.numbers() == [5, 7, 8]
        place.outbox.ack(4, 0b0001)
        assert place.numbers() == [7, 8]


def test_every_bitmap_of_six_records():
    for cumulative in range(4):
        for bitmap in range(8):
            with Place() as place:
                place.fill(6)
                place.outbox.ack(cumulative, bitmap)
                expected = [
                    rn
                    for rn in range(1, 7)
                    if rn > cumulative
                    and not (rn - cumulative <= 32 and bitmap >> (rn - cumulative - 1) & 1)
                ]
                assert place.numbers() == expected, (cumulative, bitmap)
                assert place.outbox.depth == len(expected)
                place.mount()
                assert place.numbers() == expected, (cumulative, bitmap)


def test_numbers_never_go_back():
    with Place() as place:
        place.fill(5)
        place.outbox.ack(5)
        assert place.outbox.depth == 0
        place.mount()
        assert (place.numbers(), place.outbox.next_rn) == ([], 6)
        remove_tree(place.root + "/outbox")  # the file system was made anew, NVS was not
        assert place.mount().next_rn > 6


def test_an_ack_for_records_that_were_never_made_is_refused():
    with Place() as place:
        place.fill(2)
        for cumulative in (3, 500, 1 << 40, -5):
            place.outbox.ack(cumulative, 0xFFFFFFFF)
            assert place.numbers() == [1, 2]
        assert place.counters.snapshot() == {"ack_bad": 4}


def test_acknowledged_segments_are_removed():
    with Place() as place:
        place.fill(30, size=400)
        assert len(place.segments()) == 3
        place.outbox.ack(20)
        assert len(place.segments()) == 2
        place.outbox.ack(30)
        assert len(place.segments()) == 1
        place.mount()
        assert (place.outbox.depth, place.outbox.next_rn) == (0, 31)


def test_a_full_outbox_gives_up_the_oldest_and_counts_them():
    with Place(limit_bytes=12288) as place:
        place.fill(40, size=400)
        kept = place.numbers()
        assert kept == list(range(kept[0], 41)) and kept[0] > 1
        assert place.counters.snapshot() == {"outbox_full": kept[0] - 1}
        assert place.outbox.floor == kept[0] and place.outbox.depth == len(kept)
        assert place.outbox.size_bytes <= 12288
        # The host still waits for record 1: the floor has to tell it.
        place.outbox.ack(0, 0)
        assert place.outbox.host_behind
        place.outbox.ack(kept[0], 0)
        assert not place.outbox.host_behind


def test_append_and_ack_while_reading():
    with Place() as place:
        place.fill(20, size=400)
        seen = []
        for rn, content in place.outbox.pending():
            assert content == record(rn, 400)
            seen.append(rn)
            if rn == 3:
                place.outbox.ack(12)
            if rn == 15:
                place.fill(1, size=400)
        assert seen == [1, 2, 3] + list(range(13, 22))


def test_a_torn_tail_is_cut_off_once():
    with Place() as place:
        place.fill(3)
        path = place.root + "/outbox/1.log"
        with open(path, "rb") as file:
            whole = file.read()
        for size in range(len(whole) - 1, len(whole) - 40, -1):
            with open(path, "wb") as file:
                file.write(whole[:size])
            place.counters = Counters()
            place.mount()
            assert place.counters.snapshot() == {"outbox_corrupt": 1}, size
            assert place.numbers() == [1, 2]
            place.counters = Counters()
            place.mount()
            assert place.counters.snapshot() == {}
            place.fill(1)
            # What was lost may have been sent: its number is not given again.
            assert place.numbers()[-1] > 3
            for name in place.segments()[1:]:
                os.remove("%s/outbox/%d.log" % (place.root, name))
            place.reserved = 10


def test_a_flipped_bit_anywhere_never_yields_a_wrong_record():
    with Place() as place:
        place.fill(3, size=10)
        path = place.root + "/outbox/1.log"
        with open(path, "rb") as file:
            whole = file.read()
        for position in range(len(whole)):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << position % 8
            with open(path, "wb") as file:
                file.write(damaged)
            place.counters = Counters()
            place.mount()
            found = list(place.outbox.pending())
            assert len(found) < 3 and place.counters.snapshot() == {"outbox_corrupt": 1}
            for rn, content in found:
                assert content == record(rn, 10)


def test_damage_under_a_running_outbox_is_skipped_and_the_host_is_told():
    with Place() as place:
        place.fill(20, size=400)
        with open(place.root + "/outbox/1.log", "r+b") as file:
            file.seek(900)
            file.write(b"\xff")
        left = place.numbers()
        assert left[:2] == [1, 2] and left[2] > 3 and left[-1] == 20
        assert place.counters.snapshot() == {"outbox_corrupt": 1}
        place.outbox.ack(2, 0)
        assert place.outbox.host_behind and place.outbox.floor == left[2]


class BadFlash:
    # Reading a file of this name fails, `good` bytes into it; or listing its directory.
    def __init__(self, name, good=0):
        self._name = "/" + name
        self._good = good

    def open(self, path, mode):
        file = open(path, mode)
        if path.endswith(self._name) and "r" in mode:
            self._file, self._left = file, self._good
            return self
        return file

    def read(self, size):
        self._left -= size
        if self._left < 0:
            raise OSError(5)
        return self._file.read(size)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self._file.close()

    def listdir(self, path):
        if path.endswith(self._name):
            raise OSError(5)
        return os.listdir(path)

    def __getattr__(self, name):
        return getattr(os, name)

    # A mount on this flash.
    def mount(self, place):
        place.counters = Counters()
        modules = firmware.outbox, firmware.outbox_files
        for module in modules:
            module.open, module.os = self.open, self
        try:
            return place.mount()
        finally:
            for module in modules:
                del module.open
                module.os = os


def test_a_segment_that_cannot_be_read_costs_its_records_and_no_more():
    for first, urgent in ((1, False), (11, False), (11, True), (21, False)):
        with Place() as place:
            place.fill(15, size=400)
            place.fill(10, size=400, urgent=urgent)
            assert place.segments() == [1, 11, 21]
            kept = [rn for rn in range(1, 26) if not first <= rn < first + 10]
            outbox = BadFlash("%d.log" % first).mount(place)
            assert sorted(place.numbers()) == kept, (first, place.numbers())
            assert outbox.depth == len(kept) and outbox.floor == kept[0]
            assert place.counters.snapshot() == {"outbox_corrupt": 1}
            fresh = outbox.append(record)
            assert fresh > 25
            place.counters = Counters()
            place.mount()  # it is gone, and counted once
            assert sorted(place.numbers()) == kept + [fresh]
            assert place.counters.snapshot() == {}
            place.outbox.ack(fresh)
            assert place.mount().depth == 0


def test_of_a_segment_that_can_be_read_in_part_the_first_records_stay():
    with Place() as place:
        place.fill(25, size=400)
        BadFlash("11.log", 1000).mount(place)
        assert place.counters.snapshot() == {"outbox_corrupt": 1}
        assert place.numbers() == list(range(1, 13)) + list(range(21, 26))
        place.counters = Counters()
        place.mount()
        assert place.numbers() == list(range(1, 13)) + list(range(21, 26))
        assert place.counters.snapshot() == {}


def test_a_directory_that_cannot_be_read_is_put_aside():
    with Place() as place:
        place.fill(3)
        BadFlash("outbox").mount(place)
        assert place.counters.snapshot() == {"outbox_corrupt": 1} and place.numbers() == []
        place.fill(1)
        assert place.numbers()[0] > 3
        assert os.listdir(place.root + "/outbox.bad") == ["1.log"]


def test_records_have_a_size():
    with Place() as place:
        for size in (0, 2049):
            assert "allowed 1..2048" in str(
                raises(ValueError, place.outbox.append, lambda rn, n=size: bytes(n))
            )
        assert place.outbox.next_rn == 1


def test_files_that_are_not_ours_do_no_harm():
    with Place() as place:
        place.fill(2)
        for name in ("cut", "x.log", "notes.txt"):
            with open(place.root + "/outbox/" + name, "wb") as file:
                file.write(b"?")
        os.mkdir(place.root + "/outbox/folder")
        place.mount()
        os.rmdir(place.root + "/outbox/folder")
        assert place.numbers() == [1, 2]
        assert place.segments() == [1]
