"""A live stream through the pole: packets of a real ffmpeg, on a network that loses and delays."""

from __future__ import annotations

import shlex
import shutil
import socket
import struct
import subprocess
import wave

import numpy as np
import pytest
from fieldbeat.hil_tests.district import District
from fieldbeat.hil_tests.virtual.lan import NEIGHBOUR, ports_in_a_row
from fieldbeat.host_tools import alert_words, coverage
from fieldbeat.protocols import event, receipt, rtcp
from fieldbeat.protocols.reason_codes import CODES

from .listening import SECOND_US, heard, level_of, sink

PORT = 5004
HZ = 440
RATES_HZ = {0: 8000, 8: 8000, 11: 16000}

pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg (apt)")


def packets(payload_type: int, seconds: int) -> list[bytes]:
    """What ffmpeg sends for a tone, called as the desk says, but as fast as it can."""
    return recorded(payload_type, seconds)[0]


def recorded(payload_type: int, seconds: int) -> tuple[list[bytes], list[bytes]]:
    """The same, and what it sends to the port above: reports, and a BYE at its end."""
    rtp, rtcp = ports = ports_in_a_row(2)
    try:
        for endpoint in ports:
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            endpoint.settimeout(0.2)
        tone = f"sine=frequency={HZ}:sample_rate=48000:duration={seconds}"
        (line,) = alert_words.talking([[3, payload_type, rtp.getsockname()[1], b"", 60]])
        line = line.replace("-re -i talk.mp3", f"-v error -f lavfi -i {tone}")
        command = shlex.split(line.replace("//POLE:", "//127.0.0.1:"))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
        return received(rtp), received(rtcp)
    finally:
        for endpoint in ports:
            endpoint.close()


def received(endpoint: socket.socket) -> list[bytes]:
    found = []
    try:
        while True:
            found.append(endpoint.recv(2048))
    except TimeoutError:
        return found


def ssrc_of(stream: list[bytes]) -> int:
    return int.from_bytes(stream[0][8:12], "big")


def send(district, pole, stream: list[bytes], rate_hz: int, delay_us=lambda n: 0) -> None:
    """Let a neighbour send the packets at the pace that their timestamps tell."""
    first = struct.unpack_from(">I", stream[0], 4)[0]
    for n, data in enumerate(stream):
        samples = struct.unpack_from(">I", data, 4)[0] - first & 0xFFFFFFFF
        at_us = district.world.now_us + samples * SECOND_US // rate_hz + delay_us(n)
        district.world.call_at(
            at_us, lambda data=data: district.network.lan.send(pole.address, PORT, data)
        )


def say_bye(district, host: str, data: bytes, source=NEIGHBOUR, after_s: float = 0) -> None:
    """Let somebody send a datagram to the port of RTCP."""
    at_us = district.world.now_us + round(after_s * SECOND_US)
    lan = district.network.lan
    district.world.call_at(at_us, lambda: lan.send(host, PORT + 1, data, source))


@pytest.mark.parametrize("payload_type", [0, 8, 11])
def test_a_stream_is_heard(district, payload_type):
    pole = district.add_pole()
    stream = packets(payload_type, 4)
    assert len(stream) >= 190
    told = 97 if payload_type == 11 else payload_type  # ffmpeg's for L16 of 16 kHz
    assert {data[1] & 0x7F for data in stream} == {told}
    order = district.order([[3, payload_type, PORT, b"", 4]], volume=100)
    district.until(order, receipt.ACCEPTED)
    begin_us = district.world.now_us
    send(district, pole, stream, RATES_HZ[payload_type])
    done = district.until(order, receipt.DONE)
    assert done.source == 3 and done.reason is None
    middle = heard(pole, begin_us + SECOND_US, begin_us + 3 * SECOND_US)
    assert level_of(middle, HZ) == pytest.approx(4095, rel=0.1)  # of ffmpeg's sine, an eighth
    assert level_of(middle, 2 * HZ) < 100


def test_loss_and_jitter_are_not_heard_as_gaps(district):
    pole = district.add_pole()
    stream = packets(0, 8)
    order = district.order([[3, 0, PORT, b"", 8]], volume=100)
    district.until(order, receipt.ACCEPTED)
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
    district.until(order, receipt.ACCEPTED)
    begin_us = district.world.now_us
    send(district, pole, stream, 8000)
    told = district.until(order, receipt.INTERRUPTED)
    assert told.reason == CODES["stream_lost"]
    assert district.world.now_us - begin_us < 12 * SECOND_US
    after = heard(pole, begin_us + 5 * SECOND_US, district.world.now_us)
    halves = [after[i : i + 8000] for i in range(0, len(after) - 8000, 8000)]
    assert sum(level_of(half, 1000) > 20_000 for half in halves) >= 3


