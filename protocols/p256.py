# ES256: ECDSA on P-256 with SHA-256 (FIPS 186-5, 6.4.2; SP 800-186, 3.2.1.3), verifying only.
# SPDX-License-Identifier: Apache-2.0
from . import ecc
from .compat import sha256

CURVE = ecc.Curve(
    p=0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    gx=0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    gy=0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def verify(key, message, signature):
    # key: x and y, signature: r and s, each 32 bytes, big-endian. Whatever is wrong: False.
    # (r, n - s) passes as (r, s) does (RFC 9053 does not forbid it): a signature is no identity
    # of a message, and never serves against replay.
    point = ecc.two_numbers(key)
    pair = ecc.two_numbers(signature)
    if point is None or pair is None or not ecc.is_on_curve(CURVE, *point):
        return False
    r, s = pair
    n = CURVE.n
    if not (0 < r < n and 0 < s < n):
        return False
    w = ecc.inverse(s, n)
    digest = int.from_bytes(sha256(message).digest(), "big")
    return ecc.has_x(CURVE, ecc.combine(CURVE, digest * w % n, r * w % n, *point), r)
