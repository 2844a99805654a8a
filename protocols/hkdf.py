# HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869).
# SPDX-License-Identifier: Apache-2.0
from .compat import const, sha256

_BLOCK = const(64)


def _pad(key, byte):
    return bytes(n ^ byte for n in key) + bytes((byte,)) * (_BLOCK - len(key))


def hmac_sha256(key, message):
    if len(key) > _BLOCK:
        key = sha256(key).digest()
    inner = sha256(_pad(key, 0x36))
    inner.update(message)
    outer = sha256(_pad(key, 0x5C))
    outer.update(inner.digest())
    return outer.digest()


def extract(salt, secret):
    return hmac_sha256(salt, secret)


def expand(key, info, size):
    block = output = b""
    counter = 1
    while len(output) < size:
        block = hmac_sha256(key, block + info + bytes((counter,)))
        output += block
        counter += 1
    return output[:size]
