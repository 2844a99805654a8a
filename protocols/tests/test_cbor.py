# CBOR against RFC 8949's own examples, and what a strict decoder refuses.
# SPDX-License-Identifier: Apache-2.0
from binascii import hexlify, unhexlify
from struct import pack

from protocols.cbor import CBORError, decode, encode
from protocols.cbor_rare import Simple, Tag, undefined
from protocols.tests.support import raises, vectors

NAMES = {"Simple": Simple, "Tag": Tag, "undefined": undefined}


def same(a, b):
    # Equal, of one type, the sign of zero and NaN included.
    return type(a) is type(b) and (repr(a) == repr(b) or a == b)


def test_appendix_a_decodes():
    count = 0
    for hexed, _, text in vectors("cbor_appendix_a.hex"):
        value = decode(unhexlify(hexed), strict=False)
        assert same(value, eval(text, NAMES)), hexed
        count += 1
    assert count == 81


def test_appendix_a_round_trip():
    for hexed, kind, text in vectors("cbor_appendix_a.hex"):
        data = unhexlify(hexed)
        if kind == "=":
            assert encode(eval(text, NAMES)) == data, hexed
            assert encode(decode(data)) == data, hexed
        else:
            raises(CBORError, decode, data)
            canonical = encode(decode(data, strict=False))
            assert same(decode(canonical), eval(text, NAMES)), hexed


def test_appendix_f_is_refused():
    count = 0
    for hexed, _ in vectors("cbor_malformed.hex"):
        for strict in (True, False):
            error = raises(CBORError, decode, unhexlify(hexed), strict)
            assert 0 <= error.offset <= len(hexed) // 2, hexed
        count += 1
    assert count == 94


def test_refused():
    for hexed, kind, _ in vectors("cbor_refused.hex"):
        data = unhexlify(hexed)
        raises(CBORError, decode, data)
        if kind == "strict":
            value = decode(data, strict=False)
            assert encode(value) != data, hexed
        else:
            raises(CBORError, decode, data, False)


def test_halves_keep_their_form():
    # All subnormals, and some others; also not as singles, where they would have the same value.
    for n in list(range(1, 0x400)) + list(range(0x400, 0x7C00, 97)):
        for sign in (0, 0x80):
            data = bytes((0xF9, n >> 8 | sign, n & 0xFF))
            value = decode(data)
            assert encode(value) == data, data
            raises(CBORError, decode, b"\xfa" + pack(">f", value))


def test_every_cut_of_an_item_is_refused():
    data = encode({1: [1, -500, 1.5, 1e10], 2: {"a": b"12345", "b": "text"}, 3: Tag(40, None)})
    for size in range(len(data)):
        error = raises(CBORError, decode, data[:size])
        assert error.offset <= size


def test_offset_tells_the_item():
    # [0, {1: 2, 1: 3}]: the second key begins at byte 5.
    error = raises(CBORError, decode, unhexlify("8200a201020103"))
    assert error.offset == 5
    assert "byte 5" in str(error)


def test_maps_are_sorted_by_encoded_key():
    # The order of RFC 8949, 4.2.1.
    value = {False: 0, "aa": 1, "z": 2, -1: 3, 100: 4, 10: 5}
    assert hexlify(encode(value)) == b"a60a05186404200361" + b"7a0262616101f400"


def test_buffers_and_tuples_encode_as_strings_and_arrays():
    assert encode(bytearray(b"ab")) == b"\x42ab"
    assert encode(memoryview(b"ab")) == b"\x42ab"
    assert encode((1, 2)) == b"\x82\x01\x02"
    assert decode(bytearray(b"\x42ab")) == b"ab"
    assert decode(memoryview(b"\x61a")) == "a"


def test_integers_at_every_boundary():
    for bits in (0, 5, 8, 16, 30, 31, 32, 62, 63, 64, 65, 128):
        for n in ((1 << bits) - 1, 1 << bits, (1 << bits) + 1, 23, 24):
            for value in (n, -n):
                assert decode(encode(value)) == value


def test_what_has_no_encoding():
    raises(CBORError, encode, {1, 2})
    raises(CBORError, encode, object())
    raises(CBORError, encode, Simple(24))
    raises(CBORError, encode, Simple(20))
    raises(CBORError, encode, Simple(256))


def test_depth_is_bounded():
    value = 0
    for _ in range(16):
        value = [value]
    assert decode(encode(value)) == value
    raises(CBORError, encode, [value])
    endless = []
    endless.append(endless)
    raises(CBORError, encode, endless)
