# Sends an object: many chunks in flight, and again what the answers show to be lost.
# SPDX-License-Identifier: Apache-2.0
from . import blocks, cbor
from .blocks import SPAN, BlockError
from .cbor import is_uint
from .compat import const

_MOST_DOUBLINGS = const(3)
_SPARE_MS = const(1000)
_HEADERS = const(2)  # at first


class Sender:
    # header: of blocks.describe(); read(offset, size) -> bytes of the object.
    # window: datagrams in flight; two round trips' worth keep a link busy while answers are lost.
    # retry_ms: silence after which it asks again, doubled each time. On NB-IoT at least 10 s: a
    # datagram may take that long through a sleeping cell, and a repetition only adds to the queue.
    # Once after each answer it asks when the next one is later than the slowest so far was.
    # state: what export() gave before a reset; of another object it is of no use and left alone.
    def __init__(self, header, read, state=None, window=24, retry_ms=10000):
        self.header = header
        self.result = None  # DONE, UNWANTED or WRONG_HASH: it has ended
        self.unanswered = 0  # questions in a row; the caller decides when to give up for today
        self.refused = {}  # reason -> count, see BlockError
        self._read = read
        self._window = window
        self._ask_every = max(1, window // 6)
        self._retry_ms = retry_ms
        self._base = 0  # all chunks below it are stored
        self._bits = 0  # bit n: chunk base + 1 + n is stored
        self._ask = 0  # the last question
        self._answered = 0
        self._flying = {}  # index -> the first question that follows it
        self._lost = set()  # to be sent twice
        self._unasked = 0  # chunks since the last question
        self._header_ask = 0
        # Twice: chunks that come before it are of no use, and come again.
        self._headers_due = _HEADERS
        self._timed = self._timed_ms = 0  # a question whose answer is timed, and when it was sent
        self._slowest_ms = 0  # of the answers that were timed
        self._soon_ms = 0  # silence after which it asks, once
        self._held = False  # after a reset: no chunk before the receiver has told what it has
        self._sent_ms = 0
        if state is not None:
            self._restore(state)

    def export(self):
        header = self.header
        return cbor.encode([header.object, header.check(), self._base, self._bits, self._ask])

    def _restore(self, state):
        try:
            fields = cbor.decode(state)
        except ValueError as error:
            raise BlockError("state", "the state of a sender is damaged: " + str(error))
        if not isinstance(fields, list) or len(fields) != 5:
            raise BlockError("state", "5 fields make a state")
        header = self.header
        if fields[:2] != [header.object, header.check()]:
            return
        _, _, base, bits, ask = fields
        if (
            not is_uint(base, header.chunks())
            or not is_uint(bits, (1 << SPAN) - 1)
            or not is_uint(ask, 0xFFFFFFFF)
        ):
            raise BlockError("state", "the state of a sender contradicts itself")
        self._base, self._bits, self._ask, self._answered = base, bits, ask, ask
        self._held = True
        self._headers_due = 1

    def next(self, now_ms):
        # -> the message to send now, or None: wait for an answer, for wait_ms() at most. Called
        # again when the link has taken the message.
        if self.result is not None:
            return None
        if not self._headers_due:
            index = self._next_index()
            if index is not None:
                return self._chunk(index, now_ms)
            if self._silence_left(now_ms):
                return None
            if self._soon_ms:
                self._soon_ms = 0
            else:
                self.unanswered += 1
        return self._question(now_ms)

    def wait_ms(self, now_ms):
        # Until next() has something to send, if no answer comes; None: it has ended.
        if self.result is not None:
            return None
        if self._headers_due or self._next_index() is not None:
            return 0
        return self._silence_left(now_ms)

    def receive(self, message, now_ms):
        try:
            status, ask = blocks.parse(message)
            if not isinstance(status, blocks.Status):
                raise BlockError("message", "only a status is for a sender")
            self._take(status, ask, now_ms)
        except BlockError as error:
            self.refused[error.reason] = self.refused.get(error.reason, 0) + 1

    def _take(self, status, ask, now_ms):
        header = self.header
        if (status.object, status.check) != (header.object, header.check()):
            raise BlockError("foreign", "the status of another object")
        if status.result is not None:
            self.result = status.result
            return
        if not self._answered < ask <= self._ask:
            raise BlockError("stale", "an answer that came before, or after a newer one")
        if status.base is not None and status.base > header.chunks():
            raise BlockError("index", "a status behind the end of its object")
        self._answered = ask
        self.unanswered = 0
        self._held = False
        self._time(ask, now_ms)
        # What it held a moment ago it may have lost in a reset: the newest answer counts.
        self._base = status.base or 0
        self._bits = status.bitmap
        # The header again, once, however many questions were on their way.
        if status.base is None and ask > self._header_ask:
            self._headers_due = _HEADERS
        for index in list(self._flying):
            if self._flying[index] <= ask:
                del self._flying[index]
                self._lost.add(index)
        self._lost = {index for index in self._lost if not self._is_stored(index)}

    def _time(self, ask, now_ms):
        if ask == self._timed:
            self._slowest_ms = max(self._slowest_ms, now_ms - self._timed_ms)
        if ask >= self._timed:
            self._timed = 0
        if self._slowest_ms:
            self._soon_ms = self._slowest_ms + _SPARE_MS

    def _is_stored(self, index):
        ahead = index - self._base
        return ahead < 0 or (ahead > 0 and bool(self._bits >> (ahead - 1) & 1))

    def _next_index(self):
        # The first chunk that is neither stored nor in flight, if it may go. Where there is none,
        # one that was lost before goes once more: the link would be idle, and the end waits.
        if self._held or len(self._flying) >= self._window:
            return None
        again = None
        for index in range(self._base, min(self.header.chunks(), self._base + SPAN + 1)):
            if self._is_stored(index):
                continue
            if index not in self._flying:
                return index
            if again is None and index in self._lost:
                again = index
        return again

    def _silence_left(self, now_ms):
        passed_ms = now_ms - self._sent_ms
        wait_ms = self._soon_ms or self._retry_ms << min(self.unanswered, _MOST_DOUBLINGS)
        # A clock that went back is no reason to wait for ever.
        return wait_ms - passed_ms if 0 <= passed_ms < wait_ms else 0

    def _question(self, now_ms):
        self._headers_due = max(0, self._headers_due - 1)
        self._sent_ms = now_ms
        self._count_ask(now_ms)
        self._header_ask = self._ask
        return blocks.encode_header(self.header, self._ask)

    def _chunk(self, index, now_ms):
        size = self.header.size(index)
        data = self._read(index * self.header.chunk, size)
        if len(data) != size:
            raise BlockError("source", "the object ends at chunk %d: send it anew" % index)
        self._sent_ms = now_ms
        if index in self._flying:
            self._lost.discard(index)
        self._flying[index] = self._ask + 1
        self._unasked += 1
        more = self._next_index() is not None
        if more and self._unasked < self._ask_every:
            return blocks.encode_chunk(self.header, index, data)
        # Before it falls silent it asks a second time, in a short message: to lose the only
        # question, or its answer, costs retry_ms.
        self._headers_due = int(not more and len(self._flying) < self._window)
        self._count_ask(now_ms)
        return blocks.encode_chunk(self.header, index, data, self._ask)

    def _count_ask(self, now_ms):
        self._ask += 1
        self._unasked = 0
        if not self._timed:
            self._timed, self._timed_ms = self._ask, now_ms
