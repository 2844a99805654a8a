# What a report's columns mean: names, SenML units, scales, limits; and the quality of a value.
# SPDX-License-Identifier: Apache-2.0
from collections import namedtuple

from .cbor import encode
from .compat import const, sha256

NORMAL = const(0)
OUT_OF_RANGE = const(1)
SENSOR_FAULT = const(2)
CALIBRATION = const(3)
MAINTENANCE = const(4)
COMM_FAULT = const(5)
QUALITY_NAMES = (
    "normal",
    "out of range",
    "sensor fault",
    "calibration",
    "maintenance",
    "communication fault",
)

MAX_COLUMNS = const(32)

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

# scale: counts per unit (10: value * 10 is stored). minimum, maximum, dead_band: in counts.
Column = namedtuple("Column", ("name", "unit", "scale", "minimum", "maximum", "dead_band"))


class SchemaError(ValueError):
    pass


class Schema:
    def __init__(self, id, version, interval_s, columns):
        columns = tuple(columns)
        if id < 1:
            raise SchemaError("schema id %d: ids start at 1, 0 marks an event" % id)
        if not 1 <= len(columns) <= MAX_COLUMNS:
            raise SchemaError(
                "schema %d: %d columns, not 1 to %d" % (id, len(columns), MAX_COLUMNS)
            )
        if interval_s < 1:
            raise SchemaError("schema %d: an interval of at least 1 s" % id)
        self.id = id
        self.version = version
        self.interval_s = interval_s
        self.columns = columns

    def to_map(self):
        return {
            _ID: self.id,
            _VERSION: self.version,
            _INTERVAL_S: self.interval_s,
            _COLUMNS: [_column_map(column) for column in self.columns],
        }

    def hash(self):
        # 16 bits that tell one version of a schema from another.
        digest = sha256(encode(self.to_map())).digest()
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
