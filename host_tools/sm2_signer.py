"""SM2 signatures with SM3 (GB/T 32918.2-2016): keys and signing, for sites that must use them.

`cryptography` has no SM2, and devices only verify (`protocols/sm2.py`), so the few lines that sign
are here. Python's big integers take no constant time: sign on a machine of your own.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import secrets

from fieldbeat.protocols import ecc, sm2, sm3

_SIZE = ecc.COORDINATE_SIZE


def generate() -> int:
    """Return a new private number, 1 to n - 2 (6.1)."""
    return 1 + secrets.randbelow(sm2.CURVE.n - 2)


def public_key(number: int) -> bytes:
    """Return x and y of the point that belongs to a private number."""
    x, y = _multiple(number)
    return x.to_bytes(_SIZE, "big") + y.to_bytes(_SIZE, "big")


def sign(number: int, public: bytes, message: bytes) -> bytes:
    """Return r and s of a message, 32 bytes each, under the default identity (6.1)."""
    n = sm2.CURVE.n
    e = int.from_bytes(sm3.digest(sm2.z_value(public) + message), "big")
    while True:
        k = 1 + secrets.randbelow(n - 1)
        r = (e + _multiple(k)[0]) % n
        s = ecc.inverse(1 + number, n) * (k - r * number) % n
        if r and s and r + k != n:
            return r.to_bytes(_SIZE, "big") + s.to_bytes(_SIZE, "big")


def _multiple(k: int) -> tuple[int, int]:
    """Return k times the base point."""
    curve = sm2.CURVE
    x, y, z = ecc.combine(curve, k, 0, curve.gx, curve.gy)
    back = ecc.inverse(z, curve.p)
    return x * back**2 % curve.p, y * back**3 % curve.p
