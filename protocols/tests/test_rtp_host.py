"""RTP packets with every optional part, and whatever else comes."""

# SPDX-License-Identifier: Apache-2.0

import tracemalloc
from struct import pack

from hypothesis import given
from hypothesis import strategies as st

from protocols import rtp
from protocols.rtp import RtpError

U32 = st.integers(0, 2**32 - 1)


@given(
    st.integers(0, 127),
    st.booleans(),
    st.integers(0, 65535),
    U32,
    U32,
    st.binary(max_size=40),
    st.lists(U32, max_size=15),
    st.none() | st.lists(U32, max_size=5),
    st.integers(0, 255),
)
def test_round_trip(
    kind: int,
    marker: bool,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    csrc: list[int],
    extension: list[int] | None,
    padding: int,
) -> None:
    first = 0x80 | len(csrc) | (0x10 if extension is not None else 0) | (0x20 if padding else 0)
    data = pack(">BBHII", first, kind | marker << 7, sequence, timestamp, ssrc)
    data += pack(f">{len(csrc)}I", *csrc)
    if extension is not None:
        data += pack(f">HH{len(extension)}I", 0xBEDE, len(extension), *extension)
    data += payload
    if padding:
        data += bytes(padding - 1) + bytes((padding,))
    packet = rtp.parse(data)
    assert packet[:5] == (kind, marker, sequence, timestamp, ssrc)
    assert bytes(packet.payload) == payload


@given(st.binary(max_size=120), st.integers(0, 255))
def test_whatever_comes(data: bytes, first: int) -> None:
    for candidate in (data, bytes((0x80 | first & 0x3F,)) + data):
        try:
            packet = rtp.parse(candidate)
        except RtpError:
            continue
        assert bytes(packet.payload) in candidate[12:]


def test_claims_allocate_nothing() -> None:
    data = b"\x90" + bytes(13) + b"\xff\xff" + bytes(1400)
    tracemalloc.start()
    for _ in range(10):
        try:
            rtp.parse(data)
        except RtpError:
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4096
