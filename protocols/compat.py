# What differs between MicroPython and CPython, settled here and nowhere else.
# SPDX-License-Identifier: Apache-2.0
import binascii
import hashlib
from binascii import a2b_base64, crc32

try:
    from micropython import const

    HOST = False
except ImportError:
    HOST = True

    def const(value):  # type: ignore[misc]
        return value


try:
    # ESP32 builds have ECB (1) and CBC (2) only.
    from cryptolib import aes as _aes

    def aes_ecb(key):
        return _aes(key, 1).encrypt

    def aes_cbc(key, iv):
        return _aes(key, 2, iv).encrypt

    host_ccm: tuple = ()  # or (seal, open), as in ccm.py

except ImportError:
    from .compat_host import aes_cbc, aes_ecb, host_ccm

__all__ = (
    "HOST",
    "aes_cbc",
    "aes_ecb",
    "b64decode",
    "b64encode",
    "const",
    "crc32",
    "host_ccm",
    "sha256",
)


def sha256(data=b""):
    # -> hash object with update(data) and digest()
    return hashlib.sha256(data)


def b64encode(data):
    # Without the newline at the end.
    return binascii.b2a_base64(data)[:-1]


def b64decode(text):
    return a2b_base64(text)
