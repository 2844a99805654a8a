# Power that goes at a chosen operation: of the files, or of the flash below a real littlefs.
# SPDX-License-Identifier: Apache-2.0
import os

try:
    import vfs
except ImportError:
    vfs = None


class Cut(OSError):
    pass


class Power:
    # Counts operations; at number `last` the power goes, in the middle of a write if `torn`.
    def __init__(self, last, torn):
        self.count = 0
        self.last = last
        self.torn = torn

    @property
    def gone(self):
        return self.count > self.last

    def spend(self):
        self.count += 1
        if self.gone:
            raise Cut


class File:
    def __init__(self, file, power):
        self._file = file
        self._power = power
        self.read, self.seek = file.read, file.seek

    def write(self, data):
        try:
            self._power.spend()
        except Cut:
            if self._power.count == self._power.last + 1 and self._power.torn:
                self._file.write(data[: len(data) * self._power.torn // 4])
            raise
        self._file.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self._file.close()


class Files:
    # In place of os and open() in the outbox.
    def __init__(self, power):
        self._power = power
        self.listdir, self.stat = os.listdir, os.stat

    def open(self, path, mode):
        if mode != "rb":
            self._power.spend()
        return File(open(path, mode), self._power)

    def mkdir(self, path):
        self._power.spend()
        os.mkdir(path)

    def remove(self, path):
        self._power.spend()
        os.remove(path)

    def rename(self, path, target):
        self._power.spend()
        os.rename(path, target)


class Flash:
    # Flash as littlefs sees it, which programs nothing but erased bytes. Without power it answers
    # EIO as a number, since an exception would jump out of the middle of littlefs.
    SIZE, COUNT = 4096, 10
    ERASED = b"\xff" * SIZE

    def __init__(self):
        self.data = bytearray(self.SIZE * self.COUNT)
        self.erased = 0
        self.power = Power(1 << 30, False)

    def readblocks(self, n, buffer, offset=0):
        if self.power.gone:
            return -5
        start = n * self.SIZE + offset
        buffer[:] = memoryview(self.data)[start : start + len(buffer)]
        return 0

    def writeblocks(self, n, buffer, offset=0):
        size = self._spend(len(buffer))
        start = n * self.SIZE + offset
        self.data[start : start + size] = memoryview(buffer)[:size]
        return -5 if self.power.gone else 0

    def ioctl(self, op, arg):
        if op == 4:
            return self.COUNT
        if op == 5:
            return self.SIZE
        if op == 6:
            self.erased += 1
            size = self._spend(self.SIZE)
            self.data[arg * self.SIZE : arg * self.SIZE + size] = memoryview(self.ERASED)[:size]
            return -5 if self.power.gone else 0
        return 0

    # How many bytes of an operation happen.
    def _spend(self, size):
        power = self.power
        power.count += 1
        if power.count <= power.last:
            return size
        return size * power.torn // 4 if power.count == power.last + 1 else 0


class SmallFlash(Flash):  # for a test that has not much heap
    SIZE, COUNT = 512, 40
    ERASED = b"\xff" * 512


def format_flash(kind=Flash):
    flash = kind()
    vfs.VfsLfs2.mkfs(flash)
    return flash
