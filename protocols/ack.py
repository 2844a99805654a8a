# The collector's answer to a wake: what it has stored, the time, and what it wants.
# SPDX-License-Identifier: Apache-2.0
#
#   deterministic CBOR {1: cumulative rn, 2: bitmap, 3: time in s since 2024-01-01T00:00:00Z,
#                       5: [ids of the schemas that the collector lacks],
#                       6: PIV of the frame that it answers}
#
# All records up to the cumulative rn are stored; bit n of the bitmap: so is cumulative + 1 + n.
# What is absent: bitmap 0, no time, no schemas, not told what it answers.
from collections import namedtuple

from . import cbor
from .cbor import is_uint
from .compat import const

BITMAP_SIZE = const(32)

_CUMULATIVE = const(1)
_BITMAP = const(2)
_TIME = const(3)
_SCHEMAS = const(5)
_QUESTION = const(6)

# Without a method, which would hold all code of this file in the heap.
Ack = namedtuple("Ack", ("cumulative", "bitmap", "time", "schemas", "question"))


class AckError(ValueError):
    pass


# Is this record stored?
def covers(ack, rn):
    ahead = rn - ack.cumulative - 1
    return ahead < 0 or (ahead < BITMAP_SIZE and bool(ack.bitmap >> ahead & 1))


def decode(data):
    try:
        body = cbor.decode(data)
    except ValueError as error:
        raise AckError(str(error))
    if not isinstance(body, dict):
        raise AckError("an ack is a map")
    ack = Ack(
        body.get(_CUMULATIVE),
        body.get(_BITMAP, 0),
        body.get(_TIME),
        body.get(_SCHEMAS, []),
        body.get(_QUESTION),
    )
    if not (is_uint(ack.cumulative) and is_uint(ack.bitmap)):
        raise AckError("an ack needs record numbers")
    if ack.time is not None and not is_uint(ack.time):
        raise AckError("the time of an ack is in seconds since 2024")
    if ack.question is not None and not is_uint(ack.question):
        raise AckError("an ack answers a PIV")
    if not isinstance(ack.schemas, list) or not all(is_uint(s) for s in ack.schemas):
        raise AckError("the schemas of an ack are ids")
    return ack
