# SM2 signatures with SM3 (GB/T 32918.2-2016) on the recommended curve (GB/T 32918.5): verifying.
# SPDX-License-Identifier: Apache-2.0
from . import ecc, sm3

CURVE = ecc.Curve(
    p=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF,
    b=0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    n=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    gx=0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    gy=0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)

# The identity of a signer who has none of his own (GB/T 35276, 10).
DEFAULT_ID = b"1234567812345678"


def z_value(key, user_id=DEFAULT_ID):
    # The signer's hash (5.5): length of the id in bits, id, a, b, G, key.
    c = CURVE
    numbers = b"".join(n.to_bytes(32, "big") for n in (c.p - 3, c.b, c.gx, c.gy))
    return sm3.digest((8 * len(user_id)).to_bytes(2, "big") + user_id + numbers + bytes(key))


def verify(key, message, signature, user_id=DEFAULT_ID):
    # key: x and y, signature: r and s, each 32 bytes, big-endian. Whatever is wrong: False.
    point = ecc.two_numbers(key)
    pair = ecc.two_numbers(signature)
    if point is None or pair is None or not ecc.is_on_curve(CURVE, *point):
        return False
    r, s = pair
    n = CURVE.n
    t = (r + s) % n
    if not (0 < r < n and 0 < s < n) or not t:
        return False
    e = int.from_bytes(sm3.digest(z_value(key, user_id) + bytes(message)), "big")
    # r = e + x1, where (x1, y1) = sG + tP
    return ecc.has_x(CURVE, ecc.combine(CURVE, s, t, *point), (r - e) % n)
