# Records in the plaintext of a telemetry frame.
# SPDX-License-Identifier: Apache-2.0
#
#   length varint | record | length varint | record | ...
#
# A length of 0: the record takes the rest of the plaintext (which may be nothing, then there is no
# record), and this is the last datagram of this wake, please answer.


class PackingError(ValueError):
    pass


def cost(record_size):
    # Bytes that a record takes, at most.
    head = 1
    while record_size >> 7 * head:
        head += 1
    return head + record_size


def pack_into(buffer, at, records, last):
    # Writes to buffer[at:] -> where it ends. records: bytes of one or more each. With last and no
    # records: just the request for an answer.
    end = len(records) - 1
    for i, record in enumerate(records):
        size = len(record)
        if not size:
            raise PackingError("an empty record")
        head = 0 if last and i == end else size
        while head >= 0x80:
            buffer[at] = head & 0x7F | 0x80
            at += 1
            head >>= 7
        buffer[at] = head
        at += 1
        buffer[at : at + size] = record
        at += size
    if last and not records:
        buffer[at] = 0
        at += 1
    return at


def pack(records, last):
    buffer = bytearray(1 + sum([cost(len(record)) for record in records]))
    return bytes(memoryview(buffer)[: pack_into(buffer, 0, records, last)])
