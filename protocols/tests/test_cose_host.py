"""COSE against pycose both ways, and against whatever bytes come."""

# SPDX-License-Identifier: Apache-2.0

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from pycose.algorithms import AESCCM1664128, HMAC256, HMAC25664, Es256
from pycose.headers import IV as IV_HEADER
from pycose.headers import KID, Algorithm
from pycose.keys import EC2Key, SymmetricKey
from pycose.messages import Enc0Message, Mac0Message, Sign1Message

from protocols import cbor, cose
from protocols.cose import AES_CCM_16_64_128, ES256, HMAC_256_64, HMAC_256_256, CoseError
from protocols.tests.support import raises, vectors

KEY = bytes(range(16))
IV = bytes(range(13))


def read(kind, data: bytes):
    """CoseMessage.decode() does not know what cbor2 6 makes of a tag: the step after it does."""
    assert data[0] == 0xC0 | kind.cbor_tag
    return kind.from_cose_obj(cbor2.loads(data[1:]), allow_unknown_attributes=True)


@settings(deadline=None, max_examples=25)
@given(st.binary(max_size=300), st.binary(max_size=30), st.booleans())
def test_sign1_of_pycose(payload: bytes, aad: bytes, protect_kid: bool) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.private_numbers()
    x, y, d = (
        n.to_bytes(32, "big")
        for n in (numbers.public_numbers.x, numbers.public_numbers.y, numbers.private_value)
    )
    protected = {Algorithm: Es256} | ({KID: b"a"} if protect_kid else {})
    message = Sign1Message(
        protected, {} if protect_kid else {KID: b"a"}, payload, external_aad=aad
    )
    message.key = EC2Key(crv="P_256", x=x, y=y, d=d)
    keys = {b"a": (ES256, x + y)}
    for data in (message.encode(), message.encode(tag=False)):
        assert cose.verify1(data, keys, aad).payload == payload
        assert raises(CoseError, cose.verify1, data, keys, aad + b"\0").reason == "signature"


@given(st.binary(max_size=300), st.binary(max_size=30), st.booleans())
def test_mac0_and_pycose(payload: bytes, aad: bytes, short: bool) -> None:
    key = (HMAC_256_64 if short else HMAC_256_256, bytes(32))
    ours = read(Mac0Message, cose.mac0(payload, key, {4: b"kid"}, aad))
    ours.key, ours.external_aad = SymmetricKey(k=key[1]), aad
    assert ours.payload == payload and ours.verify_tag()
    theirs = Mac0Message({Algorithm: HMAC25664 if short else HMAC256}, {}, payload, aad)
    theirs.key = SymmetricKey(k=key[1])
    assert cose.verify0(theirs.encode(), key, aad).payload == payload


@given(st.binary(max_size=300), st.binary(max_size=30))
def test_encrypt0_and_pycose(plaintext: bytes, aad: bytes) -> None:
    key = (AES_CCM_16_64_128, KEY)
    ours = read(Enc0Message, cose.seal0(plaintext, key, IV, aad))
    ours.key, ours.external_aad = SymmetricKey(k=KEY), aad
    assert ours.decrypt() == plaintext
    theirs = Enc0Message({Algorithm: AESCCM1664128}, {IV_HEADER: IV}, plaintext, aad)
    theirs.key = SymmetricKey(k=KEY)
    assert cose.open0(theirs.encode(), key, aad).payload == plaintext


def test_what_ccm_cannot_hold_is_refused() -> None:
    key = (AES_CCM_16_64_128, KEY)
    data = cose.seal0(b"", key, IV)
    for external_aad in (bytes(0xFF00), bytes(0x10000)):
        assert raises(CoseError, cose.seal0, b"", key, IV, external_aad).reason == "form"
        assert raises(CoseError, cose.open0, data, key, external_aad).reason == "form"
    assert raises(CoseError, cose.seal0, bytes(0x10000), key, IV).reason == "form"
    data = cose.encode(cose.ENCRYPT0, b"\xa1\x01\x0a", {cose.IV: IV}, bytes(0x10008))
    assert raises(CoseError, cose.open0, data, key).reason == "form"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-50, 50) | st.binary(max_size=14) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(-50, 9), inner),
    max_leaves=6,
)
HEADERS = st.dictionaries(
    st.integers(1, 7), VALUES | st.sampled_from([-7, -9, -46, 4, 5, 10, b"11", [1], [4]])
)
FIELDS = VALUES | HEADERS | HEADERS.map(cbor.encode) | st.binary(max_size=80)
OBJECTS = st.one_of(
    st.binary(max_size=100),
    st.tuples(st.integers(0xCF, 0xD3), st.lists(FIELDS, min_size=2, max_size=5)).map(
        lambda pair: bytes((pair[0],)) + cbor.encode(pair[1])
    ),
    st.tuples(
        st.sampled_from([cose.SIGN1, cose.MAC0, cose.ENCRYPT0]),
        HEADERS.map(cbor.encode) | st.binary(max_size=8),
        HEADERS,
        st.binary(max_size=80),
    ).map(lambda t: cose.encode(t[0], t[1], t[2], *[t[3]] * (1 if t[0] == 16 else 2))),
)
KEYS = [(algorithm, bytes(64)) for algorithm in (-7, -9, -46, cose.SM2_SM3, 4, 5, 10, 99)]


@given(OBJECTS, st.sampled_from(KEYS))
def test_any_bytes_are_refused_with_one_error(data: bytes, key: tuple[int, bytes]) -> None:
    raises(CoseError, cose.verify1, data, {b"11": key})
    raises(CoseError, cose.verify0, data, key)
    raises(CoseError, cose.open0, data, (key[0], KEY), b"", IV)


@given(st.data())
def test_examples_with_bytes_changed_are_refused_or_say_the_same(data: st.DataObject) -> None:
    good = [line for line in vectors("cose.hex") if line[5] == "ok" and line[1] != "-46"]
    kind, algorithm, key, aad, original, _, _ = data.draw(st.sampled_from(good))
    external_aad = b"" if aad == "-" else bytes.fromhex(aad)
    changed = bytearray.fromhex(original)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    pair = (int(algorithm), bytes.fromhex(key))
    try:
        if kind == "sign1":
            message = cose.verify1(changed, {b"11": pair}, external_aad)
        elif kind == "mac0":
            message = cose.verify0(changed, pair, external_aad)
        else:
            message = cose.open0(changed, pair, external_aad)
    except CoseError:
        return
    # What still passes was changed in the unprotected header or in how a head is written.
    assert message.payload in (b"This is the content.", b"open", b"")
