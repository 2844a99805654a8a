"""Non-volatile storage in the format of ESP-IDF ("NVS version 2"), inside a board's flash bytes.

ESP-IDF programming guide, "Non-volatile Storage Library", internals: a page is one sector with a
header, a bitmap of 126 entry states and 126 entries of 32 bytes. A changed value is written first
and its old entry cleared afterwards, so that a power cut leaves one of the two; one page stays
free for compaction. Does not model encryption.
"""

import struct
import zlib
from typing import NamedTuple

from .flash import SECTOR, Flash

PAGE_EMPTY, PAGE_ACTIVE, PAGE_FULL, PAGE_FREEING = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFF8
VERSION_2 = 0xFE
ENTRIES = 126
ENTRY = 32
BITMAP_AT, ENTRIES_AT = 32, 64
FREE, WRITTEN, CLEARED = 3, 2, 0  # two bits of the bitmap

U8, I32, STRING, BLOB_DATA, BLOB_INDEX = 0x01, 0x14, 0x21, 0x42, 0x48
ANY_CHUNK = 0xFF
MAX_KEY = 15
MAX_CHUNK = (ENTRIES - 1) * ENTRY
VERSION_0, VERSION_1 = 0x00, 0x80  # where the chunk numbers of a blob start, in turn

NOT_FOUND, NOT_ENOUGH_SPACE, KEY_TOO_LONG = -0x1102, -0x1105, -0x1109


class NvsError(Exception):
    """`code` is ESP-IDF's error number, negative, as OSError has it on a board."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ESP-IDF error 0x{-code:x}")
        self.code = code


class Name(NamedTuple):
    """What makes an entry unique."""

    namespace: int
    key: str
    type: int
    chunk: int = ANY_CHUNK


class Place(NamedTuple):
    page: int
    entry: int
    span: int


class Page:
    """One sector: where its next entry goes and how many of its entries are in use."""

    def __init__(self, number: int, state: int, sequence: int) -> None:
        self.number = number
        self.state = state
        self.sequence = sequence
        self.next = 0
        self.used = 0


def crc(data: bytes) -> int:
    """ESP-IDF's CRC: crc32 that starts from ones."""
    return zlib.crc32(data, 0xFFFFFFFF)


def pack_entry(name: Name, span: int, data: bytes) -> bytes:
    """One entry of 32 bytes: names, CRC, key and eight bytes of data."""
    head = struct.pack("<BBBB", name.namespace, name.type, span, name.chunk)
    tail = name.key.encode().ljust(16, b"\0") + data.ljust(8, b"\xff")
    return head + struct.pack("<I", crc(head + tail)) + tail


