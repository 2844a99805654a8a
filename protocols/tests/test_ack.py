# The collector's answer.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import ack, ack_writer, cbor
from protocols.ack import AckError
from protocols.tests.support import raises, vectors


def test_golden():
    for fields in vectors("ack.hex"):
        data = unhexlify(fields[0])
        values = tuple([eval(field) for field in fields[1:6]])
        assert ack_writer.encode(*values) == data, fields[-1]
        assert ack.decode(data) == values, fields[-1]


def test_covers():
    answer = ack.decode(ack_writer.encode(41, 1 | 1 << 31))
    stored = [rn for rn in range(0, 100) if ack.covers(answer, rn)]
    assert stored == list(range(42)) + [42, 73]


def test_refused():
    for body in (
        [],
        {},
        {1: -1},
        {1: True},
        {1: "1"},
        {1: 1, 2: 1 << 32},
        {1: 1, 3: -1},
        {1: 1, 5: 1},
        {1: 1, 5: [None]},
        {1: 1, 6: -1},
        {1: 1, 6: b"1"},
    ):
        raises(AckError, ack.decode, cbor.encode(body))
    raises(AckError, ack.decode, b"")
    raises(AckError, ack.decode, ack_writer.encode(1) + b"\0")


def test_later_keys_are_passed_over():
    assert ack.decode(cbor.encode({1: 7, 7: "later"})).cumulative == 7
