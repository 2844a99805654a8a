# COSE objects against the working group's examples, and everything that a reader refuses.
# SPDX-License-Identifier: Apache-2.0
import sys
from binascii import unhexlify

import protocols
from protocols import cbor, cose
from protocols.cose import AES_CCM_16_64_128, HMAC_256_64, HMAC_256_256, CoseError
from protocols.tests.support import raises, vectors

KEY = bytes(range(16))
IV = bytes(range(13))


def _bytes(field):
    return b"" if field == "-" else unhexlify(field)


def _outcome(kind, key, external_aad, data):
    try:
        if kind == "sign1":
            cose.verify1(data, {b"11": key}, external_aad)
        elif kind == "mac0":
            cose.verify0(data, key, external_aad)
        else:
            cose.open0(data, key, external_aad)
    except CoseError as error:
        return error.reason
    return "ok"


def test_vectors():
    for kind, algorithm, key, external_aad, data, expected, meaning in vectors("cose.hex"):
        key = (int(algorithm), _bytes(key))
        outcome = _outcome(kind, key, _bytes(external_aad), _bytes(data))
        assert outcome == expected, (meaning, outcome)


def test_a_message_says_what_it_holds():
    for _, algorithm, key, _, data, _, meaning in vectors("cose.hex"):
        if meaning.startswith("cose-wg/Examples ecdsa-sig-01"):
            message = cose.verify1(_bytes(data), {b"11": (int(algorithm), _bytes(key))})
            assert message.payload == b"This is the content."
            assert cose.header(message, cose.KID) == b"11"
            assert cose.header(message, cose.CONTENT_TYPE) == 0
            assert cose.header(message, cose.IV) is None
            return
    raise AssertionError("no such vector")


def test_structures():
    # The ToBeSign, ToMac and AAD values of sign-pass-02, HMac-01 and RFC 9052, C.4.1.
    content = b"This is the content."
    assert (
        cose.structure(cose.SIGN1, b"\xa1\x01\x26", unhexlify("11aa22bb33cc44dd55006699"), content)
        == unhexlify("846a5369676e61747572653143a101264c11aa22bb33cc44dd5500669954") + content
    )
    assert (
        cose.structure(cose.MAC0, b"\xa1\x01\x05", b"", content)
        == unhexlify("84644d41433043a101054054") + content
    )
    assert cose.structure(cose.ENCRYPT0, b"\xa1\x01\x0a", b"") == unhexlify(
        "8368456e63727970743043a1010a40"
    )


def test_an_empty_protected_header_is_the_empty_string():
    assert cose.protect({}) == b""
    assert cose.protect({1: -7}) == b"\xa1\x01\x26"
    for protected in (b"", b"\xa0", b"\xbf\xff", b"\xb8\x00"):
        data = cose.encode(cose.SIGN1, protected, {}, b"", b"")
        assert cose.decode(data, cose.SIGN1).protected == b"", protected


def test_encode_and_decode():
    data = cose.encode(cose.SIGN1, b"\xa1\x01\x26", {4: b"11"}, b"content", bytes(64))
    assert data[0] == 0xD2
    message = cose.decode(data, cose.SIGN1)
    assert message == (b"\xa1\x01\x26", {1: -7}, {4: b"11"}, b"content", bytes(64))
    assert cose.decode(data[1:], cose.SIGN1) == message


def test_mac0():
    for algorithm, size in ((HMAC_256_64, 8), (HMAC_256_256, 32)):
        key = (algorithm, KEY)
        data = cose.mac0(b"content", key, {4: b"11"}, b"aad")
        message = cose.verify0(data, key, b"aad")
        assert message.payload == b"content" and len(message.proof) == size
        assert raises(CoseError, cose.verify0, data, key).reason == "mac"
        other = (algorithm, bytes(16))
        assert raises(CoseError, cose.verify0, data, other, b"aad").reason == "mac"
    assert raises(CoseError, cose.mac0, b"", (AES_CCM_16_64_128, KEY)).reason == "algorithm"


def test_encrypt0():
    key = (AES_CCM_16_64_128, KEY)
    for size in (0, 1, 15, 16, 17, 300):
        data = cose.seal0(bytes(size), key, IV, b"aad")
        assert len(data) < size + 8 + 27
        assert cose.open0(data, key, b"aad").payload == bytes(size)
        assert raises(CoseError, cose.open0, data, key, b"aae").reason == "ciphertext"
    other = (HMAC_256_64, KEY)
    assert raises(CoseError, cose.open0, data, other, b"aad").reason == "algorithm"


def test_partial_iv():
    # RFC 9052, 3.1: padded on the left, then XORed with the context's IV.
    key = (AES_CCM_16_64_128, KEY)
    protected, _, sealed = cbor.decode(cose.seal0(b"content", key, IV)[1:])
    base_iv = IV[:11] + bytes((IV[11] ^ 0x61, IV[12] ^ 0xA7))
    data = cose.encode(cose.ENCRYPT0, protected, {cose.PARTIAL_IV: b"\x61\xa7"}, sealed)
    assert cose.open0(data, key, b"", base_iv).payload == b"content"
    assert raises(CoseError, cose.open0, data, key).reason == "iv"
    for partial_iv in (b"", bytes(14), 1, "a"):
        data = cose.encode(cose.ENCRYPT0, protected, {cose.PARTIAL_IV: partial_iv}, sealed)
        assert raises(CoseError, cose.open0, data, key, b"", base_iv).reason == "iv"


def test_a_reader_that_was_loaded_anew():
    # As firmware/later.py does it while somebody keeps cose: its errors have a class of another
    # load, and are errors of the message all the same.
    kept = {}
    for name in ("cbor", "cbor_reader"):
        kept[name] = sys.modules.pop("protocols." + name, None)
        if kept[name]:
            delattr(protocols, name)
    try:
        assert raises(CoseError, cose.decode, b"\x84", cose.SIGN1).reason == "cbor"
        assert sys.modules["protocols.cbor"] is not cbor
    finally:
        for name, module in kept.items():
            if module:
                sys.modules["protocols." + name] = module
                setattr(protocols, name, module)


def test_cut_at_every_byte():
    data = cose.mac0(b"content", (HMAC_256_64, KEY), {4: b"11"})
    for size in range(len(data)):
        reason = raises(CoseError, cose.verify0, data[:size], (HMAC_256_64, KEY)).reason
        assert reason == "cbor", size
