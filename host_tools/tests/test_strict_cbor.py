"""The outside reader takes what our codec writes, and refuses what is no single item."""

import pytest
from fieldbeat.host_tools import boards, profiles, strict_cbor
from fieldbeat.protocols import cbor
from hypothesis import given
from hypothesis import strategies as st

keys = st.integers(-(2**63), 2**63) | st.text() | st.binary()
items = st.recursive(
    keys | st.booleans() | st.none() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=12,
)


@given(items)
def test_it_reads_what_our_codec_writes(item):
    assert strict_cbor.loads(cbor.encode(item)) == item


def test_it_reads_the_maps_of_a_device():
    for map_ in (boards.device_map("greenhouse_esp32"), profiles.device_map("greenhouse")):
        assert strict_cbor.loads(cbor.encode(map_)) == map_


@pytest.mark.parametrize(
    "data",
    [
        "",
        "a1",
        "0102",
        "a201010102",
        "9f01ff",
        "5f4100ff",
        "61ff",
        "ff",
        "1c",
        "81" * 17 + "00",
        "9bffffffffffffffff",
        "c0613f",
    ],
)
def test_it_refuses(data):
    with pytest.raises(strict_cbor.StrictCBORError) as caught:
        strict_cbor.loads(bytes.fromhex(data))
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=40))
def test_nothing_but_its_own_error(data):
    try:
        strict_cbor.loads(data)
    except strict_cbor.StrictCBORError:
        pass
