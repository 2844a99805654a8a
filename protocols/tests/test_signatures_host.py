"""The verifiers against cryptography, gmssl and pyhsslms, and against whatever bytes come."""

# SPDX-License-Identifier: Apache-2.0

import random

import gmssl.sm2
import gmssl.sm3
import pyhsslms
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import ecc, lms, p256, sm2, sm3

ES256 = ec.ECDSA(hashes.SHA256())
N = p256.CURVE.n


def pair(first: int, second: int) -> bytes:
    return first.to_bytes(32, "big") + second.to_bytes(32, "big")


def signed(secret: int, message: bytes) -> tuple[bytes, bytes]:
    private = ec.derive_private_key(secret, ec.SECP256R1())
    public = private.public_key().public_numbers()
    signature = utils.decode_dss_signature(private.sign(message, ES256))
    return pair(public.x, public.y), pair(*signature)


def reference(key: bytes, message: bytes, signature: bytes) -> bool:
    x, y = ecc.two_numbers(key)
    r, s = ecc.two_numbers(signature)
    try:
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        public.verify(utils.encode_dss_signature(r, s), message, ES256)
    except (InvalidSignature, ValueError):
        return False
    return True


@given(st.integers(1, N - 1), st.binary(max_size=200))
def test_es256_of_any_key_and_message(secret: int, message: bytes) -> None:
    key, signature = signed(secret, message)
    assert p256.verify(key, message, signature)
    assert not p256.verify(key, message + b"\0", signature)


def test_es256_takes_each_signature_in_one_form_only() -> None:
    # FIPS 186-5, 6.4.2, step 1: r and s below n. With s = 5, s + n has 32 bytes, too, and the same
    # inverse. The key comes of the wanted s: s * k = e + r * d.
    k, s, message = 12345, 5, b"message"
    r = ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers().x
    e = int.from_bytes(p256.sha256(message).digest(), "big")
    private = ec.derive_private_key((s * k - e) * pow(r, -1, N) % N, ec.SECP256R1())
    public = private.public_key().public_numbers()
    key = pair(public.x, public.y)
    assert r < N and p256.verify(key, message, pair(r, s)) and reference(key, message, pair(r, s))
    assert not reference(key, message, pair(r, s + N))
    assert not p256.verify(key, message, pair(r, s + N))


@given(st.integers(1, N - 1), st.integers(0, 1023), st.booleans())
def test_es256_with_a_bit_changed(secret: int, bit: int, also_high_s: bool) -> None:
    key, signature = signed(secret, b"message")
    if also_high_s:
        signature = pair(
            *(int.from_bytes(signature[:32], "big"), N - ecc.two_numbers(signature)[1])
        )
    both = bytearray(key + signature)
    both[bit >> 3] ^= 1 << (bit & 7)
    key, signature = bytes(both[:64]), bytes(both[64:])
    assert p256.verify(key, b"message", signature) == reference(key, b"message", signature)


EDGES = st.sampled_from([0, 1, 2, N - 1, N, N + 1, p256.CURVE.p, 2**255, 2**256 - 1])
SCALARS = EDGES | st.integers(0, 2**256 - 1)


@given(st.integers(1, 20) | st.integers(1, N - 1), SCALARS, SCALARS, st.binary(max_size=4))
def test_es256_of_any_two_numbers(secret: int, r: int, s: int, message: bytes) -> None:
    key, _ = signed(secret, b"")
    assert p256.verify(key, message, pair(r, s)) == reference(key, message, pair(r, s))


@given(st.integers(1, 40), st.integers(1, 40), st.binary(max_size=4))
def test_es256_where_small_multiples_meet(secret: int, nonce: int, message: bytes) -> None:
    # Both tables hold small multiples of G: their sums meet every exception of the addition.
    e = int.from_bytes(hashed(message), "big")
    r = ec.derive_private_key(nonce, ec.SECP256R1()).public_key().public_numbers().x % N
    s = pow(nonce, -1, N) * (e + r * secret) % N
    key, _ = signed(secret, b"")
    assert p256.verify(key, message, pair(r, s)) == reference(key, message, pair(r, s)) is True