def test_who_says_goodbye_was_not_lost(district):
    pole = district.add_pole()
    stream, reports = recorded(0, 2)
    assert rtcp.says_bye(reports[-1], ssrc_of(stream))  # ffmpeg does
    order = district.order([[3, 0, PORT, b"", 60]])
    district.until(order, receipt.ACCEPTED)
    begin_us = district.world.now_us
    send(district, pole, stream, 8000)
    for data in reports:
        say_bye(district, pole.address, data, after_s=2.1)
    done = district.until(order, receipt.DONE)
    assert done.source == 3 and done.reason is None
    assert district.world.now_us - begin_us < 12 * SECOND_US
    middle = heard(pole, begin_us + SECOND_US, begin_us + 7 * SECOND_US // 4)
    assert level_of(middle, HZ) > 2000


@pytest.mark.parametrize("stranger", ["another source", "another address", "before it sent"])
@pytest.mark.long
def test_the_goodbye_of_a_stranger_changes_nothing(district, stranger):
    pole = district.add_pole()
    stream, reports = recorded(0, 2)
    bye, source, after_s = reports[-1], NEIGHBOUR, 1.5
    if stranger == "another source":
        bye = bye.replace(stream[0][8:12], b"\1\2\3\4")
    elif stranger == "another address":
        source = ("192.0.2.66", NEIGHBOUR[1])
    else:
        after_s = 0.0
        stream = stream[:1]  # which is heard of nobody
    order = district.order([[3, 0, PORT, b"", 60]])
    district.until(order, receipt.ACCEPTED)
    send(district, pole, stream, 8000)
    say_bye(district, pole.address, bye, source, after_s)
    told = district.until(order, receipt.INTERRUPTED)
    assert told.reason == CODES["stream_lost"]
    assert district.network.lan.counts["lan_refused"] == 0  # the pole has read it


@pytest.mark.long
def test_who_comes_back_after_a_goodbye_is_heard(district):
    pole = district.add_pole()
    stream, reports = recorded(0, 2)
    order = district.order([[3, 0, PORT, b"", 60]])
    district.until(order, receipt.ACCEPTED)
    send(district, pole, stream, 8000)
    say_bye(district, pole.address, reports[-1], after_s=2.1)
    district.run_for(4)
    again = [data[:8] + b"\1\2\3\4" + data[12:] for data in stream]  # as a new ffmpeg
    begin_us = district.world.now_us
    send(district, pole, again, 8000)
    told = district.until(order, receipt.INTERRUPTED)  # it has not said goodbye
    assert told.reason == CODES["stream_lost"]
    middle = heard(pole, begin_us + SECOND_US, begin_us + 7 * SECOND_US // 4)
    assert level_of(middle, HZ) > 2000


@pytest.mark.long
def test_who_needs_a_while_to_begin_is_heard(district):
    pole = district.add_pole()
    order = district.order([[3, 0, PORT, b"", 60]])
    district.until(order, receipt.ACCEPTED)
    district.run_for(20)
    begin_us = district.world.now_us
    send(district, pole, packets(0, 2), 8000)
    district.until(order, receipt.INTERRUPTED)
    middle = heard(pole, begin_us + SECOND_US, begin_us + 7 * SECOND_US // 4)
    assert level_of(middle, HZ) > 2000


def state_of(district, order) -> str:
    """What the desk shows of the pole."""
    deliveries = district.desk.orders.deliveries(order)
    return coverage.coverage(order, deliveries, district.now_s).units[0].state


def stages(district) -> list[int]:
    return [body[3] for body in district.events("speaker-01", event.RECEIPT)]


def first_loud_us(pole, tmp_path, begin_us: int) -> int:
    """When something is to be heard in the WAV of a pole's sound from a time on."""
    sink(pole).wav(tmp_path / "heard.wav", begin_us)
    with wave.open(str(tmp_path / "heard.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    loud = np.abs(samples.astype(np.int32)) > 100
    assert loud.any()
    return begin_us + int(loud.argmax()) * SECOND_US // 16000


# How long after its first sample has left a pole says so, at most: two pieces and a look.
STARTED_APART_US = 100_000


def test_a_stream_has_started_when_its_first_packet_is_played(district, tmp_path):
    pole = district.add_pole()
    stream = packets(0, 3)
    ordered_us = district.world.now_us
    order = district.order([[3, 0, PORT, b"", 25]])
    district.until(order, receipt.ACCEPTED)
    district.run_for(20)
    assert stages(district) == [receipt.ACCEPTED]
    assert state_of(district, order) == "waiting"
    send(district, pole, stream, 8000)
    told = district.until(order, receipt.STARTED)
    assert state_of(district, order) == "sounded"
    loud_us = first_loud_us(pole, tmp_path, ordered_us)
    assert loud_us - ordered_us > 20 * SECOND_US
    assert 0 <= ordered_us + told.hops_ms[3] * 1000 - loud_us < STARTED_APART_US
    apart_s = told.started_s - order.made_s - (loud_us - ordered_us) / SECOND_US
    assert -1 < apart_s < 1  # whole seconds
    done = district.until(order, receipt.DONE)
    assert stages(district) == [receipt.ACCEPTED, receipt.STARTED, receipt.DONE]
    assert done.proof[2] > 128  # three seconds of the five since then; waiting is no play


def test_a_stream_that_nobody_sends_starts_with_the_tone_instead(district, tmp_path):
    pole = district.add_pole()
    ordered_us = district.world.now_us
    order = district.order([[3, 0, PORT, b"", 60]])
    district.until(order, receipt.ACCEPTED)
    district.run_for(25)
    assert state_of(district, order) == "waiting"
    told = district.until(order, receipt.STARTED)
    loud_us = first_loud_us(pole, tmp_path, ordered_us)
    assert loud_us - ordered_us > 29 * SECOND_US
    assert 0 <= ordered_us + told.hops_ms[3] * 1000 - loud_us < STARTED_APART_US
    done = district.until(order, receipt.INTERRUPTED)
    assert stages(district) == [receipt.ACCEPTED, receipt.STARTED, receipt.INTERRUPTED]
    assert done.reason == CODES["stream_lost"] and state_of(district, order) == "in_part"
    assert done.proof[2] > 200  # of the tone


def test_an_alert_whose_first_step_is_a_tone_starts_with_the_tone(district, tmp_path):
    pole = district.add_pole()
    ordered_us = district.world.now_us
    order = district.order([[0, 0, 3000], [3, 0, PORT, b"", 60]])
    told = district.until(order, receipt.STARTED)
    loud_us = first_loud_us(pole, tmp_path, ordered_us)
    assert loud_us - ordered_us < SECOND_US
    assert -50_000 <= ordered_us + told.hops_ms[3] * 1000 - loud_us < STARTED_APART_US


def test_a_stream_that_is_cancelled_before_anybody_talks_was_silent(district):
    pole = district.add_pole()
    ordered_us = district.world.now_us
    order = district.order([[3, 0, PORT, b"", 60]])
    district.until(order, receipt.ACCEPTED)
    district.run_for(5)
    district.cancel(order)
    told = district.until(order, receipt.INTERRUPTED)
    assert receipt.STARTED not in stages(district)
    assert state_of(district, order) == "stopped" and told.started_s is None
    assert not any(heard(pole, ordered_us, district.world.now_us))


@pytest.mark.parametrize("seconds, minutes", [(10, 10), (60, 0.2)])
@pytest.mark.long
def test_a_stream_that_nobody_sends_until_its_end_is_not_done(district, seconds, minutes):
    district.add_pole()
    order = district.order([[3, 0, PORT, b"", seconds]], minutes=minutes)
    assert district.until(order, receipt.INTERRUPTED).reason == CODES["stream_lost"]


@pytest.mark.long
def test_a_multicast_stream_reaches_all_poles(tmp_path):
    with District(tmp_path) as district:
        poles = [district.add_pole("speaker-01"), district.add_pole("speaker-02")]
        stream, reports = recorded(0, 3)
        order = district.order([[3, 0, PORT, bytes((239, 1, 2, 3)), 60]], volume=100)
        district.until(order, receipt.ACCEPTED)
        district.run_for(0.5)
        begin_us = district.world.now_us
        first = struct.unpack_from(">I", stream[0], 4)[0]
        for data in stream:
            samples = struct.unpack_from(">I", data, 4)[0] - first & 0xFFFFFFFF
            district.world.call_at(
                begin_us + samples * SECOND_US // 8000,
                lambda data=data: district.network.lan.send("239.1.2.3", PORT, data),
            )
        say_bye(district, "239.1.2.3", reports[-1], after_s=3.1)
        for name in ("speaker-01", "speaker-02"):
            assert district.until(order, receipt.DONE, unit=name).reason is None
        for pole in poles:
            middle = heard(pole, begin_us + SECOND_US, begin_us + 2 * SECOND_US)
            assert level_of(middle, HZ) > 3000
