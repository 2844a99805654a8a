"""The jitter buffer under any network, and fed by ffmpeg."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import socket
import subprocess
import tracemalloc
from array import array
from collections.abc import Iterator
from math import log10

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocols import rtp
from protocols.jitter import BUFFERING, CONCEALED, PLAYED, JitterBuffer
from protocols.rtp import Packet, RtpError
from protocols.tests.sound import LIMIT_S, crossings_hz, level, needs_ffmpeg
from protocols.tests.stream import SIZE, Player, datagram

FATES = st.tuples(
    st.sampled_from([1] * 12 + [0, 2]),  # how many of it arrive
    st.integers(0, 100_000),  # us on the way
    st.integers(0, 100_000),  # us until the second one
)
BEGINNINGS = {
    "sequence": st.sampled_from([0, 30, 65535, 65500, 32760]),
    "timestamp": st.sampled_from([0, 2**32 - 1, 2**32 - 10 * SIZE, 2**28 - 7, 2**31]),
}


def arrivals_of(fates: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """(us, index) of each packet that arrives, in this order."""
    return sorted(
        (20_000 * index + first_us + copy * second_us, index)
        for index, (copies, first_us, second_us) in enumerate(fates)
        for copy in range(copies)
    )


@example([(2, 0, 100_000)], 0, {"sequence": 0, "timestamp": 0})  # again, after its end
@given(
    st.lists(FATES, min_size=1, max_size=150),
    st.sampled_from([0, 20, 60, 100, 120]),
    st.fixed_dictionaries(BEGINNINGS),
)
def test_any_network(
    fates: list[tuple[int, int, int]], depth_ms: int, stream: dict[str, int]
) -> None:
    buffer = JitterBuffer(depth_ms, 20, 16000, rtp.PCMA)
    out = Player(buffer)
    sent = {index for index, fate in enumerate(fates) if fate[0]}
    packets = arrivals_of(fates)
    for us, index in packets:
        out.put(us, datagram(index, **stream))
    stored = set(out.played())
    out.until(20_000 * len(fates) + 1_000_000)
    heard = out.played()
    # Only what was sent, in its order, nothing twice.
    assert heard == sorted(set(heard)) and stored <= set(heard) <= sent
    # It ends in silence and waits for another stream.
    assert not buffer.playing and out.heard[-1] == -BUFFERING
    counted = buffer.received + buffer.duplicate + buffer.refused
    assert counted == len(packets)
    assert buffer.played == len(heard) and buffer.late <= buffer.received
    kinds = out.kinds()
    assert buffer.concealed + buffer.inserted >= kinds.count(CONCEALED) >= buffer.concealed


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 60_000)), min_size=60, max_size=400),
    st.fixed_dictionaries(BEGINNINGS),
)
def test_what_comes_within_the_depth_is_heard(
    fates: list[tuple[bool, int]], stream: dict[str, int]
) -> None:
    """Up to 60 ms of jitter, one of three packets lost at the most, and a depth of 60 ms."""
    fates = [(lost and index % 3 == 1, us) for index, (lost, us) in enumerate(fates)]
    buffer = JitterBuffer(60, 20, 16000, rtp.PCMA)
    out = Player(buffer)
    for us, index in arrivals_of([(not lost, us, 0) for lost, us in fates]):
        out.put(us, datagram(index, **stream))
    heard = out.played()
    missing = [i for i in range(heard[0], heard[-1]) if i not in set(heard) and not fates[i][0]]
    assert len(missing) <= buffer.skipped <= len(fates) // 200
    assert heard[0] == 0 and heard[-1] > len(fates) - 12
    assert set(out.kinds()) <= {PLAYED, CONCEALED}
    assert buffer.late == buffer.duplicate == buffer.refused == 0
    # A lost one, and one more where the clocks are thought to differ.
    assert buffer.longest_gap_ms <= 20 * (1 + min(1, buffer.inserted))


@given(st.lists(st.binary(max_size=60), max_size=30), st.sampled_from([rtp.PCMU, rtp.L16]))
def test_whatever_comes(datagrams: list[bytes], codec: int) -> None:
    buffer = JitterBuffer(40, 20, 8000, codec)
    dst = bytearray(640)
    for n, data in enumerate(datagrams):
        for candidate in (data, bytes((0x80, codec)) + data):
            try:
                buffer.put(rtp.parse(candidate), n)
            except RtpError:
                pass
        buffer.get(dst)


def test_memory_is_fixed() -> None:
    buffer = JitterBuffer(60, 20, 16000, rtp.PCMA)
    out = Player(buffer)
    for index in range(20):
        out.put(20_000 * index, datagram(index))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for index in range(20, 2000):
        buffer.put(rtp.parse(datagram(index)), 20 * index)
        buffer.get(out.dst)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 2000


def sent_by_ffmpeg(source: str, *arguments: str) -> Iterator[Packet]:
    """The RTP packets of half a second of sound, and RTCP, which comes to the same port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(LIMIT_S)
        port = receiver.getsockname()[1]
        command = ["ffmpeg", "-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", source]
        target = f"rtp://127.0.0.1:{port}?rtcpport={port}"
        done = subprocess.run(
            [*command, *arguments, "-f", "rtp", target], capture_output=True, timeout=LIMIT_S
        )
        assert not done.returncode, done.stderr.decode()
        receiver.setblocking(False)
        while True:
            try:
                datagram = receiver.recv(2048)
            except BlockingIOError:
                return
            yield rtp.parse(datagram)


