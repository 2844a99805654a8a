# Packets of an RTP stream, as they come, into frames of sound, as they are due.
# SPDX-License-Identifier: Apache-2.0
#
# The player asks for one frame (packet_ms) after the other at the pace of its own clock. What has
# come lies where its timestamp says in a ring of frames, so packets may be of any length. A stream
# begins to play when its newest packet is depth_ms younger than its first.
#
# A frame that is missing is concealed: the last one again, softer each time, for three frames;
# then there is silence. If nothing at all came meanwhile, the source is given up, and the next
# packet begins a stream, whoever sends it. As long as a source plays, nobody else is heard.
#
# The packet of a second that came closest to its time tells how the two clocks and the network
# have moved: if its frame was the next one, or gone, one frame is concealed without need; if it
# was more than the depth ahead for some seconds, one frame is left out. 200 ppm are one frame of
# 20 ms in 100 s.
#
# Timestamps and times count modulo 2**28: small integers on an ESP32, and hours of sound.
from array import array

from . import g711
from .compat import const
from .gain import FULL, ramp
from .l16 import l16_to_pcm
from .resample import Doubler
from .rtp import L16, PCMA, PCMU

# What get() gave.
PLAYED = const(0)
CONCEALED = const(1)
SILENCE = const(2)  # the gap is too long to be concealed
BUFFERING = const(3)  # silence, because there is no stream yet, or no more

RATE_HZ = const(16000)  # of what get() gives

