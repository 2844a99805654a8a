# A flash partition as esp32.Partition has it: also the block device under littlefs.
# SPDX-License-Identifier: Apache-2.0
import _link
from micropython import const

_OP_FLASH_PROGRAM = const(9)
_OP_FLASH_ERASE = const(10)


class Partition:
    BOOT = 0
    RUNNING = 1
    TYPE_APP = 0
    TYPE_DATA = 1
    _table = ()
    _file = None

    def __init__(self, name):
        if name in (self.BOOT, self.RUNNING):
            row = next(row for row in self._table if row[1] == self.TYPE_APP)
        else:
            row = next((row for row in self._table if row[0] == name), None)
            if row is None:
                raise OSError(2)
        self._row = row
        self._offset = row[3]

    @classmethod
    def find(cls, type=TYPE_APP, subtype=0xFF, label=None, block_size=4096):
        return [
            cls(row[0])
            for row in cls._table
            if row[1] == type and subtype in (0xFF, row[2]) and label in (None, row[0])
        ]

    def info(self):
        label, kind, subtype, offset, size = self._row
        return (kind, subtype, offset, size, label, False)

    def readblocks(self, block, buf, offset=0):
        self._file.seek(self._offset + block * 4096 + offset)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, offset=None):
        if offset is None:
            self.ioctl(6, block)
            offset = 0
        at = self._offset + block * 4096 + offset
        view = memoryview(buf)
        for start in range(0, len(view), 256):
            _link.call(_OP_FLASH_PROGRAM, at + start, view[start : start + 256])

    def ioctl(self, op, argument):
        if op == 4:
            return self._row[4] // 4096
        if op == 5:
            return 4096
        if op == 6:
            _link.call(_OP_FLASH_ERASE, self._offset + argument * 4096)
        return 0
