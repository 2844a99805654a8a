# Reads what packing.py writes. A device never does.
# SPDX-License-Identifier: Apache-2.0
from .bits import BitsError, get_varint
from .packing import PackingError


def unpack(plaintext):
    # -> (list of records, last)
    records = []
    pos = 0
    try:
        while pos < len(plaintext):
            size, pos = get_varint(plaintext, pos)
            if size == 0:
                if pos < len(plaintext):
                    records.append(plaintext[pos:])
                return records, True
            if size > len(plaintext) - pos:
                raise PackingError("a record longer than the plaintext")
            records.append(plaintext[pos : pos + size])
            pos += size
    except BitsError as error:
        raise PackingError(str(error))
    return records, False
