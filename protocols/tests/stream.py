# A sender, a network and a player around a jitter buffer, in virtual time. On both interpreters.
# SPDX-License-Identifier: Apache-2.0
from array import array
from struct import pack, unpack_from

from protocols import g711, rtp
from protocols.jitter import BUFFERING, PLAYED

PACKET_MS = 20
SIZE = 320  # samples of a packet, at 16 kHz
A_LAW = g711.alaw_table()
CODES = {A_LAW[code]: code for code in range(256)}


def datagram(index, sequence=0, timestamp=0, ssrc=7, kind=rtp.PCMA, size=SIZE, payload=None):
    # The packet number `index` of a stream that begins with this sequence number and timestamp.
    if payload is None:
        payload = bytes((index >> 8 & 0xFF, index & 0xFF)) * (size // 2)
    sequence = sequence + index & 0xFFFF
    timestamp = timestamp + index * size & 0xFFFFFFFF
    return pack(">BBHII", 0x80, kind, sequence, timestamp, ssrc) + payload


def index_of(dst):
    # Which packet is heard? Its middle is never faded.
    first, second = unpack_from("<2h", dst, SIZE)
    return CODES[first] << 8 | CODES[second]


class Noise:
    # The same numbers on every interpreter.
    def __init__(self, seed):
        self._state = seed

    def below(self, limit):
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % limit


def arrivals(count, noise, packet_us=20_000, jitter_us=0, is_lost=None):
    # Packets in the order in which they come: (us, index). is_lost(index): is this one?
    waiting = []
    for index in range(count):
        sent_us = packet_us * index
        while waiting and waiting[0][0] <= sent_us:
            yield waiting.pop(0)
        if not (is_lost and is_lost(index)):
            waiting.append((sent_us + noise.below(jitter_us + 1), index))
            waiting.sort()
    yield from waiting


class Player:
    # Asks for a frame every 20 ms. heard: the index of the packet, or minus the kind
    def __init__(self, buffer):
        self.buffer = buffer
        self.dst = bytearray(2 * buffer.samples)
        self.heard = array("h")
        self._next_us = 0

    def put(self, now_us, data):
        # A datagram arrives, after all that is heard before.
        self.until(now_us)
        return self.buffer.put(rtp.parse(data), now_us // 1000)

    def until(self, now_us):
        while self._next_us <= now_us:
            kind = self.buffer.get(self.dst)
            self.heard.append(-kind if kind else index_of(self.dst))
            self._next_us += 1000 * PACKET_MS

    def kinds(self):
        # What was heard from the beginning of the stream on.
        kinds = [-n if n < 0 else PLAYED for n in self.heard]
        while kinds and kinds[0] == BUFFERING:
            kinds.pop(0)
        return kinds

    def played(self):
        return [n for n in self.heard if n >= 0]
