# A schema as the CBOR map that a SCHEMA event carries.
# SPDX-License-Identifier: Apache-2.0
from .cbor import encode
from .compat import const, sha256
from .schema import Column, Schema, SchemaError

# Keys of the CBOR maps.
_ID = const(1)
_VERSION = const(2)
_INTERVAL_S = const(3)
_COLUMNS = const(4)

_NAME = const(1)
_UNIT = const(2)
_SCALE = const(3)
_MINIMUM = const(4)
_MAXIMUM = const(5)
_DEAD_BAND = const(6)


def to_map(schema):
    return {
        _ID: schema.id,
        _VERSION: schema.version,
        _INTERVAL_S: schema.interval_s,
        _COLUMNS: [_column_map(column) for column in schema.columns],
    }


def hash_of(schema):
    # 16 bits that tell one version of a schema from another.
    digest = sha256(encode(to_map(schema))).digest()
    return digest[0] << 8 | digest[1]


def _column_map(column):
    result = {
        _NAME: column.name,
        _UNIT: column.unit,
        _SCALE: column.scale,
        _MINIMUM: column.minimum,
        _MAXIMUM: column.maximum,
    }
    if column.dead_band:
        result[_DEAD_BAND] = column.dead_band
    return result


def _field(data, key, kind, default=None):
    value = data.get(key, default) if isinstance(data, dict) else None
    if not isinstance(value, kind):
        raise SchemaError("not a schema: key %d is missing or of another type" % key)
    return value


def _column(data):
    return Column(
        _field(data, _NAME, str),
        _field(data, _UNIT, str),
        _field(data, _SCALE, int),
        _field(data, _MINIMUM, int),
        _field(data, _MAXIMUM, int),
        _field(data, _DEAD_BAND, int, 0),
    )


def from_map(data):
    return Schema(
        _field(data, _ID, int),
        _field(data, _VERSION, int),
        _field(data, _INTERVAL_S, int),
        [_column(item) for item in _field(data, _COLUMNS, list)],
    )
