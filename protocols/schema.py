# What a report's columns mean: names, SenML units, scales, limits; and the quality of a value.
# SPDX-License-Identifier: Apache-2.0
from collections import namedtuple

from .compat import const

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
