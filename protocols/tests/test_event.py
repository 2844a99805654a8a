# Events, reasons and how they are told from reports.
# SPDX-License-Identifier: Apache-2.0
from binascii import hexlify

from protocols import cbor, event, event_reader, reasons, report_reader
from protocols.event_reader import EventError
from protocols.tests.support import raises


def test_golden():
    body = {event.HEALTH_FREE_HEAP: 90112, event.HEALTH_COUNTERS: {reasons.CODES["no_ack"]: 2}}
    record = event.encode(300, event.HEALTH, 78000000, body)
    assert (
        hexlify(record)
        == b"00ac02" + b"a4" + b"0003" + b"011a04a62f80" + b"021a00016000" + b"03a10602"
    )
    assert event_reader.decode(record) == (300, event.HEALTH, 78000000, body)
    assert report_reader.peek(record) == (0, 300)


def test_refused():
    for record in (
        b"",
        b"\x01",
        b"\x00",
        b"\x00\x05",
        b"\x00\x05\xff",
        b"\x00\x05" + cbor.encode([1, 2]),
        b"\x00\x05" + cbor.encode({0: 1}),
        b"\x00\x05" + cbor.encode({1: 1}),
        event.encode(5, event.BOOT, 0, {}) + b"\0",
    ):
        raises(EventError, event_reader.decode, record)


def test_reasons():
    assert reasons.name(reasons.CODES["outbox_full"]) == "outbox_full"
    assert reasons.name(0) == "reason_0"
    assert reasons.name(9999) == "reason_9999"
    assert len(reasons.CODES) == len(reasons.NAMES) - 1  # no name twice


def test_reason_codes_stay():
    # They are on the wire: add at the end only.
    assert reasons.CODES["modem_silent"] == 1
    assert reasons.CODES["frame_replay"] == 15
    assert reasons.CODES["sensor_identity"] == 20
    assert reasons.CODES["smp_bad_frame"] == 30


def test_every_frame_error_has_its_reason():
    for name in ("short", "version", "class", "kid", "epoch", "piv", "tag", "replay"):
        assert "frame_" + name in reasons.CODES
