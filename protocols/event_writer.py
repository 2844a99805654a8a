# Writes an event record, whose layout and keys are told in event.py.
# SPDX-License-Identifier: Apache-2.0
from . import cbor
from .compat import const

# As in event.py.
_TYPE = const(0)
_TIME = const(1)


def encode(rn, type, t, body):
    fields = {_TYPE: type, _TIME: t}
    fields.update(body)
    out = bytearray(1)
    while rn > 0x7F:
        out.append(rn & 0x7F | 0x80)
        rn >>= 7
    out.append(rn)
    out.extend(cbor.encode(fields))
    return bytes(out)
