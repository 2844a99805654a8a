# Writes an event record, whose layout and keys are told in event.py.
# SPDX-License-Identifier: Apache-2.0
from . import cbor
from .bits import put_varint
from .compat import const

# As in event.py.
_TYPE = const(0)
_TIME = const(1)


def encode(rn, type, t, body):
    fields = {_TYPE: type, _TIME: t}
    fields.update(body)
    out = bytearray(1)
    put_varint(out, rn)
    out.extend(cbor.encode(fields))
    return bytes(out)
