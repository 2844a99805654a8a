# Schemas as data.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import cbor, schema, schema_map
from protocols.schema import Column, Schema, SchemaError
from protocols.tests.support import raises, vectors

COLUMNS = (
    Column("air_temperature", "Cel", 100, -4000, 8500, 0),
    Column("co2", "ppm", 1, 0, 40000, 10),
)


def test_round_trip():
    original = Schema(1, 2, 300, COLUMNS)
    back = schema_map.from_map(cbor.decode(cbor.encode(schema_map.to_map(original))))
    assert (back.id, back.version, back.interval_s) == (1, 2, 300)
    assert back.columns == COLUMNS
    assert schema_map.hash_of(back) == schema_map.hash_of(original)


def test_golden():
    for data, hash, given, columns, meaning in vectors("schema.hex"):
        made = Schema(*eval(given), [Column(*column) for column in eval(columns)])
        assert cbor.encode(schema_map.to_map(made)) == unhexlify(data), meaning
        assert schema_map.hash_of(made) == int(hash, 16), meaning
        back = schema_map.from_map(cbor.decode(unhexlify(data)))
        assert back.columns == made.columns, meaning


def test_hash_tells_versions_apart():
    hashes = {
        schema_map.hash_of(Schema(id, version, interval_s, COLUMNS[:count]))
        for id in (1, 2)
        for version in (1, 2)
        for interval_s in (60, 300)
        for count in (1, 2)
    }
    assert len(hashes) == 16
    assert all(0 <= value < 0x10000 for value in hashes)


def test_refused():
    raises(SchemaError, Schema, 0, 1, 300, COLUMNS)
    raises(SchemaError, Schema, 1, 1, 300, ())
    raises(SchemaError, Schema, 1, 1, 300, COLUMNS * 17)
    raises(SchemaError, Schema, 1, 1, 0, COLUMNS)
    good = schema_map.to_map(Schema(1, 1, 300, COLUMNS))
    for key in list(good):
        bad = dict(good)
        del bad[key]
        raises(SchemaError, schema_map.from_map, bad)
    for key, value in ((1, "1"), (3, None), (4, 5), (4, [1]), (4, [{1: "only a name"}])):
        bad = dict(good)
        bad[key] = value
        raises(SchemaError, schema_map.from_map, bad)
    raises(SchemaError, schema_map.from_map, [])


def test_every_quality_has_a_name():
    assert len(schema.QUALITY_NAMES) == schema.COMM_FAULT + 1
