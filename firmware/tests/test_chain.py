# The chain over an outbox: through resets, drops and cuts it is what a stranger reckons.
# SPDX-License-Identifier: Apache-2.0
import hashlib
import os

import firmware.outbox
import firmware.outbox_files
from firmware import chain_state
from firmware.chain import Chain
from firmware.counters import Counters
from firmware.outbox import Outbox
from firmware.tests.support import World, remove_tree, temp_dir
from firmware.tests.support_cuts import Cut, Files, Power

LIMIT = 12288  # three segments
START = bytes(32)


# By the comment in protocols/trace.py, and by nothing of its code.
def reckon(value, rn, record):
    return hashlib.sha256(value + rn.to_bytes(4, "big") + record).digest()


def record(rn):
    return b"%d:" % rn + bytes(600 + rn % 7 * 50)


class Life:
    # A unit whose records are all known to the test.
    def __init__(self):
        self.world = World()
        self.root = temp_dir()
        self.directory = self.root + "/outbox"
        self.reserved = 1
        self.records = {}  # what append() has returned
        self.mount()

    def mount(self):
        self.counters = Counters()
        self.chain = Chain()
        self.outbox = Outbox(
            self.directory, self.counters, LIMIT, self._load, self._store, self.chain
        )

    def _load(self):
        return self.reserved

    def _store(self, limit):
        self.reserved = limit

    def append(self, n=1):
        for _ in range(n):
            made = []

            def build(rn, made=made):
                made.append(record(rn))
                return made[-1]

            rn = self.outbox.append(build)
            self.records[rn] = made[-1]

    # A root as trace_root.py makes one, without its signature.
    def sign(self):
        day, last = chain_state.load()[:2]
        if self.outbox.settled(last):
            chain_state.arrived()
        gaps = chain_state.load()[2]
        at = self.outbox.next_rn, self.chain.value, gaps
        self.append()
        chain_state.told(day + 1, at[0], gaps)
        return at

    # What whoever has these records and roots can prove -> the proven numbers
    def proven(self, roots, without=()):
        anchors, told = {}, []
        for rn, value, gaps in roots:
            anchors[rn] = value
            for gap in gaps:
                told.append((gap[0], gap[1]))
                anchors[gap[1] + 1] = gap[3]
                if gap[2]:
                    anchors[gap[0]] = gap[2]
        value, since, found = None, [], set()
        for rn in range(1, self.outbox.next_rn + 1):
            if rn in anchors:
                assert value is None or value == anchors[rn], rn
                found |= set(since) if value else set()
                value, since = anchors[rn], []
            known = self.records.get(rn) if rn not in without else None
            if known is None or value is None:
                allowed = any([first <= rn <= last for first, last in told])
                assert value is None or allowed or rn > max(anchors), rn
                value = None
                continue
            value = reckon(value, rn, known)
            since.append(rn)
        return found

    def __enter__(self):
        return self

    def __exit__(self, *args):
        remove_tree(self.root)


def test_the_first_record_stands_on_zeros():
    with Life() as life:
        life.append(3)
        value = START
        for rn in (1, 2, 3):
            value = reckon(value, rn, record(rn))
        assert life.chain.value == value
        roots = [life.sign()]
        assert roots[0] == (4, value, [[1, 0, None, START]])
        assert life.proven(roots) == {1, 2, 3}
        life.outbox.ack(4)
        assert life.sign()[2] == []  # told once


def test_a_reset_changes_nothing():
    with Life() as life:
        roots = []
        for n in range(12):
            life.append(3)
            roots.append(life.sign())
            if n % 2 == 0:
                life.outbox.ack(life.outbox.next_rn - 1)
            before = life.chain.value
            life.mount()
            assert life.chain.value == before
        assert life.outbox.chain.noted
        assert life.proven(roots) == set(range(1, roots[-1][0]))
        assert not any([gaps for _, _, gaps in roots[2:]])


def test_what_was_given_up_is_told():
    for resets in (False, True):
        with Life() as life:
            life.append(4)
            roots = [life.sign()]
            life.append(3)
            life.outbox.ack(7)  # the collector has all but 8
            for _ in range(40):
                life.append()
                if resets:
                    life.mount()
            lowest = next(life.outbox.pending())[0]
            assert lowest > 20
            roots.append(life.sign())
            gap = roots[-1][2]
            assert len(gap) == 1 and gap[0][:2] == [8, lowest - 1]
            without = range(8, lowest)
            assert life.proven(roots, without) == set(range(1, 8)) | set(
                range(lowest, roots[-1][0])
            )
            life.append(2)
            assert life.sign()[2][0][0] == 8  # nobody has got the one before
            for told in (1, 0):
                life.outbox.ack(life.outbox.next_rn - 1)
                assert len(life.sign()[2]) == told


