# Pictures on flash until the server has them.
# SPDX-License-Identifier: Apache-2.0
#
#   /pictures/N    the JPEG, then what is known of it: CBOR [time, synced, why, kind, width,
#                  height, quality, flags, sha256], and the size of that, 2 bytes little-endian
#   /pictures/new  one that is being written, or whose event was not told yet
#   /pictures/state  CBOR [day, bytes spent in it, {kind: sha256 of the last}, of the sender]
#
# N is the record number of the event that tells of it, which is never given twice. One file a
# picture, so that one rename makes it valid.
import os
import struct
from collections import namedtuple

from protocols import cbor
from protocols.compat import const, sha256
from protocols.event import FROZEN, PLAIN, SCHEDULE

_CHUNK = const(512)
_TAIL = const(128)  # no longer than this
_FIELDS = const(9)
_RESERVE = const(65536)  # bytes of flash that are left to records
_PLAIN_SHARE = const(4)  # a picture at its finest that takes less than this part of its budget

Picture = namedtuple(
    "Picture",
    (
        "number",
        "size",
        "time",
        "synced",
        "why",
        "kind",
        "width",
        "height",
        "quality",
        "flags",
        "sha256",
    ),
)


class PictureStore:
    # keep_bytes: of flash for pictures
    def __init__(self, root, keep_bytes, counters):
        self._root = root + "/pictures"
        self._keep = keep_bytes
        self._counters = counters
        self.held = []  # oldest first
        self.sending = None  # one of them
        self.day, self.spent, self.last, self.sender = 0, 0, {}, b""
        self._mount()

    # After a reset -> the picture whose event may not have been told, or None
    def left_over(self):
        return self._read("new", 0)

    def path(self, picture):
        return "%s/%d" % (self._root, picture.number)

    # The bytes of a shot go to flash and into a hash -> Picture, without a number; None if there
    # is no room for it. Raises what the camera raises, and OSError. budget: bytes asked for.
    async def write(self, shot, time, synced, why, kind, budget):
        if not self._make_room(shot.size + _TAIL, why):
            self._counters.count("picture_lost")
            return None
        total, size, path = sha256(), 0, self._root + "/new"
        buffer = memoryview(bytearray(_CHUNK))
        with open(path, "wb") as file:
            while True:
                n = await shot.readinto(buffer)
                if not n:
                    break
                total.update(buffer[:n])
                file.write(buffer[:n])
                size += n
            digest = total.digest()
            flags = FROZEN if self.last.get(kind) == digest else 0
            if size * _PLAIN_SHARE < budget:
                flags |= PLAIN
            facts = [time, synced, why, kind, shot.width, shot.height, shot.quality, flags, digest]
            tail = cbor.encode(facts)
            file.write(tail + struct.pack("<H", len(tail)))
        self.last[kind] = digest
        return Picture(0, size, *facts)

    # Its event is in the outbox under this record number.
    def adopt(self, picture, number):
        os.rename(self._root + "/new", "%s/%d" % (self._root, number))
        self.held.append(Picture(number, *picture[1:]))

    def remove(self, picture):
        self.held.remove(picture)
        if picture is self.sending:
            self.sending = None
        _remove(self.path(picture))

    # The one to be sent next: what somebody waits for, then the small ones, then the oldest.
    def next(self):
        best = None
        for picture in self.held:
            rank = (picture.why == SCHEDULE, picture.kind)
            if best is None or rank < best[0]:
                best = rank, picture
        return best and best[1]

    def waiting_bytes(self):
        return sum([picture.size for picture in self.held])

    # Bytes of a day that went on the air.
    def spend(self, day, size):
        if day != self.day:
            self.day, self.spent = day, 0
        self.spent += size

    def keep_state(self):
        state = cbor.encode([self.day, self.spent, self.last, self.sender])
        path = self._root + "/state"
        with open(path + ".new", "wb") as file:
            file.write(state)
        os.rename(path + ".new", path)

    # --- room

    # The oldest that nobody asked for goes first, and nothing important for what is not.
    def _make_room(self, size, why):
        while not self._fits(size):
            victims = [picture for picture in self.held if picture.why == SCHEDULE]
            if not victims and why != SCHEDULE:
                victims = self.held
            if not victims:
                return False
            self.remove(victims[0])
            self._counters.count("picture_lost")
        return True

    def _fits(self, size):
        if self.waiting_bytes() + size > self._keep:
            return False
        stat = os.statvfs(self._root)
        return stat[0] * stat[3] >= size + _RESERVE

    # --- after a reset

    def _mount(self):
        try:
            os.mkdir(self._root)
        except OSError:  # it is there
            pass
        for name in os.listdir(self._root):
            if name.isdigit():
                picture = self._read(name, int(name))
                if picture:
                    self.held.append(picture)
        self.held.sort()
        self._load_state()

    def _load_state(self):
        try:
            with open(self._root + "/state", "rb") as file:
                self.day, self.spent, self.last, self.sender = cbor.decode(file.read())
        except (OSError, ValueError, TypeError):  # none yet, or damaged: a new day begins
            pass

    # -> what is known of a file that is whole; another one is removed
    def _read(self, name, number):
        path = self._root + "/" + name
        try:
            size = os.stat(path)[6]
        except OSError:
            return None
        try:
            with open(path, "rb") as file:
                file.seek(size - 2)
                length = struct.unpack("<H", file.read(2))[0]
                file.seek(size - 2 - length)
                facts = cbor.decode(file.read(length))
            if len(facts) == _FIELDS and length <= _TAIL:
                return Picture(number, size - 2 - length, *facts)
        except (OSError, ValueError, TypeError):
            pass
        _remove(path)
        return None


def _remove(path):
    try:
        os.remove(path)
    except OSError:  # it takes room, no more
        pass
