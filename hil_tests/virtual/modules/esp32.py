# NVS and flash partitions of an ESP32, kept in the flash bytes of the virtual board.
# SPDX-License-Identifier: Apache-2.0
import _link

HEAP_DATA = 4
HEAP_EXEC = 1

_NOT_FOUND = -0x1102
_INVALID_LENGTH = -0x110C
_NAMES = {
    _NOT_FOUND: "ESP_ERR_NVS_NOT_FOUND",
    -0x1105: "ESP_ERR_NVS_NOT_ENOUGH_SPACE",
    -0x1109: "ESP_ERR_NVS_KEY_TOO_LONG",
    _INVALID_LENGTH: "ESP_ERR_NVS_INVALID_LENGTH",
}
_I32 = 0x14
_BLOB = 0x42


class NVS:
    def __init__(self, namespace):
        self._prefix = namespace.encode() + b"\0"
        self._call(_link.NVS_OPEN, 0, "", b"")

    def _call(self, op, kind, key, data):
        try:
            return _link.call(op, kind, self._prefix + key.encode() + b"\0" + data)
        except OSError as error:
            raise OSError(error.errno, _NAMES.get(error.errno, "ESP_FAIL"))

    def get_i32(self, key):
        return self._call(_link.NVS_GET, _I32, key, b"")

    def set_i32(self, key, value):
        self._call(_link.NVS_SET, _I32, key, (value & 0xFFFFFFFF).to_bytes(4, "little"))

    def get_blob(self, key, buffer):
        data = self._call(_link.NVS_GET, _BLOB, key, b"") or b""
        if len(data) > len(buffer):
            raise OSError(_INVALID_LENGTH, _NAMES[_INVALID_LENGTH])
        buffer[: len(data)] = data
        return len(data)

    def set_blob(self, key, value):
        self._call(_link.NVS_SET, _BLOB, key, bytes(value))

    def erase_key(self, key):
        self._call(_link.NVS_ERASE, 0, key, b"")

    def commit(self):
        pass  # ESP-IDF writes when a value is set


class Partition:
    # Also the block device under littlefs: the form with an offset does not erase first.
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
            _link.call(_link.FLASH_PROGRAM, at + start, view[start : start + 256])

    def ioctl(self, op, argument):
        if op == 4:
            return self._row[4] // 4096
        if op == 5:
            return 4096
        if op == 6:
            _link.call(_link.FLASH_ERASE, self._offset + argument * 4096)
        return 0


def idf_heap_info(capabilities):
    return [(120000, 90000, 60000, 80000)]  # total, free, largest free, lowest free since boot


def raw_temperature():
    return 128


def mcu_temperature():
    return 40
