# Events, reasons and how they are told from reports.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import cbor, event, event_reader, reasons, report_reader
from protocols.event_reader import EventError
from protocols.reason_codes import CODES
from protocols.tests.support import raises, vectors


def test_golden():
    for fields in vectors("event.hex"):
        record, data = unhexlify(fields[0]), unhexlify(fields[1])
        rn, type, t, body = [eval(field) for field in fields[2:6]]
        assert event.encode(rn, type, t, body) == record, fields[-1]
        assert event_reader.decode(record) == (rn, type, t, body), fields[-1]
        assert report_reader.peek(record) == (0, rn)
        assert record[-len(data) :] == data


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
    assert reasons.name(CODES["outbox_full"]) == "outbox_full"
    assert reasons.name(0) == "reason_0"
    assert reasons.name(9999) == "reason_9999"
    assert len(CODES) == len(reasons.names())  # no name twice


def test_reason_codes_stay():
    # They are on the wire: add at the end only.
    assert CODES["modem_silent"] == 1
    assert CODES["frame_replay"] == 15
    assert CODES["sensor_identity"] == 20
    assert CODES["smp_bad_frame"] == 30


def test_every_frame_error_has_its_reason():
    for name in ("short", "version", "class", "kid", "epoch", "piv", "tag", "replay"):
        assert "frame_" + name in CODES
