# The password of the access point, in NVS. It goes in, and comes out for who joins it alone.
# SPDX-License-Identifier: Apache-2.0
import esp32

from protocols import hkdf
from protocols.compat import const

_NAME = const("wifi")
_MIN = const(8)  # IEEE 802.11, J.4.1: 8 to 63 characters, each of 32 to 126
_MAX = const(63)


def _nvs():
    return esp32.NVS("fieldbeat")


def _blob(name, size):
    buffer = bytearray(size)
    try:
        return bytes(buffer[: _nvs().get_blob(name, buffer)])
    except OSError:  # ESP_ERR_NVS_NOT_FOUND
        return b""


# None where there is none.
def password():
    return str(_blob(_NAME, _MAX), "ascii") or None


# Four bytes that tell two passwords apart. Who does not have the unit's master key can try no
# dictionary on them. As in host_tools/wifi_password.py.
def check_value():
    secret = _blob(_NAME, _MAX)
    master = _blob("key", 24)[:16] or _blob("master", 16)  # as in secrets.py
    return hkdf.expand(hkdf.extract(master, secret), _NAME.encode(), 4) if secret else None


# b"" forgets it. Other keys stay as they are, and what was received under them.
def replace(value):
    if value and (not _MIN <= len(value) <= _MAX or min(value) < 32 or max(value) > 126):
        raise ValueError("wifi: give a password of 8 to 63 ASCII characters, or none")
    if value == _blob(_NAME, _MAX):
        return
    nvs = _nvs()
    if value:
        nvs.set_blob(_NAME, value)
    else:
        nvs.erase_key(_NAME)
    nvs.commit()
