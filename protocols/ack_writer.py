# Writes what ack.py reads. A device never does.
# SPDX-License-Identifier: Apache-2.0
from . import cbor
from .compat import const

# Keys as in ack.py.
_CUMULATIVE = const(1)
_BITMAP = const(2)
_TIME = const(3)
_SCHEMAS = const(5)
_QUESTION = const(6)


def encode(cumulative, bitmap=0, time=None, schemas=(), question=None):
    body = {_CUMULATIVE: cumulative}
    if bitmap:
        body[_BITMAP] = bitmap
    if time is not None:
        body[_TIME] = time
    if schemas:
        body[_SCHEMAS] = schemas
    if question is not None:
        body[_QUESTION] = question
    return cbor.encode(body)