@needs_ffmpeg
@pytest.mark.parametrize(
    ("rate_hz", "codec", "payload_type", "encoder", "samples_a_frame"),
    [
        (8000, rtp.PCMU, None, "pcm_mulaw", 160),
        (8000, rtp.PCMA, None, "pcm_alaw", 160),
        (16000, rtp.L16, None, "pcm_s16be", 320),
        (16000, rtp.L16, 97, "pcm_s16be", 320),
        (8000, rtp.PCMU, None, "pcm_mulaw", 1024),  # what it sends if nobody tells it otherwise
    ],
)
def test_a_stream_of_ffmpeg(
    rate_hz: int, codec: int, payload_type: int | None, encoder: str, samples_a_frame: int
) -> None:
    source = f"sine=frequency=1000:sample_rate={rate_hz}:duration=0.5"
    source += f":samples_per_frame={samples_a_frame},volume=12dB"
    number = ("-payload_type", str(codec if payload_type is None else payload_type))
    packets = list(sent_by_ffmpeg(source, "-c:a", encoder, *number))
    buffer = JitterBuffer(60, 20, rate_hz, codec, payload_type)
    dst = bytearray(2 * buffer.samples)
    heard = array("h")
    kinds = []
    due_ms = 0
    packet_ms = samples_a_frame * 1000 // rate_hz
    for packet in packets:
        while due_ms < packet_ms * (buffer.received + 1):
            kinds.append(buffer.get(dst))
            if kinds[-1] == PLAYED:
                heard.frombytes(dst)
            due_ms += 20
        buffer.put(packet, due_ms)
    while kinds[-1] != BUFFERING or not heard:
        kinds.append(buffer.get(dst))
        if kinds[-1] == PLAYED:
            heard.frombytes(dst)
    assert buffer.lost == buffer.late == buffer.duplicate == 0
    assert buffer.refused == len(packets) - buffer.received > 0  # RTCP
    assert kinds.count(CONCEALED) == 3  # at the end
    assert len(heard) == 8000 // buffer.samples * buffer.samples
    # lavfi's sine has an eighth of the full scale.
    peak = 4096 * 10 ** (12 / 20)
    middle = heard[320:-320]
    assert crossings_hz(middle, 16000) == pytest.approx(1000, abs=1)
    assert abs(20 * log10(level(middle, 1000, 16000) / peak)) < 1
    assert max(heard) < 1.1 * peak
