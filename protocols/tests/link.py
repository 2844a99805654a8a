# A model of an NB-IoT link in virtual time, and what a transfer over it takes.
# SPDX-License-Identifier: Apache-2.0
#
# Losses are independent and the same both ways. A datagram is on its way for its bits and half the
# round trip; the next one goes when the one before has left. Not modelled: scheduling requests,
# sleep, bursts of losses.
from protocols import blocks, frame
from protocols.block_receiver import Receiver
from protocols.block_sender import Sender
from protocols.compat import const

UP_BPS = const(28000)
DOWN_BPS = const(170000)
ROUND_TRIP_US = const(1200000)
ROOM = const(980)  # plaintext of a datagram
IP_UDP = const(28)
RETRY_MS = const(10000)  # what NB-IoT allows at least, though this round trip is short
# RFC 7252: header 4, token 2, Uri-Path 2, Block1 3, payload marker 1; its timers.
COAP = const(12)
ACK_TIMEOUT_US = const(2000000)
BLOCK1 = const(512)


class Random:
    # xorshift32: MicroPython's random has no generators of their own.
    def __init__(self, seed):
        self._state = seed * 2654435761 % 0xFFFFFFFF + 1

    def below(self, limit):
        state = self._state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        self._state = state
        return state % limit


class Way:
    # One direction: what was sent and has not arrived, in order.
    def __init__(self, bps, loss, random, delay_us=ROUND_TRIP_US // 2):
        self.free_us = 0
        self.datagrams = self.bytes = 0
        self._bps = bps
        self._loss = int(loss * 1000000)
        self._random = random
        self._delay_us = delay_us
        self._coming = []

    def send(self, now_us, message, overhead):
        size = len(message) + overhead
        self.datagrams += 1
        self.bytes += size
        self.free_us = max(now_us, self.free_us) + size * 8000000 // self._bps
        if self._random.below(1000000) >= self._loss:
            self._coming.append((self.free_us + self._delay_us, message))

    def due_us(self):
        return self._coming[0][0] if self._coming else None

    def arrived(self, now_us):
        while self._coming and self._coming[0][0] <= now_us:
            yield self._coming.pop(0)[1]


class Transfer:
    # An object from a sender to a receiver; run() -> µs until the sender knows how it ended.
    def __init__(self, sender, receiver, loss, seed):
        random = Random(seed)
        self.sender = sender
        self.receiver = receiver
        self.up = Way(UP_BPS, loss, random)
        self.down = Way(DOWN_BPS, loss, random)
        self._overhead = frame.overhead(2) + IP_UDP

    def run(self, limit_us=3600000000):
        now_us = 0
        while self.sender.result is None and now_us < limit_us:
            for message in self.up.arrived(now_us):
                answer = self.receiver.receive(message)
                if answer:
                    self.down.send(now_us, answer, self._overhead)
            for message in self.down.arrived(now_us):
                self.sender.receive(message, now_us // 1000)
            if self.up.free_us <= now_us:
                message = self.sender.next(now_us // 1000)
                if message:
                    self.up.send(now_us, message, self._overhead)
            now_us = self._next_us(now_us)
        return now_us

    def _next_us(self, now_us):
        wait_ms = self.sender.wait_ms(now_us // 1000)
        if wait_ms is None:
            return now_us
        times = [max(self.up.free_us, (now_us // 1000 + wait_ms) * 1000)]
        times += [way.due_us() for way in (self.up, self.down) if way.due_us() is not None]
        return max(now_us, min(times))


def picture(size, seed=1):
    random = Random(seed)
    data = bytearray(size)
    for i in range(size):
        data[i] = random.below(256)
    return bytes(data)


_PATTERN = bytes(range(251)) * 6


def _read(offset, size):
    # Of an object that takes no memory.
    start = offset % 251
    return _PATTERN[start : start + size]


class _Storage:
    # In pieces: no heap of a device has 40 kB in one.
    def __init__(self, header):
        self._chunk = header.chunk
        self._parts = [b""] * header.chunks()

    def write(self, offset, data):
        self._parts[offset // self._chunk] = data

    def read(self, offset, size):
        out = b""
        while len(out) < size:
            start = (offset + len(out)) % self._chunk
            part = self._parts[(offset + len(out)) // self._chunk]
            out += part[start : start + size - len(out)]
        return out


def transfer(size, loss, seed, window=24, retry_ms=RETRY_MS):
    # -> (Transfer after its end, µs)
    header = blocks.describe(1, size, blocks.chunk_size(ROOM), _read, 0, blocks.PICTURE)
    storage = _Storage(header)
    sender = Sender(header, _read, window=window, retry_ms=retry_ms)
    receiver = Receiver(lambda header: True, storage.write, storage.read)
    run = Transfer(sender, receiver, loss, seed)
    us = run.run()
    if sender.result != blocks.DONE or blocks.digest(storage.read, size) != header.sha256:
        raise AssertionError("the object did not arrive")
    return run, us


def transfer_seconds(size, loss, seed):
    # Until the sender has the receiver's word that the object is whole.
    return transfer(size, loss, seed)[1] / 1000000


def block1_seconds(size, loss, seed):
    # CoAP Block1 (RFC 7959), a block of 512 bytes in a confirmable message at a time, in the same
    # security and UDP. Timers of RFC 7252, 4.8: 2 to 3 s, doubled each time, but never given up.
    random = Random(seed)
    overhead = frame.overhead(2) + IP_UDP + COAP
    now_us = 0
    for offset in range(0, size, BLOCK1):
        timeout_us = ACK_TIMEOUT_US + random.below(ACK_TIMEOUT_US // 2)
        while True:
            up, down = Way(UP_BPS, loss, random), Way(DOWN_BPS, loss, random)
            up.send(now_us, bytes(min(BLOCK1, size - offset)), overhead)
            if up.due_us() is not None:
                down.send(up.due_us(), b"", overhead)
            if down.due_us() is not None and down.due_us() <= now_us + timeout_us:
                now_us = down.due_us()
                break
            now_us += timeout_us
            timeout_us *= 2
    return now_us / 1000000