_DYNAMIC = const(96)  # the first payload type without a meaning of its own (RFC 3551, 6)
_HALF = const(1 << 27)
_MASK = const((1 << 28) - 1)
_FAR = const(1 << 28)
_HISTORY = const(64)  # sequence numbers that are remembered
_LOSS_MAX = const(3000)  # a longer jump is no loss (RFC 3550, A.1: MAX_DROPOUT)
_BURST_MS = const(400)  # room for what comes at once, or in long packets
_CONCEAL_MAX = const(3)
_CONCEAL_STEP = const(32768 // 3)  # of the gain, in a frame
_WINDOW_MS = const(1000)
_CALM = const(4)  # windows before a frame is left out


class JitterBuffer:
    def __init__(self, depth_ms, packet_ms, rate_hz, codec, payload_type=None):
        # rate_hz: of the stream, 8000 or 16000; codec: rtp.PCMU, PCMA or L16. payload_type: of its
        # packets, if it is another one; for L16 dynamic ones are taken as well.
        if rate_hz not in (RATE_HZ, RATE_HZ // 2):
            raise ValueError("a stream has 8000 or 16000 Hz, not %d" % rate_hz)
        self._payload_type = codec if payload_type is None else payload_type
        self._rate_hz = rate_hz
        self._packet_ms = packet_ms
        self._table = _table(codec)
        self._width = width = 1 if self._table else 2  # bytes a sample
        self._doubler = Doubler() if rate_hz < RATE_HZ else None
        self._size = size = rate_hz * packet_ms // 1000  # samples a frame
        self.samples = RATE_HZ * packet_ms // 1000  # that get() gives
        self._depth = rate_hz * depth_ms // 1000
        self._frames = 2 * _up(depth_ms, packet_ms) + _up(_BURST_MS, packet_ms)
        self._room = self._frames * size
        self._store = memoryview(bytearray(self._room * width))
        self._filled = array("H", [0] * self._frames)  # samples that have come
        self._frame = memoryview(bytearray(size * width))  # the last one that was played
        self._decoded = array("h", [0] * size) if width == 2 and self._doubler else None
        self._silent = bytes(2 * self.samples)
        self._history = array("H", range(_HISTORY))
        self._window = _up(_WINDOW_MS, packet_ms)
        self._came_ms = self._came_timestamp = None
        self._jitter = 0  # in sixteenths of a ms
        self._gap = 0  # frames
        self.received = self.lost = self.late = self.duplicate = self.refused = 0  # packets
        self.played = self.concealed = self.skipped = self.inserted = 0  # frames
        self.longest_gap_ms = 0
        self._over = None, 0  # the source that was given up, its highest sequence number
        self._type = None  # of the source's packets
        self._begin(None, 0, 0)

    def _begin(self, ssrc, sequence, timestamp):
        for i in range(self._frames):
            self._filled[i] = 0
        for i in range(_HISTORY):
            self._history[i] = i ^ 1  # no sequence number of this place
        self.ssrc = ssrc  # of whom is heard; None: no source
        self._rival = None  # another one, that sent a packet
        self.playing = False
        self._highest = sequence - 1 & 0xFFFF
        self._due = timestamp & _MASK  # of the next frame to be played
        self._head = 0  # its place
        self._span = 0  # samples from there to the end of what has come
        self._newest = 0  # samples from there to the newest timestamp
        self._gain = 0  # at the end of what was played last
        self._low = _FAR  # samples ahead of its time: the least of a second
        self._gets = 0
        self._calm = 0  # windows with time to spare
        self._skip = self._insert = False

    def put(self, packet, now_ms):
        # -> will any of it be heard?
        n = len(packet.payload) // self._width
        if (
            not self._is_of_type(packet)
            or not 0 < n <= self._room
            or len(packet.payload) % self._width
            or not self._is_of_source(packet)
        ):
            self.refused += 1
            return False
        ahead = self._ahead_of(packet, n)
        if ahead is None:
            self.refused += 1
            return False
        if not self._is_new(packet.sequence):
            self.duplicate += 1
            return False
        self.received += 1
        self._measure(packet.timestamp, now_ms)
        if self.playing:
            self._low = min(self._low, ahead)
        past = max(0, -ahead)
        if past >= n:
            self.late += 1
            return False
        self._write(ahead + past, packet.payload[past * self._width :])
        self._span = max(self._span, ahead + n)
        return True

    def get(self, dst):
        # The next frame into dst, at 16 kHz: little-endian samples of 16 bits. -> see above
        if not self.playing:
            if self.ssrc is None or self._newest < self._depth:
                return self._silence(dst, BUFFERING)
            self.playing = True
        self._look_at_clock()
        if self._skip and not self._is_full(0) and self._is_full(1):
            self._leave_out()  # what is missing is not missed
        if self._insert:
            self._insert = False
            self.inserted += 1
            return self._conceal(dst)
        if self._is_full(0):
            return self._play(dst)
        if self._span <= 0 and self._gap >= _CONCEAL_MAX:
            self._over = self.ssrc, self._highest
            self._begin(None, 0, 0)
            return self._silence(dst, BUFFERING)
        self._advance()
        kind = self._conceal(dst)
        if kind == CONCEALED:
            self.concealed += 1
        return kind

    def buffered_ms(self):
        return max(0, self._span) * 1000 // self._rate_hz

    def jitter_ms(self):
        # RFC 3550, 6.4.1
        return self._jitter >> 4

    # --- the source

    def _is_of_source(self, packet):
        if packet.ssrc != self.ssrc:
            # Two packets in a row, before the other one is heard: it was a stray packet.
            if self.ssrc is not None and (self.playing or packet.ssrc != self._rival):
                self._rival = packet.ssrc
                return False
            if self._is_belated(packet):
                return False
            self._begin(packet.ssrc, packet.sequence, packet.timestamp)
            self._type = packet.payload_type
        self._rival = None
        return True

    def _is_of_type(self, packet):
        # L16 has a number at 44.1 kHz alone, so a source chooses a dynamic one. It keeps to that:
        # its digits (RFC 4733), say, have another.
        kind = packet.payload_type
        if packet.ssrc == self.ssrc:
            return kind == self._type
        return kind == self._payload_type or self._table is None and kind >= _DYNAMIC

    def _is_belated(self, packet):
        # A straggler of the stream that has ended does not begin another one.
        ssrc, highest = self._over
        return packet.ssrc == ssrc and -_HISTORY < _after(packet.sequence, highest) <= 0

    def _ahead_of(self, packet, n):
        # -> samples from the next frame on, negative if it was due before; None: of another time
        ahead = _distance(packet.timestamp & _MASK, self._due)
        if self.playing:
            return ahead if -self._room <= ahead <= self._room - n else None
        back = _up(-ahead, self._size) if ahead < 0 else 0
        if ahead + n > self._room or self._span + back * self._size > self._room:
            self._begin(packet.ssrc, packet.sequence, packet.timestamp)
            return 0
        # Nothing was heard yet: there may be an earlier beginning.
        self._due = self._due - back * self._size & _MASK
        self._head = (self._head - back) % self._frames
        self._span += back * self._size
        ahead += back * self._size
        self._newest = max(self._newest + back * self._size, ahead)
        return ahead

    def _is_new(self, sequence):
        after = _after(sequence, self._highest)
        place = sequence % _HISTORY
        if after > 0:
            if after < _LOSS_MAX:
                self.lost += after - 1
            self._highest = sequence
        elif self._history[place] == sequence:
            return False
        elif self.lost and after > -_HISTORY:
            self.lost -= 1  # it came after all
        self._history[place] = sequence
        return True

    def _measure(self, timestamp, now_ms):
        now_ms &= _MASK
        timestamp &= _MASK
        if self._came_ms is not None:
            samples = _distance(timestamp, self._came_timestamp)
            if -self._room < samples < self._room:
                apart_ms = samples * 1000 // self._rate_hz
                change = abs(_distance(now_ms, self._came_ms) - apart_ms)
                self._jitter += change - (self._jitter + 8 >> 4)
        self._came_ms = now_ms
        self._came_timestamp = timestamp

    # --- the ring

    def _write(self, ahead, payload):
        width = self._width
        n = len(payload) // width
        at = (self._head * self._size + ahead) % self._room
        first = min(n, self._room - at) * width
        self._store[at * width : at * width + first] = payload[:first]
        if first < n * width:
            self._store[: n * width - first] = payload[first:]
        while n:
            place = at // self._size
            take = min(n, self._size - at % self._size)
            self._filled[place] = min(self._size, self._filled[place] + take)
            at = (at + take) % self._room
            n -= take

    def _is_full(self, ahead):
        return self._filled[(self._head + ahead) % self._frames] == self._size

    def _advance(self):
        self._filled[self._head] = 0
        self._head = (self._head + 1) % self._frames
        self._due = self._due + self._size & _MASK
        self._span -= self._size

    def _leave_out(self):
        self._skip = False
        self._calm = 0
        self.skipped += 1
        self._advance()

    def _look_at_clock(self):
        self._gets += 1
        if self._gets < self._window:
            return
        self._gets = 0
        low = self._low
        self._low = _FAR
        if low < _FAR:
            self._insert = low < self._size and self._span < self._room // 2
            self._calm = self._calm + 1 if low > max(self._depth, 3 * self._size) else 0
            self._skip = self._calm >= _CALM

    # --- the sound

    def _play(self, dst):
        size = self._size * self._width
        self._frame[:] = self._store[self._head * size : (self._head + 1) * size]
        self._advance()
        self._decode(dst)
        quarter = self.samples // 4
        if self._gain < FULL:
            ramp(dst, 0, quarter, self._gain, (FULL - self._gain) // quarter)
            self._gain = FULL
        if self._skip and self._is_full(0) and self._is_full(1):
            ramp(dst, self.samples - quarter, quarter, FULL, -(FULL // quarter))
            self._gain = 0
            self._leave_out()
        self._gap = 0
        self.played += 1
        return PLAYED

    def _conceal(self, dst):
        if self._gain < _CONCEAL_STEP:
            return self._silence(dst, SILENCE)
        self._decode(dst)
        ramp(dst, 0, self.samples, self._gain, -(_CONCEAL_STEP // self.samples))
        self._gain -= _CONCEAL_STEP
        self._note_gap()
        return CONCEALED

    def _silence(self, dst, kind):
        memoryview(dst)[: len(self._silent)] = self._silent
        self._note_gap()
        return kind

    def _note_gap(self):
        if self.playing or self.played:
            self._gap += 1
            self.longest_gap_ms = max(self.longest_gap_ms, self._gap * self._packet_ms)

    def _decode(self, dst):
        if self._doubler is None:
            if self._table:
                g711.expand(self._table, self._frame, dst)
            else:
                l16_to_pcm(self._frame, dst)
        elif self._table:
            self._doubler.expand(self._table, self._frame, dst)
        else:
            l16_to_pcm(self._frame, self._decoded)
            self._doubler.double(self._decoded, dst)


def _table(codec):
    # -> of G.711; None for L16
    if codec == PCMU:
        return g711.ulaw_table()
    if codec == PCMA:
        return g711.alaw_table()
    if codec == L16:
        return None
    raise ValueError("no codec of RTP has the number %d" % codec)


def _up(a, b):
    return -(-a // b)


def _distance(a, b):
    # From b to a, of two numbers modulo 2**28.
    return (a - b + _HALF & _MASK) - _HALF


def _after(a, b):
    # The same of sequence numbers.
    return (a - b + 0x8000 & 0xFFFF) - 0x8000
