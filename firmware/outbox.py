# Store and forward: an append-only log of records on flash that survives a power cut at any write.
# SPDX-License-Identifier: Apache-2.0
import os
import struct

from protocols.compat import const, crc32

from . import later

_FILES = const("firmware.outbox_files")

# A segment is a file named after its first record number (rn); its records are numbered in a row.
# Entry: u16 kind << 14 | length, payload, u32 CRC-32 over both, seeded with the rn that is next.
# One segment is one flash block of littlefs, which copies that block at each append and makes the
# append visible in one step when the file is closed: an entry is there as a whole or not at all.
_SEGMENT_BYTES = const(4096)
_OVERHEAD = const(6)
_MAX_RECORD = const(2048)
_ENOSPC = const(28)

# A mark is the state of the acknowledgements: u32 floor, u32 bitmap. The last one counts; it tells
# only of records before it, so that segments can go from the oldest on.
_RECORD = const(0)
_URGENT = const(1)
_MARK = const(2)


class Segment:
    def __init__(self, first):
        self.first = first
        self.count = 0
        self.size = 0

    def next(self):
        return self.first + self.count


class Outbox:
    # load() and store(rn) keep a limit that rn never falls below, outside of this file system: the
    # numbers stay unique when the files are lost.
    # chain: of chain.py, where what is told is to be provable.
    def __init__(self, directory, counters, limit_bytes=262144, load=None, store=None, chain=None):
        self._directory = directory
        self._counters = counters
        self._limit = max(limit_bytes, 3 * _SEGMENT_BYTES)
        self._store = store
        self.chain = chain
        self.next_rn = 1
        # The host waits for records that will never come (given up here, or its own store is new):
        # tell it the floor in an event.
        self.host_behind = False
        found = later.call(_FILES, "scan", directory, counters, chain)
        # _segments: oldest first; urgent: rn of alarms that are not settled; floor: the lowest rn
        # still held, all below are acknowledged or given up; _bits: bit i tells that record
        # floor + i is settled, bit 0 is always clear.
        self._segments, torn, self.urgent, self.floor, self._bits = found
        self._mount(torn, load)

    @property
    def size_bytes(self):
        return sum(segment.size for segment in self._segments)

    @property
    def depth(self):
        held = sum(
            max(0, segment.next() - max(segment.first, self.floor)) for segment in self._segments
        )
        ahead = range(1, 32)
        return held - sum(1 for i in ahead if self._bits >> i & 1 and self._holder(self.floor + i))

    # build(rn) makes the record. Returns rn when the record is safe on flash; raises OSError when
    # the file system refuses even after the oldest segment was given up.
    def append(self, build, urgent=False):
        rn = self.next_rn
        record = build(rn)
        if not 0 < len(record) <= _MAX_RECORD:
            raise ValueError("record of %d bytes, allowed 1..%d" % (len(record), _MAX_RECORD))
        kind = _URGENT if urgent else _RECORD
        while self.size_bytes + len(record) + _OVERHEAD > self._limit and self._drop_oldest():
            pass
        try:
            self._write(kind, record)
        except OSError as error:
            # Others filled the file system before we met our own limit; or one block is bad, and
            # the next segment lies elsewhere.
            if error.errno == _ENOSPC and not self._drop_oldest():
                raise
            self._write(kind, record)
        self._segments[-1].count += 1
        self.next_rn = rn + 1
        if self.chain:
            self.chain.add(rn, record)
        if urgent:
            self.urgent.append(rn)
        return rn

    # Yields (rn, record) of what is not settled: alarms first, then oldest first. Appends and acks
    # may happen between two steps.
    def pending(self):
        for rn in tuple(self.urgent):
            record = self._fetch(rn)
            if record is not None:
                yield rn, record
        segment = self._segment_from(self.floor)
        while segment:
            for rn, record in self._walk(segment):
                if not self.settled(rn) and rn not in self.urgent:
                    yield rn, record
            segment = self._segment_from(segment.next())

    # The host has every rn <= cumulative, and cumulative + 1 + i for each bit i of the bitmap.
    def ack(self, cumulative, bitmap=0):
        base = cumulative + 1
        if not 0 < base <= self.next_rn:  # about records that were never made here
            self._counters.count("ack_bad")
            return
        floor = max(self.floor, base)
        bits = self._bits >> (floor - self.floor) | (bitmap & 0xFFFFFFFF) >> (floor - base)
        changed = floor != self.floor or bits != self._bits
        self.floor, self._bits = floor, bits
        self._advance()
        self.host_behind = base < self.floor
        if changed:
            self.urgent = [rn for rn in self.urgent if not self.settled(rn)]
            try:
                self._settle()
            except OSError:  # the state lives on in RAM, and the host acknowledges again
                self._counters.count("fs_corrupt")

    def settled(self, rn):
        return rn < self.floor or self._bits >> (rn - self.floor) & 1

    # Moves the floor over what is settled and over what no segment holds any more.
    def _advance(self):
        while self.floor < self.next_rn:
            if self._bits & 1:
                step = 1
            elif self._holder(self.floor):
                return
            else:
                after = self._segment_from(self.floor)
                step = (after.first if after else self.next_rn) - self.floor
            self.floor += step
            self._bits >>= step
        self._bits = 0

    def _holder(self, rn):
        for segment in self._segments:
            if segment.first <= rn < segment.next():
                return segment
        return None

    def _segment_from(self, rn):
        for segment in self._segments:
            if segment.next() > rn:
                return segment
        return None

    def _path(self, segment):
        return "%s/%d.log" % (self._directory, segment.first)

    # --- writing: one open, one write, one close an entry

    def _write(self, kind, payload):
        last = self._segments[-1] if self._segments else None
        entry = _entry(kind, payload, self.next_rn)
        chain = self.chain
        if (
            not last
            or not last.size
            or last.next() != self.next_rn
            or last.size + len(entry) > _SEGMENT_BYTES
            or (chain and not chain.noted)
        ):
            last = self._rotate(last)
            if chain:
                entry = _entry(_MARK, self._mark() + chain.value, self.next_rn) + entry
        try:
            with open(self._path(last), "ab" if last.size else "wb") as file:
                file.write(entry)
        except OSError as error:
            if error.errno != _ENOSPC or not self._as_before(last):
                last.size = _SEGMENT_BYTES  # its tail is unknown: go on in a new segment
            raise
        last.size += len(entry)
        if chain:
            chain.noted = True

    # A write that found no room leaves the file as it was: to give this segment up as well would
    # take one more for each record.
    def _as_before(self, segment):
        try:
            return os.stat(self._path(segment))[6] == segment.size
        except OSError:
            return False

    # Where others have filled the file system, what is settled makes room for the mark.
    def _settle(self):
        try:
            self._write_mark()
        except OSError as error:
            if error.errno != _ENOSPC:
                raise
            self._trim()
            self._write_mark()
        self._trim()

    def _write_mark(self):
        self._write(_MARK, self._mark())

    def _mark(self):
        return struct.pack("<II", self.floor, self._bits)

    def _rotate(self, last):
        if self._store:
            if not last:
                # A name holds the number before the limit is above it: a cut between skips none.
                with open(self._path(Segment(self.next_rn)), "wb"):
                    pass
            # No segment holds more records than this.
            self._store(self.next_rn + _SEGMENT_BYTES // (_OVERHEAD + 1))
        if last and last.first == self.next_rn:  # nothing arrived in it: begin it again
            last.size = 0
            return last
        self._segments.append(Segment(self.next_rn))
        return self._segments[-1]

    def _trim(self):
        while len(self._segments) > 1 and self._segments[0].next() <= self.floor:
            self._remove_oldest()

    def _remove_oldest(self):
        try:
            os.remove(self._path(self._segments[0]))
        except OSError as error:
            if error.errno != 2:  # ENOENT: it is gone, which is what we want
                raise
        return self._segments.pop(0)

    # The last one goes only when nobody waits for it.
    def _drop_oldest(self):
        segments = self._segments
        if len(segments) < 2 and not (segments and segments[0].next() <= self.floor):
            return False
        if self.chain:
            self.chain.give_up(self._directory, segments, self.settled)
        oldest = self._remove_oldest()
        lost = sum(1 for rn in range(oldest.first, oldest.next()) if not self.settled(rn))
        if lost:
            self._counters.count("outbox_full", lost)
        self.urgent = [rn for rn in self.urgent if rn >= oldest.next()]
        self._advance()
        return True

    # --- reading

    def _walk(self, segment):
        position, rn = 0, segment.first
        while rn < segment.next() and segment in self._segments:
            try:
                with open(self._path(segment), "rb") as file:
                    file.seek(position)
                    entry = read_entry(file, rn)
            except OSError:
                entry = None
            if not entry:  # it was whole when it was written: the flash has lost it
                self._counters.count("outbox_corrupt")
                segment.count = rn - segment.first
                self._advance()
                return
            kind, payload = entry
            position += len(payload) + _OVERHEAD
            if kind != _MARK:
                yield rn, payload
                rn += 1

    def _fetch(self, wanted):
        segment = self._holder(wanted)
        if segment:
            for rn, record in self._walk(segment):
                if rn == wanted:
                    return record
        return None

    # --- after a reset

    def _mount(self, torn, load):
        if self._segments:
            self.next_rn = max(self._segments[-1].next(), self.floor)
        if load and (torn or not self._segments):
            self.next_rn = max(self.next_rn, load())
        if self.chain:
            self.chain.mounted(self.next_rn)
        self._advance()
        self.urgent = [rn for rn in self.urgent if not self.settled(rn)]
        for segment in torn:
            self._counters.count("outbox_corrupt")
            try:
                self._repair(segment)
            except OSError:  # no room for it: its tail is torn at the next reset too
                self._counters.count("fs_corrupt")

    # Cuts off a torn tail, so that it is counted once. Before that a new segment takes the next
    # number, since what was lost may have been sent.
    def _repair(self, segment):
        sound, segment.size = segment.size, _SEGMENT_BYTES
        if segment is self._segments[-1]:
            self._write_mark()
        if segment is self._segments[-1]:
            return
        if later.call(_FILES, "cut", self._directory, segment.first, sound):
            segment.size = sound
            return
        # What cannot be read any more is gone, and must not be met again at each reset.
        self._segments.remove(segment)
        self.urgent = [rn for rn in self.urgent if self._holder(rn)]
        self._advance()


def _entry(kind, payload, rn):
    entry = struct.pack("<H", kind << 14 | len(payload)) + payload
    return entry + struct.pack("<I", crc32(entry, rn))


# The entry at the file's position as (kind, payload), or None at the end and where it is torn.
def read_entry(file, rn):
    head = file.read(2)
    if len(head) < 2:
        return None
    word = struct.unpack("<H", head)[0]
    length = word & 0x3FFF
    if not 0 < length <= _MAX_RECORD:
        return None
    rest = file.read(length + 4)
    if len(rest) != length + 4:
        return None
    payload = rest[:length]
    if struct.unpack("<I", rest[length:])[0] != crc32(payload, crc32(head, rn)):
        return None
    return word >> 14, payload
