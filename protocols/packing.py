# Records in the plaintext of a telemetry frame.
# SPDX-License-Identifier: Apache-2.0
#
#   length varint | record | length varint | record | ...
#
# A length of 0: the record takes the rest of the plaintext (which may be nothing, then there is no
# record), and this is the last datagram of this wake, please answer.
from .bits import put_varint, varint_size


class PackingError(ValueError):
    pass


def cost(record_size):
    # Bytes that a record takes, at most.
    return varint_size(record_size) + record_size


def pack(records, last):
    # records: bytes of one or more each. With last and no records: just the request for an answer.
    out = bytearray()
    end = len(records) - 1
    for i, record in enumerate(records):
        if not record:
            raise PackingError("an empty record")
        put_varint(out, 0 if last and i == end else len(record))
        out.extend(record)
    if last and not records:
        out.append(0)
    return bytes(out)
