# Takes the chunks of an object in any order and answers with what it has.
# SPDX-License-Identifier: Apache-2.0
#
# The storage is the caller's: what write() took is safe before export() is stored, and export() is
# stored before an answer is sent after which `result` is set. Everything else may be lost in a
# reset: an older state costs some chunks again.
from . import blocks, cbor
from .blocks import SPAN, BlockError
from .cbor import is_uint
from .compat import const

_MASK = (1 << SPAN) - 1
_HASH_TRIES = const(2)  # then it is not the link that spoils the object


class Receiver:
    # wanted(header) -> bool: is there room and use for it? Then the storage is prepared.
    # write(offset, data); read(offset, size) -> bytes, for the hash.
    def __init__(self, wanted, write, read, state=None):
        self._wanted = wanted
        self._write = write
        self._read = read
        self.refused = {}  # reason -> count: message, foreign, index, size, ahead, unwanted, hash
        self.duplicates = 0
        self._begin(None)
        if state is not None:
            self._restore(state)

    def receive(self, message):
        # -> the answer to send, or None.
        try:
            message, ask = blocks.parse(message)
            if isinstance(message, blocks.Header):
                return self._take_header(message, ask)
            if isinstance(message, blocks.Chunk):
                return self._take_chunk(message, ask)
            raise BlockError("message", "a status is for a sender")
        except BlockError as error:
            self._count(error.reason)
            return None

    def export(self):
        state = list(self.header or ()) + [self.base, self.bits, self._failures, self.result]
        return cbor.encode(state)

    def _restore(self, state):
        try:
            fields = cbor.decode(state)
            if not isinstance(fields, list) or len(fields) not in (4, 10):
                raise BlockError("state", "10 fields make a state")
            header = blocks.check_header(fields[:-4]) if len(fields) == 10 else None
        except ValueError as error:  # CBORError, or a header that cannot be
            raise BlockError("state", "the state of a receiver is damaged: " + str(error))
        base, bits, failures, result = fields[-4:]
        if (
            not is_uint(base, header.chunks() if header else 0)
            or not is_uint(bits, _MASK if header else 0)
            or not is_uint(failures, _HASH_TRIES)
            or result not in (None, blocks.DONE, blocks.WRONG_HASH)
            or result is True
        ):
            raise BlockError("state", "the state of a receiver contradicts itself")
        self._begin(header)
        self.base, self.bits, self._failures, self.result = base, bits, failures, result

    def _begin(self, header):
        self.header = header
        self.base = 0  # all chunks below it are stored
        self.bits = 0  # bit n: chunk base + 1 + n is stored
        self.result = None
        self._failures = 0

    def _count(self, reason):
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def _take_header(self, header, ask):
        if header != self.header:
            if not self._wanted(header):
                self._count("unwanted")
                return blocks.encode_status(
                    header.object, header.check(), ask, result=blocks.UNWANTED
                )
            self._begin(header)
        self._settle()
        return self._answer(ask)

    def _take_chunk(self, chunk, ask):
        header = self.header
        if not header or (chunk.object, chunk.check) != (header.object, header.check()):
            self._count("foreign")
            return None if ask is None else blocks.encode_status(chunk.object, chunk.check, ask)
        if chunk.index >= header.chunks():
            raise BlockError("index", "a chunk behind the end of its object")
        if len(chunk.data) != header.size(chunk.index):
            raise BlockError("size", "a chunk of another size than its header says")
        self._store(chunk.index, chunk.data)
        self._settle()
        return None if ask is None else self._answer(ask)

    def _store(self, index, data):
        ahead = index - self.base
        if ahead < 0 or (ahead and self.bits >> (ahead - 1) & 1) or self.result:
            self.duplicates += 1
        elif ahead > SPAN:
            self._count("ahead")
        else:
            self._write(index * self.header.chunk, data)
            if ahead:
                self.bits |= 1 << (ahead - 1)
            else:
                self._advance()

    def _advance(self):
        self.base += 1
        while self.bits & 1:
            self.base += 1
            self.bits >>= 1
        self.bits >>= 1

    def _settle(self):
        # When all is stored, does the object have the hash of its header?
        header = self.header
        if self.base < header.chunks() or self.result is not None:
            return
        if blocks.digest(self._read, header.length) == header.sha256:
            self.result = blocks.DONE
            return
        self._count("hash")
        self._failures += 1
        self.base = 0
        if self._failures == _HASH_TRIES:
            self.result = blocks.WRONG_HASH

    def _answer(self, ask):
        header = self.header
        return blocks.encode_status(
            header.object, header.check(), ask, self.base, self.bits, self.result
        )
