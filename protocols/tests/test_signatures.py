# ES256, SM3, SM2 and HSS/LMS against the examples of their standards, and what must not pass.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import ecc, lms, p256, sm2, sm3
from protocols.tests.support import vectors


def _bytes(field):
    return b"" if field == "-" else unhexlify(field)


def test_es256_vectors():
    for key, message, signature, verdict, why in vectors("p256.hex"):
        result = p256.verify(_bytes(key), _bytes(message), _bytes(signature))
        assert result == (verdict == "valid"), why


def test_sm2_vectors():
    for key, message, signature, verdict, why in vectors("sm2.hex"):
        result = sm2.verify(_bytes(key), _bytes(message), _bytes(signature))
        assert result == (verdict == "valid"), why


def test_sm2_of_another_user():
    key, message, signature, _, _ = next(vectors("sm2.hex"))
    key, message, signature = _bytes(key), _bytes(message), _bytes(signature)
    assert sm2.verify(key, message, signature, sm2.DEFAULT_ID)
    assert not sm2.verify(key, message, signature, b"1234567812345679")


def test_sm2_z_value():
    # GB/T 32918.5, A.2
    key, _, _, _, _ = next(vectors("sm2.hex"))
    assert sm2.z_value(_bytes(key)) == unhexlify(
        "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3"
    )


def test_sm3_vectors():
    for message, digest, meaning in vectors("sm3.hex"):
        assert sm3.digest(_bytes(message)) == unhexlify(digest), meaning


def test_curves_have_their_order():
    # nG is the point at infinity, (n - 1)G is -G, and G is on the curve.
    for curve in (p256.CURVE, sm2.CURVE):
        assert ecc.is_on_curve(curve, curve.gx, curve.gy)
        assert ecc.combine(curve, curve.n - 1, 1, curve.gx, curve.gy)[2] == 0
        assert ecc.has_x(curve, ecc.combine(curve, curve.n - 1, 0, 1, 1), curve.gx)


def test_sums_of_small_multiples():
    # Every case of the addition: the same point, its negative, infinity on either side.
    curve = p256.CURVE
    points = [ecc.combine(curve, k, 0, curve.gx, curve.gy) for k in range(6)]
    for u in range(6):
        for v in range(6 - u):
            total = ecc.add(points[u], points[v], curve.p)
            assert _same(curve.p, total, points[u + v]), (u, v)
            assert ecc.add(total, _negative(curve.p, points[u + v]), curve.p)[2] == 0


def _same(p, first, second):
    x1, y1, z1 = first
    x2, y2, z2 = second
    if not z1 or not z2:
        return z1 == z2
    x = (x1 * z2 * z2 - x2 * z1 * z1) % p
    return x == 0 and (y1 * z2 * z2 * z2 - y2 * z1 * z1 * z1) % p == 0


def _negative(p, point):
    return point[0], p - point[1], point[2]


def test_inverse():
    for modulus in (7, p256.CURVE.n, sm2.CURVE.n):
        for value in (1, 2, 6, modulus - 1, 10**70 % modulus or 3):
            assert value * ecc.inverse(value, modulus) % modulus == 1


def test_lms_vectors():
    for key, message, signature, meaning in vectors("lms.hex"):
        assert lms.verify(_bytes(key), _bytes(message), _bytes(signature)), meaning


def _first_lms():
    key, message, signature, _ = next(vectors("lms.hex"))
    return _bytes(key), _bytes(message), bytearray(_bytes(signature))


def test_lms_refuses_a_changed_byte_in_every_field():
    # Nspk, leaf, LM-OTS type, C, a chain, LMS type, path, then the same of the signed key and
    # of the second signature (levels of 1292 bytes, keys of 56).
    key, message, signature = _first_lms()
    for start in (4, 4 + 1292 + 56):
        for pos in (3, 7, 8, 40, 40 + 33 * 32, 1131, 1132, 1291):
            _assert_refused(key, message, signature, start + pos)
    for pos in (3, 4 + 1292 + 3, 4 + 1292 + 7, 4 + 1292 + 8, 4 + 1292 + 55):
        _assert_refused(key, message, signature, pos)


def _assert_refused(key, message, signature, pos):
    signature[pos] ^= 1
    assert not lms.verify(key, message, signature), pos
    signature[pos] ^= 1


def test_lms_refuses_other_lengths():
    key, message, signature = _first_lms()
    for size in (0, 3, 4, 8, 4 + 1291, 4 + 1292, 4 + 1292 + 55, 4 + 1292 + 56, 2643):
        assert not lms.verify(key, message, signature[:size]), size
    assert not lms.verify(key, message, bytes(signature) + b"\0")
    for size in (0, 4, 59):
        assert not lms.verify(key[:size], message, signature), size
    assert not lms.verify(key + b"\0", message, signature)


def test_lms_refuses_other_keys_and_messages():
    key, message, signature = _first_lms()
    assert lms.verify(key, message, signature)
    assert not lms.verify(key, message + b"\0", signature)
    for pos in (3, 7, 11, 12, 28, 59):  # levels, LMS type, LM-OTS type, I, root
        other = bytearray(key)
        other[pos] ^= 1
        assert not lms.verify(other, message, signature), pos
    for levels in (0, 9, 255):
        other = bytearray(key)
        other[3] = levels
        signature[3] = levels - 1 & 255
        assert not lms.verify(other, message, signature), levels


def test_lms_refuses_a_leaf_beyond_its_tree():
    key, message, signature = _first_lms()
    signature[4 + 3] |= 32  # leaf 5 becomes leaf 37 of 32
    assert not lms.verify(key, message, signature)
