"""What a unit signs against cryptography and pycose."""

# SPDX-License-Identifier: Apache-2.0

import os
import random

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given, settings
from hypothesis import strategies as st
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import Sign1Message

from protocols import cose, p256, p256_sign, trace_signed

ES256 = ec.ECDSA(hashes.SHA256())
RFC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
N = p256.CURVE.n


def public_of(private: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = private.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


@settings(max_examples=40)
@given(st.integers(1, N - 1), st.binary(max_size=200))
def test_another_library_signs_the_same(secret: int, message: bytes) -> None:
    private = ec.derive_private_key(secret, ec.SECP256R1())
    r, s = utils.decode_dss_signature(private.sign(message, RFC))
    found = p256_sign.sign(secret.to_bytes(32, "big"), message, os.urandom)
    assert found == r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big")


def test_a_root_is_a_cose_sign1() -> None:
    private = ec.derive_private_key(random.Random(1).randrange(1, N), ec.SECP256R1())
    secret = private.private_numbers().private_value.to_bytes(32, "big")
    public = public_of(private)
    fields = {0: 14, 1: 78_003_600, 2: 1, 3: bytes(32), 4: trace_signed.key_id(public), 7: True}
    signature = p256_sign.sign(
        secret, trace_signed.signed("gh-01", b"\0\1", 9, fields), os.urandom
    )
    protected, payload = trace_signed.parts("gh-01", b"\0\1", 9, fields)
    data = cose.encode(cose.SIGN1, protected, {}, payload, signature)
    message = Sign1Message.from_cose_obj(cbor2.loads(data[1:]), allow_unknown_attributes=True)
    message.key = EC2Key(crv=P256, x=public[:32], y=public[32:])
    assert message.verify_signature()
    assert trace_signed.signed("gh-01", b"\0\1", 9, fields) == cose.structure(
        cose.SIGN1, protected, b"", payload
    )
