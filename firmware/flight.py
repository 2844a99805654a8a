# The flight recorder: what a unit did last, in a ring of CBOR items (RFC 8949) that outlives a
# reset. In the RTC's memory it stands between the clock's bytes and those of sleep_store.py:
#
#   mark    u8
#   where   u16 of the oldest item, u16 of the next one, u16 of the step that goes on
#   ring    _SIZE bytes
#
# What is rare, the file above all, is in flight_file.py.
# SPDX-License-Identifier: Apache-2.0
import struct
import time

import machine

from protocols.compat import const

_CLOCK_BYTES = const(4)
_MARK = const(0xF1)
_HEAD = const(7)
_SIZE = const(377)  # with the head 384 of the RTC's 2048
# [code, seconds of the RTC, value] and [code, text], with every length as wide as can be: so
# they are written and stepped over without a thought. Codes are 24 to 255.
_NOTE = const(11)
_TEXT = const(5)
_TEXT_LIMIT = const(40)  # enough of a line to know it by; a datagram says nothing

# What the RTC holds while nothing is kept for a deep sleep: written as it stands, several times a
# wake, so without a copy.
_memory = bytearray(_CLOCK_BYTES + _HEAD + _SIZE)
buffer = memoryview(_memory)[_CLOCK_BYTES:]
# Where the oldest item is, where the next one goes, the step that goes on; function(code, data,
# size): where else lines go. Most names here are those of others, as new ones would take heap.
at: list = [0, 0, 0, None]
_seen = bytearray(4)  # of the last lines: the same question and answer for minutes are one


# -> where what belongs to others begins, in what the RTC holds
def start(memory):
    if len(memory) >= _CLOCK_BYTES + len(buffer) and memory[_CLOCK_BYTES] == _MARK:
        return _CLOCK_BYTES + len(buffer)
    return _CLOCK_BYTES


# Into the RTC's memory, unless what is kept there for a deep sleep leaves no room. value: of a
# step, which goes on from now, 0 for nothing; None: the one before does. It has its own place,
# since most of it ends well.
def keep(value=None):
    if value is not None:
        at[2] = value
    struct.pack_into(b">BHHH", _memory, _CLOCK_BYTES, _MARK, at[0], at[1], at[2])
    rtc = machine.RTC()
    try:
        memory = rtc.memory()
        for i in range(min(_CLOCK_BYTES, len(memory))):
            _memory[i] = memory[i]
        behind = start(memory)
        rtc.memory(_memory + memory[behind:] if len(memory) > behind else _memory)
    except (MemoryError, ValueError, OSError):
        pass


def log(code, value):
    seconds = int(time.time())  # of the RTC, which runs on through resets
    item = struct.pack(b">BBBBIBH", 0x83, 0x18, code, 0x1A, seconds, 0x19, value & 0xFFFF)
    _append(item, _NOTE, _NOTE)
    keep()


# Of the data the first `size` bytes. They reach the RTC with the next note or step.
def text(code, data, size):
    size = min(size, _TEXT_LIMIT)
    _append(struct.pack(b">BBBBB", 0x82, 0x18, code, 0x58, size), _TEXT, _TEXT + size)
    _append(data, size, size)


# A line to or from a modem.
def feed(code, data, size):
    if at[3]:
        at[3](code, data, size)
    mark = code
    for i in range(min(size, _TEXT_LIMIT)):
        mark = (mark * 31 + data[i]) & 255
    for i in range(len(_seen)):
        if _seen[i] == mark:
            return
    for i in range(len(_seen) - 1):
        _seen[i] = _seen[i + 1]
    _seen[-1] = mark
    text(code, data, size)


# The oldest items make room for `value` bytes. What is damaged cannot lead it astray: then all go.
def _append(data, size, value):
    begin, end = at[0], at[1]
    used = (end - begin) % _SIZE
    while used + value >= _SIZE:
        own = _NOTE
        if buffer[_HEAD + begin] == 0x82:
            own = _TEXT + buffer[_HEAD + (begin + 4) % _SIZE]
        used -= own
        begin = (begin + own) % _SIZE if used >= 0 else end
        used = max(used, 0)
    for i in range(size):
        buffer[_HEAD + (end + i) % _SIZE] = data[i]
    at[0], at[1] = begin, (end + size) % _SIZE
