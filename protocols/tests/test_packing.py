# Records in a telemetry plaintext.
# SPDX-License-Identifier: Apache-2.0
from protocols.packing import PackingError, cost, pack
from protocols.packing_reader import unpack
from protocols.tests.support import raises


def test_golden():
    assert pack([b"abc", b"de"], False) == b"\x03abc\x02de"
    assert pack([b"abc", b"de"], True) == b"\x03abc\x00de"
    assert pack([b"abc"], True) == b"\x00abc"
    assert pack([], True) == b"\x00"
    assert pack([], False) == b""


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
