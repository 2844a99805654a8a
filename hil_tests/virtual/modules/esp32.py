# NVS and flash partitions of an ESP32, kept in the flash bytes of the virtual board.
# SPDX-License-Identifier: Apache-2.0
import _link
from _partition import Partition  # noqa: F401
from micropython import const

_OP_NVS_OPEN = const(11)
_OP_NVS_GET = const(12)
_OP_NVS_SET = const(13)
_OP_NVS_ERASE = const(14)

_NOT_FOUND = const(-0x1102)
_INVALID_LENGTH = const(-0x110C)
_NAMES = {
    _NOT_FOUND: "ESP_ERR_NVS_NOT_FOUND",
    -0x1105: "ESP_ERR_NVS_NOT_ENOUGH_SPACE",
    -0x1109: "ESP_ERR_NVS_KEY_TOO_LONG",
    _INVALID_LENGTH: "ESP_ERR_NVS_INVALID_LENGTH",
}
_I32 = const(0x14)
_BLOB = const(0x42)


class NVS:
    def __init__(self, namespace):
        self._prefix = namespace.encode() + b"\0"
        self._call(_OP_NVS_OPEN, 0, "", b"")

    def _call(self, op, kind, key, data):
        try:
            return _link.call(op, kind, self._prefix + key.encode() + b"\0" + data)
        except OSError as error:
            raise OSError(error.errno, _NAMES.get(error.errno, "ESP_FAIL"))

    def get_i32(self, key):
        return self._call(_OP_NVS_GET, _I32, key, b"")

    def set_i32(self, key, value):
        self._call(_OP_NVS_SET, _I32, key, (value & 0xFFFFFFFF).to_bytes(4, "little"))

    def get_blob(self, key, buffer):
        data = self._call(_OP_NVS_GET, _BLOB, key, b"") or b""
        if len(data) > len(buffer):
            raise OSError(_INVALID_LENGTH, _NAMES[_INVALID_LENGTH])
        buffer[: len(data)] = data
        return len(data)

    def set_blob(self, key, value):
        self._call(_OP_NVS_SET, _BLOB, key, bytes(value))

    def erase_key(self, key):
        self._call(_OP_NVS_ERASE, 0, key, b"")

    def commit(self):
        pass  # ESP-IDF writes when a value is set


def __getattr__(name):
    module = "_sleep" if "sleep" in name or "wake" in name.lower() else "_rare"
    return getattr(__import__(module), name)
