# Reads what event.py writes. A device never does.
# SPDX-License-Identifier: Apache-2.0
from . import cbor
from .bits import BitsError, get_varint
from .event import TIME, TYPE


class EventError(ValueError):
    pass


def decode(record):
    # -> (rn, type, t, body without type and t)
    if len(record) < 1 or record[0] != 0:
        raise EventError("not an event: it does not begin with 0")
    try:
        rn, pos = get_varint(record, 1)
        body = cbor.decode(record[pos:])
    except (BitsError, cbor.CBORError) as error:
        raise EventError(str(error))
    if not isinstance(body, dict) or TYPE not in body or TIME not in body:
        raise EventError("the event is not a map with a type and a time")
    return rn, body.pop(TYPE), body.pop(TIME), body
