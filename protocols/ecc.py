# Curves y^2 = x^3 - 3x + b over a prime field, with as many points as n, a prime: P-256 and SM2.
# SPDX-License-Identifier: Apache-2.0
#
# Made for verifying, where nothing is secret: nothing here takes constant time. p256_sign.py tells
# how it gets along with that.
# Points are Jacobian (X, Y, Z): x = X / Z^2, y = Y / Z^3, and Z = 0 is the point at infinity.
# Reductions cost twice what multiplications do: the formulas are arranged to need few of them.
from collections import namedtuple

from .compat import const

COORDINATE_SIZE = const(32)

_BITS = const(257)  # the highest that three times a number of 256 bits can have
_BYTES = const(33)

Curve = namedtuple("Curve", ("p", "b", "n", "gx", "gy"))


def two_numbers(data):
    # A point or a signature as two big-endian numbers of 32 bytes; None: another length.
    if len(data) != 2 * COORDINATE_SIZE:
        return None
    first = int.from_bytes(data[:COORDINATE_SIZE], "big")
    return first, int.from_bytes(data[COORDINATE_SIZE:], "big")


def is_on_curve(curve, x, y):
    p = curve.p
    return x < p and y < p and (y * y - x * x * x + 3 * x - curve.b) % p == 0


def inverse(value, modulus):
    # Extended Euclid: four times as fast here as value ** (modulus - 2). value is not 0.
    a, b = modulus, value % modulus
    u, v = 0, 1
    while b:
        q, r = divmod(a, b)
        a, b = b, r
        u, v = v, u - q * v
    return u % modulus


def double(point, p):
    # dbl-2001-b of the Explicit-Formulas Database
    x, y, z = point
    delta = z * z % p
    gamma = y * y % p
    beta = 4 * (x * gamma % p)
    alpha = 3 * (x - delta) * (x + delta) % p
    x3 = (alpha * alpha - 2 * beta) % p
    return x3, (alpha * (beta - x3) - 8 * gamma * gamma) % p, 2 * y * z % p


def add(first, second, p):
    x1, y1, z1 = first
    x2, y2, z2 = second
    if not z1:
        return second
    if not z2:
        return first
    zz1 = z1 * z1 % p
    zz2 = z2 * z2 % p
    u1 = x1 * zz2 % p
    s1 = y1 * (z2 * zz2 % p) % p
    h = (x2 * zz1 - u1) % p
    r = (y2 * (z1 * zz1 % p) - s1) % p
    if not h:  # the same x: the same point, or its negative
        return (0, 1, 0) if r else double(first, p)
    hh = h * h % p
    hhh = h * hh % p
    v = u1 * hh % p
    x3 = (r * r - hhh - 2 * v) % p
    return x3, (r * (v - x3) - s1 * hhh) % p, (z1 * z2 % p) * h % p


def combine(curve, u, v, x, y):
    # -> uG + v(x, y), by one chain of doublings for both (Shamir's trick). u and v are below n.
    # Digits are those of the non-adjacent form: -1, 0 and 1, at most every second of them not 0.
    # Digit i is bit i + 1 of 3k less that of k. Wider ones, with tables of odd multiples, save no
    # time that can be measured here and take 5 kB of heap.
    p = curve.p
    g_points = None, (curve.gx, curve.gy, 1), (curve.gx, -curve.gy % p, 1)
    points = None, (x, y, 1), (x, -y % p, 1)
    u_bits, v_bits, u3_bits, v3_bits = [k.to_bytes(_BYTES, "big") for k in (u, v, 3 * u, 3 * v)]
    point = (0, 1, 0)
    for i in range(_BITS, 0, -1):
        at = _BYTES - 1 - (i >> 3)
        bit = i & 7
        point = double(point, p)
        digit = (u3_bits[at] >> bit & 1) - (u_bits[at] >> bit & 1)
        if digit:
            point = add(point, g_points[digit], p)
        digit = (v3_bits[at] >> bit & 1) - (v_bits[at] >> bit & 1)
        if digit:
            point = add(point, points[digit], p)
    return point


def has_x(curve, point, value):
    # Is x mod n == value, for a value below n? Without an inversion: X = x * Z^2.
    x, _, z = point
    p = curve.p
    zz = z * z % p
    if not zz:
        return False
    if (value * zz - x) % p == 0:
        return True
    value += curve.n
    return value < p and (value * zz - x) % p == 0
