# ES256 signatures with the nonces of RFC 6979: of the few that a unit makes, one a day.
# SPDX-License-Identifier: Apache-2.0
#
# Python's numbers take as long as they are long: none of this is constant-time, and could not be
# made so. What depends on a secret is therefore split or multiplied by a number of chance first:
# the nonce k as b + (k - b), each half of chance by itself, and its inverse as b / (k * b). So who
# measures one signature a day learns of numbers that never come again. What is left open is the
# product r * d, whose digits are of one length but for one in 2^30, and whoever can measure the
# current of the chip: he stands beside the unit, and may as well put its sensor into a bucket.
from . import ecc
from .compat import const, sha256
from .hkdf import hmac_sha256
from .p256 import CURVE

_SIZE = const(32)


# secret: 32 bytes; random(n) -> n bytes, see above: a bad one makes no bad signature. -> r | s of
# the two forms that with the lower s.
def sign(secret, message, random):
    n = CURVE.n
    d = int.from_bytes(secret, "big")
    digest = sha256(message).digest()
    e = int.from_bytes(digest, "big")
    for k in _nonces(secret, (e % n).to_bytes(_SIZE, "big")):
        b = int.from_bytes(random(_SIZE), "big") % (n - 1) + 1
        r = _x(b, (k - b) % n) % n
        s = ecc.inverse(k * b % n, n) * b % n * ((e + r * d) % n) % n
        if r and s:
            return r.to_bytes(_SIZE, "big") + min(s, n - s).to_bytes(_SIZE, "big")
    return None  # never: there is always another nonce


# x of (u + v)G
def _x(u, v):
    x, _, z = ecc.combine(CURVE, u, v, CURVE.gx, CURVE.gy)
    return x * ecc.inverse(z * z % CURVE.p, CURVE.p) % CURVE.p


# RFC 6979, 3.2
def _nonces(secret, digest):
    v = b"\1" * _SIZE
    key = bytes(_SIZE)
    for step in (b"\0", b"\1"):
        key = hmac_sha256(key, v + step + secret + digest)
        v = hmac_sha256(key, v)
    while True:
        v = hmac_sha256(key, v)
        k = int.from_bytes(v, "big")
        if 0 < k < CURVE.n:
            yield k
        key = hmac_sha256(key, v + b"\0")
        v = hmac_sha256(key, v)
