# Sender sequence numbers that are never given twice, whatever fails (RFC 8613, B.1).
# SPDX-License-Identifier: Apache-2.0


class Sequence:
    # load() -> the stored limit (0 at first); store(limit) returns when it is safe on flash.
    # Numbers are given up to the limit only: a reset loses a block at most and repeats none.
    def __init__(self, load, store, block=256):
        self._store = store
        self._block = block
        self._next = self._limit = load()

    def next(self):
        if self._next >= self._limit:
            limit = self._next + self._block
            self._store(limit)
            self._limit = limit
        piv = self._next
        self._next = piv + 1
        return piv
