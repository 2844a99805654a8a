"""CBOR against cbor2, by random values and by random bytes."""

import cbor2
from hypothesis import assume, given
from hypothesis import strategies as st

from protocols import cbor, cbor_rare

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.floats(width=16)
    | st.floats(width=32)
    | st.text(max_size=8)
    | st.binary(max_size=8)
)
KEYS = st.integers(-(2**33), 2**33) | st.text(max_size=4) | st.binary(max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)

# What is put together of pieces of encodings is well-formed far more often than random bytes are.
PIECES = (
    st.binary(min_size=1, max_size=2)
    | VALUES.map(cbor.encode)
    | st.sampled_from(
        [b"\x5f", b"\x7f", b"\x9f", b"\xbf", b"\xff", b"\xc2\x41\x01", b"\xf9\x3c\x00"]
    )
)
BYTES = st.lists(PIECES, max_size=8).map(b"".join)


def deterministic(value: object) -> bytes:
    """The encoding of RFC 8949, 4.2.1, out of cbor2's scalars: its own maps sort as RFC 7049."""
    if isinstance(value, list):
        return bytes((0x80 | len(value),)) + b"".join(map(deterministic, value))
    if isinstance(value, dict):
        pairs = sorted((deterministic(key), deterministic(value[key])) for key in value)
        return bytes((0xA0 | len(value),)) + b"".join(key + item for key, item in pairs)
    return cbor2.dumps(value, canonical=True)


def loosely(data: bytes) -> tuple[bool, object]:
    try:
        return True, cbor.decode(data, strict=False)
    except cbor.CBORError as error:
        assume("container" not in str(error))  # cbor2 takes an array as a map key,
        assume("nested" not in str(error) and "more bytes" not in str(error))  # and passes these
        return False, None


def reference(data: bytes) -> tuple[bool, object]:
    try:
        return True, cbor2.loads(data, allow_duplicate_keys=False)
    except cbor2.CBORDecodeError:
        return False, None


def comparable(value: object) -> object:
    """One form for both libraries' values; repr() keeps NaN, -0.0 and 1 apart from 1.0."""
    if isinstance(value, list | tuple) and not isinstance(value, cbor_rare.Simple):
        return [comparable(item) for item in value]
    if isinstance(value, dict):
        return sorted((repr(comparable(k)), comparable(value[k])) for k in value)
    if isinstance(value, cbor_rare.Simple | cbor2.CBORSimpleValue):
        return "simple", value.value
    return repr(value)


@given(VALUES)
def test_encodes_as_cbor2(value: object) -> None:
    data = cbor.encode(value)
    assert data == deterministic(value)
    assert comparable(cbor.decode(data)) == comparable(value) == comparable(cbor2.loads(data))


@given(BYTES)
def test_decodes_what_cbor2_decodes(data: bytes) -> None:
    accepted, value = loosely(data)
    assume("Tag(" not in repr(value))  # cbor2 gives tags meanings and refuses what does not fit
    expected, reference_value = reference(data)
    assert accepted == expected
    assert comparable(value) == comparable(reference_value)


@given(BYTES | st.binary(max_size=12))
def test_strict_accepts_exactly_what_encode_writes(data: bytes) -> None:
    accepted, value = loosely(data)
    deterministic_form = accepted and cbor.encode(value) == data
    try:
        cbor.decode(data)
        strict = True
    except cbor.CBORError:
        strict = False
    assert strict == deterministic_form


@given(st.binary(max_size=64))
def test_any_bytes_give_a_value_or_cbor_error(data: bytes) -> None:
    for strict in (True, False):
        try:
            cbor.decode(data, strict)
        except cbor.CBORError as error:
            assert 0 <= error.offset <= len(data)
