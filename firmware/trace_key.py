# The key with which a unit signs, in NVS: the secret comes out for trace_root.py alone.
# SPDX-License-Identifier: Apache-2.0
import esp32

from protocols.compat import const

_NAME = const("trace_key")
_SIZE = const(96)  # the secret, and the public key x | y
_SECRET = const(32)


# -> (secret, x | y), or (None, None)
def load(nvs):
    buffer = bytearray(_SIZE)
    try:
        nvs.get_blob(_NAME, buffer)
    except OSError:  # ESP_ERR_NVS_NOT_FOUND
        return None, None
    return bytes(buffer[:_SECRET]), bytes(buffer[_SECRET:])


def public():
    return load(esp32.NVS("fieldbeat"))[1]


def replace(value):
    if len(value) != _SIZE:
        raise ValueError("trace: give 96 bytes, a secret of P-256 and its public key")
    nvs = esp32.NVS("fieldbeat")
    secret, public = load(nvs)
    if secret is None or secret + public != value:
        nvs.set_blob(_NAME, value)
        nvs.commit()
