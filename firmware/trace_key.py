# The key with which a unit signs, in NVS: the secret comes out for trace_root.py alone.
# SPDX-License-Identifier: Apache-2.0
import gc

import esp32

from protocols.compat import const

_NAME = const("trace_key")
_SIZE = const(96)  # the secret, and the public key x | y
_SECRET = const(32)

_threshold = getattr(gc, "threshold", lambda *size: -1)  # CPython's takes something else


# -> (secret, x | y), or (None, None)
def load(nvs):
    buffer = bytearray(_SIZE)
    try:
        nvs.get_blob(_NAME, buffer)
    except OSError:  # ESP_ERR_NVS_NOT_FOUND
        return None, None
    return bytes(buffer[:_SECRET]), bytes(buffer[_SECRET:])


# Whether the public key is the secret times G. With another one no day that it signs would be
# believed. The time that it takes tells of the secret to nobody but who has just given it.
def _fits(value):
    from protocols import ecc
    from protocols.p256 import CURVE

    d = int.from_bytes(value[:_SECRET], "big")
    point = ecc.two_numbers(value[_SECRET:])
    if not (0 < d < CURVE.n and ecc.is_on_curve(CURVE, *point)):
        return False
    return not at_a_stretch(ecc.combine, CURVE, d, CURVE.n - 1, *point)[2]  # dG - P is nothing


# Numbers of a curve are garbage as soon as they are made: collected when the heap is full, not at
# every few KiB as boot.py wants it, they take a third of the time.
def at_a_stretch(function, *args):
    often = _threshold()
    _threshold(-1)
    try:
        return function(*args)
    finally:
        _threshold(often)


def public():
    return load(esp32.NVS("fieldbeat"))[1]


def replace(value):
    if len(value) != _SIZE or not _fits(value):
        raise ValueError("trace: give 96 bytes, a secret of P-256 and its public key")
    nvs = esp32.NVS("fieldbeat")
    secret, public = load(nvs)
    if secret is None or secret + public != value:
        nvs.set_blob(_NAME, value)
        nvs.commit()