class Nvs:
    """The key-value store of one partition; opened anew at every reset, which also repairs it."""

    def __init__(self, flash: Flash, offset: int, size: int) -> None:
        self.flash = flash
        self.offset = offset
        self.pages = [Page(n, PAGE_EMPTY, 0) for n in range(size // SECTOR)]
        self.places: dict[Name, Place] = {}
        self.namespaces: dict[str, int] = {}
        self.busy_us = 0  # flash time since the last `take_busy_us()`
        self._load()

    # Values

    def get_i32(self, namespace: str, key: str) -> int:
        place = self._find(namespace, key, I32)
        return struct.unpack_from("<i", self._entry(place), 24)[0]

    def set_i32(self, namespace: str, key: str, value: int) -> None:
        self._replace(self._name(namespace, key, I32), struct.pack("<i", value))

    def get_blob(self, namespace: str, key: str) -> bytes:
        size, count, start = self._blob_index(self._find(namespace, key, BLOB_INDEX))
        name = self._name(namespace, key, BLOB_DATA)
        chunks = (self._chunk(self.places[name._replace(chunk=start + i)]) for i in range(count))
        return b"".join(chunks)[:size]

    def set_blob(self, namespace: str, key: str, value: bytes) -> None:
        index = self._name(namespace, key, BLOB_INDEX)
        old = self.places.get(index)
        start = VERSION_0
        if old is not None:
            if self.get_blob(namespace, key) == value:
                return
            start = VERSION_1 if self._blob_index(old)[2] == VERSION_0 else VERSION_0
        count = self._write_chunks(index._replace(type=BLOB_DATA), start, value)
        data = struct.pack("<IBBH", len(value), count, start, 0xFFFF)
        self._write(index, data)
        if old is not None:
            self._clear_chunks(index, VERSION_0 if start else VERSION_1)

    def erase_key(self, namespace: str, key: str) -> None:
        for kind in (I32, BLOB_INDEX):
            name = self._name(namespace, key, kind)
            if name in self.places:
                self._clear(self.places.pop(name))
                if kind == BLOB_INDEX:
                    self._clear_chunks(name, VERSION_0)
                    self._clear_chunks(name, VERSION_1)
                return
        raise NvsError(NOT_FOUND)

    def open(self, namespace: str) -> int:
        """Number of a namespace; an unknown one is written, as opening for writing does."""
        if namespace not in self.namespaces:
            number = max(self.namespaces.values(), default=0) + 1
            self._check_key(namespace)
            self._write(Name(0, namespace, U8), bytes([number]))
            self.namespaces[namespace] = number
        return self.namespaces[namespace]

    def take_busy_us(self) -> int:
        """How long the flash worked since the last call."""
        busy_us, self.busy_us = self.busy_us, 0
        return busy_us

    # Entries

    def _name(self, namespace: str, key: str, kind: int) -> Name:
        self._check_key(key)
        return Name(self.open(namespace), key, kind)

    def _check_key(self, key: str) -> None:
        if not 0 < len(key.encode()) <= MAX_KEY:
            raise NvsError(KEY_TOO_LONG)

    def _find(self, namespace: str, key: str, kind: int) -> Place:
        place = self.places.get(self._name(namespace, key, kind))
        if place is None:
            raise NvsError(NOT_FOUND)
        return place

    def _replace(self, name: Name, data: bytes) -> None:
        old = self.places.get(name)
        if old is None or self._entry(old)[24 : 24 + len(data)] != data:
            self._write(name, data)

    def _write(self, name: Name, data: bytes, extra: bytes = b"") -> None:
        """Writes an entry and, after it, clears the one it replaces."""
        span = 1 + -(-len(extra) // ENTRY)
        page = self._page_with_room(span)
        old = self.places.get(name)  # compaction may have moved it
        at = page.next
        self._program(page.number, ENTRIES_AT + at * ENTRY, pack_entry(name, span, data))
        if extra:
            padded = extra.ljust((span - 1) * ENTRY, b"\xff")
            self._program(page.number, ENTRIES_AT + (at + 1) * ENTRY, padded)
        self._mark(page.number, at, span, WRITTEN)
        page.next += span
        page.used += span
        self.places[name] = Place(page.number, at, span)
        if old is not None:
            self._clear(old)

    def _write_chunks(self, name: Name, start: int, value: bytes) -> int:
        count = 0
        rest = value
        while rest or not count:
            page = self._page_with_room(1 + min(1, len(rest)))
            room = min((ENTRIES - page.next - 1) * ENTRY, MAX_CHUNK)
            part, rest = rest[:room], rest[room:]
            head = struct.pack("<HHI", len(part), 0xFFFF, crc(part))
            self._write(name._replace(chunk=start + count), head, part)
            count += 1
        return count

    def _clear_chunks(self, index: Name, start: int) -> None:
        for name in [n for n in self.places if n[:2] == index[:2] and n.type == BLOB_DATA]:
            if name.chunk & VERSION_1 == start:
                self._clear(self.places.pop(name))

    def _clear(self, place: Place) -> None:
        self._mark(place.page, place.entry, place.span, CLEARED)
        self.pages[place.page].used -= place.span

    def _entry(self, place: Place) -> bytes:
        return self._read(place.page, ENTRIES_AT + place.entry * ENTRY, ENTRY)

    def _blob_index(self, place: Place) -> tuple[int, int, int]:
        return struct.unpack_from("<IBB", self._entry(place), 24)

    def _chunk(self, place: Place) -> bytes:
        size, _, _ = struct.unpack_from("<HHI", self._entry(place), 24)
        return self._read(place.page, ENTRIES_AT + (place.entry + 1) * ENTRY, size)

    # Pages

    def _page_with_room(self, span: int) -> Page:
        active = next((page for page in self.pages if page.state == PAGE_ACTIVE), None)
        if active is not None:
            if active.next + span <= ENTRIES:
                return active
            self._set_state(active, PAGE_FULL)
        empty = [page for page in self.pages if page.state == PAGE_EMPTY]
        if len(empty) > 1 or (active is None and empty):
            return self._activate(empty[0])
        return self._compact(empty, span)

    def _activate(self, page: Page) -> Page:
        page.sequence = (
            max((p.sequence for p in self.pages if p.state != PAGE_EMPTY), default=-1) + 1
        )
        page.state, page.next, page.used = PAGE_ACTIVE, 0, 0
        body = struct.pack("<IB19s", page.sequence, VERSION_2, b"\xff" * 19)
        header = struct.pack("<I", PAGE_ACTIVE) + body + struct.pack("<I", crc(body))
        self._program(page.number, 0, header)
        return page

    def _compact(self, empty: list[Page], span: int) -> Page:
        """Moves what the emptiest page still holds to the free one, and frees that page."""
        full = [page for page in self.pages if page.state == PAGE_FULL]
        if not empty or not full:
            raise NvsError(NOT_ENOUGH_SPACE)
        worst = min(full, key=lambda page: page.used)
        if worst.used + span > ENTRIES:
            raise NvsError(NOT_ENOUGH_SPACE)
        self._set_state(worst, PAGE_FREEING)
        return self._move_all(worst, empty[0])

    def _move_all(self, source: Page, target: Page) -> Page:
        self._activate(target)
        for name, place in list(self.places.items()):
            if place.page != source.number:
                continue
            raw = self._read(place.page, ENTRIES_AT + place.entry * ENTRY, place.span * ENTRY)
            self._program(target.number, ENTRIES_AT + target.next * ENTRY, raw)
            self._mark(target.number, target.next, place.span, WRITTEN)
            self.places[name] = Place(target.number, target.next, place.span)
            target.next += place.span
            target.used += place.span
        self._erase(source)
        return target

    def _erase(self, page: Page) -> None:
        self.busy_us += self.flash.erase(self.offset + page.number * SECTOR)
        page.state, page.sequence, page.next, page.used = PAGE_EMPTY, 0, 0, 0

    def _set_state(self, page: Page, state: int) -> None:
        page.state = state
        self._program(page.number, 0, struct.pack("<I", state))

    def _mark(self, page: int, index: int, span: int, state: int) -> None:
        first, last = index // 4, (index + span - 1) // 4
        bits = bytearray(self._read(page, BITMAP_AT + first, last - first + 1))
        for n in range(index, index + span):
            shift = n % 4 * 2
            bits[n // 4 - first] &= ~(3 << shift) | state << shift
        self._program(page, BITMAP_AT + first, bytes(bits))

    def _program(self, page: int, at: int, data: bytes) -> None:
        self.busy_us += self.flash.program(self.offset + page * SECTOR + at, data)

    def _read(self, page: int, at: int, size: int) -> bytes:
        return self.flash.read(self.offset + page * SECTOR + at, size)

    # Start: read what is there and finish what a power cut left half done

    def _load(self) -> None:
        for page in self.pages:
            raw = self._read(page.number, 0, ENTRIES_AT)
            page.state, page.sequence = struct.unpack_from("<II", raw)
            if raw == b"\xff" * ENTRIES_AT:
                page.sequence = 0
            elif crc(raw[4:28]) != struct.unpack_from("<I", raw, 28)[0] or raw[8] != VERSION_2:
                self._erase(page)
        freeing = [page for page in self.pages if page.state == PAGE_FREEING]
        for page in self.pages if freeing else []:
            if page.state == PAGE_ACTIVE:  # a half-filled copy of the page being freed
                self._erase(page)
        in_order = sorted(self.pages, key=lambda page: page.sequence)
        for page in in_order:
            if page.state != PAGE_EMPTY:
                self._load_page(page)
        self.namespaces = {
            name.key: self._entry(place)[24]
            for name, place in self.places.items()
            if name.namespace == 0
        }
        for page in freeing:
            self._move_all(page, next(p for p in self.pages if p.state == PAGE_EMPTY))
        self._drop_orphans()

    def _load_page(self, page: Page) -> None:
        bitmap = self._read(page.number, BITMAP_AT, 32)
        index = 0
        while index < ENTRIES:
            state = bitmap[index // 4] >> index % 4 * 2 & 3
            span = 1
            if state == WRITTEN:
                span = self._load_entry(page, index)
            elif state == FREE and self._is_blank(page.number, index):
                index += 1
                continue
            elif state == FREE:  # written, but its bits were not: a cut came between
                self._mark(page.number, index, 1, CLEARED)
            index += span
            page.next = index

    def _is_blank(self, page: int, index: int) -> bool:
        return self._read(page, ENTRIES_AT + index * ENTRY, ENTRY) == b"\xff" * ENTRY

    def _load_entry(self, page: Page, index: int) -> int:
        raw = self._read(page.number, ENTRIES_AT + index * ENTRY, ENTRY)
        namespace, kind, span, chunk, checksum = struct.unpack_from("<BBBBI", raw)
        if crc(raw[:4] + raw[8:]) != checksum or not 1 <= span <= ENTRIES - index:
            self._mark(page.number, index, 1, CLEARED)
            return 1
        place = Place(page.number, index, span)
        page.used += span
        key = raw[8:24].rstrip(b"\0").decode("ascii", "replace")
        if kind in (STRING, BLOB_DATA) and not self._data_intact(place):
            self._clear(place)
            return span
        name = Name(namespace, key, kind, chunk)
        older = self.places.get(name)
        if older is not None:
            self._clear(older)
        self.places[name] = place
        return span

    def _data_intact(self, place: Place) -> bool:
        checksum = struct.unpack_from("<I", self._entry(place), 28)[0]
        return crc(self._chunk(place)) == checksum

    def _drop_orphans(self) -> None:
        """Clears chunks that no blob index names: the cut came before the index was written."""
        wanted = set()
        for name, place in self.places.items():
            if name.type == BLOB_INDEX:
                _, count, start = self._blob_index(place)
                wanted |= {(name.namespace, name.key, start + i) for i in range(count)}
        for name in [name for name in self.places if name.type == BLOB_DATA]:
            if (name.namespace, name.key, name.chunk) not in wanted:
                self._clear(self.places.pop(name))
