# An outbox on a real littlefs that others have filled: it lives from what it gives up itself.
# SPDX-License-Identifier: Apache-2.0
from firmware.counters import Counters
from firmware.outbox import Outbox

try:
    import vfs
except ImportError:  # CPython has no littlefs
    vfs = None

BLOCK = 4096


class RamDisk:
    def __init__(self, blocks):
        self._data = bytearray(b"\xff" * (blocks * BLOCK))

    def readblocks(self, block, buf, offset=0):
        at = block * BLOCK + offset
        buf[:] = self._data[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=None):
        if offset is None:
            self.ioctl(6, block)
            offset = 0
        at = block * BLOCK + offset
        self._data[at : at + len(buf)] = buf

    def ioctl(self, op, argument):
        if op == 4:
            return len(self._data) // BLOCK
        if op == 5:
            return BLOCK
        if op == 6:
            at = argument * BLOCK
            self._data[at : at + BLOCK] = b"\xff" * BLOCK
        return 0


def record(rn):
    return b"%d:" % rn + bytes(100)


def filler(name, blocks):
    with open(name, "wb") as file:
        for _ in range(blocks):
            file.write(bytes(BLOCK))


# An outbox that could keep far more than a disk of few blocks holds.
def on_disk(blocks, story):
    if not vfs:
        return
    disk = RamDisk(blocks)
    vfs.VfsLfs2.mkfs(disk)
    vfs.mount(vfs.VfsLfs2(disk), "/full")
    try:
        counters = Counters()
        story(lambda: Outbox("/full/outbox", counters, 524288), counters)
    finally:
        vfs.umount("/full")


def test_a_full_file_system_costs_the_oldest_segment_and_no_more():
    def story(mount, counters):
        outbox = mount()
        least = 1000
        for n in range(400):
            outbox.append(record)
            if n > 200:
                least = min(least, outbox.depth)
        # Of ten blocks four are the root's and the directory's, one is for copying.
        assert least >= 3 * 34, least
        numbers = [rn for rn, _ in outbox.pending()]
        assert numbers == list(range(numbers[0], 401))
        assert counters.snapshot() == {"outbox_full": 400 - len(numbers)}
        assert [rn for rn, _ in mount().pending()] == numbers

    on_disk(10, story)


def test_what_is_acknowledged_makes_room_in_a_full_file_system():
    def story(mount, counters):
        outbox = mount()
        for _ in range(400):
            outbox.append(record)
        outbox.ack(390)
        assert [rn for rn, _ in outbox.pending()] == list(range(391, 401))
        assert "fs_corrupt" not in counters.snapshot()
        assert [rn for rn, _ in mount().pending()] == list(range(391, 401))

    on_disk(10, story)


def test_without_a_free_block_it_lives_from_what_is_acknowledged():
    def story(mount, counters):
        outbox = mount()
        outbox.append(record)
        for n in range(99):
            try:
                filler("/full/%d" % n, 1)
            except OSError:
                break
        assert n < 20
        for rn in range(2, 60):
            outbox.ack(rn - 1)
            assert outbox.append(record) == rn
        outbox.ack(59)
        for _ in range(2):  # nobody answers: what is there is kept, the rest is refused
            try:
                while True:
                    outbox.append(record)
            except OSError as error:
                assert error.errno == 28
        numbers = [rn for rn, _ in outbox.pending()]
        assert numbers and numbers[0] == 60
        assert "outbox_full" not in counters.snapshot()

    on_disk(12, story)
