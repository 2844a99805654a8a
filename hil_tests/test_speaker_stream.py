"""A live stream through the pole: packets of a real ffmpeg, on a network that loses and delays."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess

import pytest
from fieldbeat.hil_tests.district import District
from fieldbeat.protocols import receipt
from fieldbeat.protocols.reason_codes import CODES

from .test_speaker import SECOND_US, district, heard, level_of

__all__ = ("district",)
PORT = 5004
HZ = 440
CODECS = {0: ("pcm_mulaw", 8000), 8: ("pcm_alaw", 8000), 11: ("pcm_s16be", 16000)}

pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg (apt)")


def packets(payload_type: int, seconds: int) -> list[bytes]:
    """What ffmpeg sends for a tone, as fast as it can."""
    codec, rate_hz = CODECS[payload_type]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        endpoint.bind(("127.0.0.1", 0))
        endpoint.settimeout(0.2)
        tone = f"sine=frequency={HZ}:sample_rate={rate_hz}:duration={seconds}"
        size = 12 + rate_hz // 50 * (2 if payload_type == 11 else 1)  # 20 ms a packet
        url = f"rtp://127.0.0.1:{endpoint.getsockname()[1]}?pkt_size={size}"
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", tone, "-ac", "1"]
        command += ["-c:a", codec, "-payload_type", str(payload_type), "-f", "rtp", url]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
        found = []
        try:
            while True:
                found.append(endpoint.recv(2048))
        except TimeoutError:
            return [data for data in found if data[1] & 0x7F == payload_type]  # no RTCP


def send(district, pole, stream: list[bytes], rate_hz: int, delay_us=lambda n: 0) -> None:
    """Let a neighbour send the packets at the pace that their timestamps tell."""
    first = struct.unpack_from(">I", stream[0], 4)[0]
    for n, data in enumerate(stream):
        samples = struct.unpack_from(">I", data, 4)[0] - first & 0xFFFFFFFF
        at_us = district.world.now_us + samples * SECOND_US // rate_hz + delay_us(n)
        district.world.call_at(
            at_us, lambda data=data: district.network.lan.send(pole.address, PORT, data)
        )


@pytest.mark.parametrize("payload_type", [0, 8, 11])
def test_a_stream_is_heard(district, payload_type):
    pole = district.add_pole()
    stream = packets(payload_type, 4)
    assert len(stream) >= 190
    order = district.order([[3, payload_type, PORT, b"", 4]], volume=100)
    district.until(order, receipt.STARTED)
    begin_us = district.world.now_us
    send(district, pole, stream, CODECS[payload_type][1])
    done = district.until(order, receipt.DONE)
    assert done.source == 3 and done.reason is None
    middle = heard(pole, begin_us + SECOND_US, begin_us + 3 * SECOND_US)
    assert level_of(middle, HZ) == pytest.approx(4095, rel=0.1)  # of ffmpeg's sine, an eighth
    assert level_of(middle, 2 * HZ) < 100


def test_loss_and_jitter_are_not_heard_as_gaps(district):
    pole = district.add_pole()
    stream = packets(0, 8)
    order = district.order([[3, 0, PORT, b"", 8]], volume=100)
    district.until(order, receipt.STARTED)
    begin_us = district.world.now_us
    random = district.world.random
    district.network.lan.loss = 0.05
    send(district, pole, stream, 8000, lambda n: random.randrange(60_000))
    district.until(order, receipt.DONE)
    assert district.network.lan.counts["lan_lost"] > 5
    samples = heard(pole, begin_us + SECOND_US, begin_us + 7 * SECOND_US)
    pieces = [samples[i : i + 320] for i in range(0, len(samples), 320)]  # 20 ms each
    quiet = [max(map(abs, piece)) < 300 for piece in pieces]
    assert sum(quiet) <= 3 and not any(a and b for a, b in zip(quiet, quiet[1:], strict=False))


def test_a_stream_that_stops_is_told_and_what_follows_is_heard(district):
    pole = district.add_pole()
    stream = packets(0, 2)
    order = district.order([[3, 0, PORT, b"", 60], [0, 0, 2000]])
    district.until(order, receipt.STARTED)
    begin_us = district.world.now_us
    send(district, pole, stream, 8000)
    told = district.until(order, receipt.INTERRUPTED)
    assert told.reason == CODES["stream_lost"]
    assert district.world.now_us - begin_us < 12 * SECOND_US
    after = heard(pole, begin_us + 5 * SECOND_US, district.world.now_us)
    halves = [after[i : i + 8000] for i in range(0, len(after) - 8000, 8000)]
    assert sum(level_of(half, 1000) > 20_000 for half in halves) >= 3


def test_a_multicast_stream_reaches_all_poles(tmp_path):
    with District(tmp_path) as district:
        poles = [district.add_pole("speaker-01"), district.add_pole("speaker-02")]
        stream = packets(0, 3)
        order = district.order([[3, 0, PORT, bytes((239, 1, 2, 3)), 3]], volume=100)
        district.until(order, receipt.STARTED)
        district.run_for(0.5)
        begin_us = district.world.now_us
        first = struct.unpack_from(">I", stream[0], 4)[0]
        for data in stream:
            samples = struct.unpack_from(">I", data, 4)[0] - first & 0xFFFFFFFF
            district.world.call_at(
                begin_us + samples * SECOND_US // 8000,
                lambda data=data: district.network.lan.send("239.1.2.3", PORT, data),
            )
        district.run_for(6)
        for pole in poles:
            middle = heard(pole, begin_us + SECOND_US, begin_us + 2 * SECOND_US)
            assert level_of(middle, HZ) > 3000