def hashed(message: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(message)
    return digest.finalize()


@given(st.binary(max_size=130), st.binary(max_size=4), st.binary(max_size=130))
def test_no_bytes_upset_a_verifier(key: bytes, message: bytes, signature: bytes) -> None:
    for verify in (p256.verify, sm2.verify, lms.verify):
        assert verify(key, message, signature) is False


@given(st.binary(max_size=300))
def test_sm3_against_gmssl(message: bytes) -> None:
    assert sm3.digest(message).hex() == gmssl.sm3.sm3_hash(list(message))


@settings(deadline=None, max_examples=20)
@given(st.integers(1, sm2.CURVE.n - 2), st.binary(min_size=1, max_size=80), st.randoms())
def test_sm2_against_gmssl(secret: int, message: bytes, chance: random.Random) -> None:
    signer = gmssl.sm2.CryptSM2(f"{secret:064x}", "")
    key = signer._kg(secret, signer.ecc_table["g"])
    signer.public_key = key  # its constructor strips zeros and fours off a key that begins with 04
    signature = signer.sign_with_sm3(message, f"{chance.randrange(1, sm2.CURVE.n):064x}")
    assert signer.verify_with_sm3(signature, message)
    assert sm2.verify(bytes.fromhex(key), message, bytes.fromhex(signature))
    changed = bytearray.fromhex(signature)
    changed[chance.randrange(64)] ^= 1 << chance.randrange(8)
    assert not sm2.verify(bytes.fromhex(key), message, changed)


def hss_key(levels: int, lms_type: str, ots_type: str):
    return pyhsslms.HssPrivateKey(levels, getattr(pyhsslms, lms_type), getattr(pyhsslms, ots_type))


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("ots_type", ["lmots_sha256_n32_w4", "lmots_sha256_n32_w8"])
def test_lms_against_pyhsslms(levels: int, ots_type: str) -> None:
    private = hss_key(levels, "lms_sha256_m32_h5", ots_type)
    key = private.publicKey().serialize()
    for size in (0, 1, 100):
        message = random.Random(size).randbytes(size)
        signature = private.sign(message)
        assert lms.verify(key, message, signature)
        assert not lms.verify(key, message + b"\0", signature)


def test_lms_of_1024_leaves() -> None:
    private = hss_key(1, "lms_sha256_m32_h10", "lmots_sha256_n32_w4")
    private.prv[0].q = 1023
    assert lms.verify(private.publicKey().serialize(), b"last", private.sign(b"last"))


def test_lms_of_32768_leaves() -> None:
    # A tree of H15 takes another library a minute to make; this path goes up by itself.
    identifier, leaf, height = bytes(range(16)), 32767, 15
    ots = pyhsslms.LmotsPrivateKey(
        identifier, leaf.to_bytes(4, "big"), bytes(32), pyhsslms.lmots_sha256_n32_w8
    )
    path = [bytes((n,)) * 32 for n in range(height)]
    node = leaf + (1 << height)
    root = tree_hash(identifier, node, b"\x82\x82", ots.publicKey().K)
    for sibling in path:
        node >>= 1
        root = tree_hash(identifier, node, b"\x83\x83", sibling + root)
    types = pyhsslms.lms_sha256_m32_h15 + pyhsslms.lmots_sha256_n32_w8
    key = bytes((0, 0, 0, 1)) + types + identifier + root
    signature = bytes(4) + leaf.to_bytes(4, "big") + ots.sign(b"message")
    signature += pyhsslms.lms_sha256_m32_h15 + b"".join(path)
    assert pyhsslms.HssPublicKey.deserialize(key).verify(b"message", signature)
    assert lms.verify(key, b"message", signature)
    assert not lms.verify(key, b"message", signature[:-1] + b"\0")


def tree_hash(identifier: bytes, node: int, kind: bytes, values: bytes) -> bytes:
    return hashed(identifier + node.to_bytes(4, "big") + kind + values)


def test_lms_of_other_parameter_sets_is_refused() -> None:
    for lms_type, ots_type in (
        ("lms_sha256_m32_h5", "lmots_sha256_n32_w2"),
        ("lms_sha256_m24_h5", "lmots_sha256_n24_w8"),
        ("lms_shake_m32_h5", "lmots_shake_n32_w8"),
    ):
        private = hss_key(1, lms_type, ots_type)
        assert not lms.verify(private.publicKey().serialize(), b"", private.sign(b""))