def test_an_outage_that_takes_whole_days_with_their_roots():
    for resets in (False, True):
        with Life() as life:
            life.append(4)
            roots = [life.sign()]
            life.outbox.ack(5)
            for _ in range(12):
                life.append(4)
                roots.append(life.sign())
                if resets:
                    life.mount()
            lowest = next(life.outbox.pending())[0]
            life.outbox.ack(life.outbox.next_rn - 1)  # what is left arrives
            roots.append(life.sign())
            got = [root for root in roots if root[0] < 6 or root[0] >= lowest]
            assert len(got) < len(roots)
            without = range(6, lowest)
            assert life.proven(got, without) == set(range(1, 6)) | set(range(lowest, roots[-1][0]))


def test_records_that_the_collector_has_all_the_same():
    # A gap is kept before the segment goes: the records may arrive between.
    with Life() as life:
        life.append(40)
        roots = [life.sign()]
        assert roots[0][2][1][1] > 5
        assert life.proven(roots) == set(range(1, 41))


def test_a_torn_segment_is_no_part_of_it():
    with Life() as life:
        life.append(8)
        roots = [life.sign()]
        life.outbox.ack(9)
        life.append(1)
        with open("%s/%d.log" % (life.directory, life.outbox._segments[-1].first), "ab") as file:
            file.write(b"\x10")
        before, last = life.chain.value, life.outbox.next_rn
        life.mount()
        assert life.chain.value == before and life.outbox.next_rn > last
        life.append(2)
        roots.append(life.sign())
        assert roots[-1][2] == [[last, life.outbox.next_rn - 4, before, before]]
        life.outbox.ack(life.outbox.next_rn - 1)
        life.mount()
        life.append(1)
        roots.append(life.sign())
        assert roots[-1][2] == []
        numbers = {rn for rn in life.records if rn < roots[-1][0]}
        assert life.proven(roots) == numbers


def test_a_log_that_is_lost_begins_another_chain():
    with Life() as life:
        life.append(5)
        roots = [life.sign()]
        life.append(3)
        remove_tree(life.directory)
        life.mount()
        first = life.outbox.next_rn
        life.append(3)
        roots.append(life.sign())
        assert roots[-1][2] == [[7, first - 1, None, START]]
        assert life.proven(roots) == set(range(1, 6)) | set(range(first, first + 3))


def test_a_chain_may_begin_on_a_full_log():
    with Life() as life:
        life.outbox.chain = None
        life.world.nvs.clear()
        life.append(9)
        life.mount()
        life.append(3)
        value = life.chain.value
        life.mount()
        assert life.chain.value == value
        roots = [life.sign()]
        assert roots[0][2] == [[1, 9, None, START]]
        assert life.proven(roots) == {10, 11, 12}


# --- the power goes at each file operation, and at each of the recovery


def tell(life):
    life.append(4)
    life.roots.append(life.sign())
    life.outbox.ack(3)
    life.append(9)
    life.roots.append(life.sign())
    life.outbox.ack(12)
    life.append(30)
    life.roots.append(life.sign())


def cut(last, torn):
    with Life() as life:
        life.roots = []
        power = Power(last, torn)
        modules, files = (firmware.outbox, firmware.outbox_files, chain_state), Files(power)
        for module in modules:
            module.os, module.open = files, files.open
        try:
            tell(life)
        except Cut:
            pass
        finally:
            for module in modules:
                module.os = os
                del module.open
        life.mount()
        # A record whose append did not return may be on flash all the same.
        life.records.update(life.outbox.pending())
        life.append(3)
        life.roots.append(life.sign())
        found = life.proven(life.roots)
        missed = [rn for rn in life.records if rn < life.roots[-1][0] and rn not in found]
        assert not missed, (last, missed)
    return power.gone


def test_a_cut_at_every_file_operation():
    for torn in (0, 2):
        last = 0
        while cut(last, torn):
            last += 1
        assert last > 60, last
