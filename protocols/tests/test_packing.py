# Records in a telemetry plaintext.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols.packing import PackingError, cost, pack
from protocols.packing_reader import unpack
from protocols.tests.support import raises, vectors


def test_golden():
    for plaintext, last, records, meaning in vectors("packing.hex"):
        plaintext = unhexlify(plaintext.strip("-"))
        records = [unhexlify(record) for record in records.strip("-").split()]
        assert pack(records, last == "1") == plaintext, meaning
        assert unpack(plaintext) == (records, last == "1"), meaning


def test_round_trip():
    for count in range(5):
        for size in (1, 2, 127, 128, 300):
            records = [bytes((n + 1,)) * size for n in range(count)]
            for last in (False, True):
                text = pack(records, last)
                assert unpack(text) == (records, last)
                assert len(text) <= sum(cost(size) for _ in records) + (not records)


def test_cost():
    assert cost(127) == 128 and cost(128) == 130


def test_refused():
    raises(PackingError, pack, [b""], False)
    raises(PackingError, unpack, b"\x03ab")
    raises(PackingError, unpack, b"\x80")
    raises(PackingError, unpack, b"\x01a\xff\xff\xff\xff\xff\xff")
