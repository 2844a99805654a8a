# The flight recorder's ring after a boot, and in the file that doctor reads: a sequence of CBOR
# items (RFC 8742), the oldest first.
# SPDX-License-Identifier: Apache-2.0
import select
import struct
import sys

import machine

from protocols.compat import const

from . import flight

# As in flight.py.
_CLOCK_BYTES = const(4)
_HEAD = const(7)
_NOTE = const(11)
_TEXT = const(5)
_BOOT = const(24)  # the codes are told in host_tools/flight_records.py
_STEP = const(25)
_FILE = const("/flight.cbor")
# After these boots it goes to flash: what comes next may be a loss of power. By machine.*_RESET.
_UNPLANNED = const((1, 2, 3))  # power, hard, watchdog
_DEEP_SLEEP = const(4)
_SETTING_UP = const(0x300)
_WINDOW_MS = const(10)


# Takes up what the last run has left, in RTC memory or, after a loss of power, on flash; and notes
# the boot: its cause, and 256 if the RTC's memory was still there. -> the byte that waits at the
# port, if that is asked.
def load(root, ask):
    cause = machine.reset_cause()
    buffer, at = flight.buffer, flight.at
    memory = bytes(machine.RTC().memory())
    kept = flight.start(memory) > _CLOCK_BYTES
    at[:3] = [0, 0, 0]
    if kept:
        buffer[:] = memory[_CLOCK_BYTES : _CLOCK_BYTES + len(buffer)]
        where = struct.unpack(b">HHH", buffer[1:_HEAD])
        if max(where[:2]) < len(buffer) - _HEAD:
            at[:3] = where
    else:
        _load(root, buffer)
    _leave_out(buffer, at)
    if cause != _DEEP_SLEEP:
        going_on, at[2] = at[2], 0
        if going_on:
            flight.log(_STEP, going_on)
        flight.log(_BOOT, cause | kept << 8)
        if cause in _UNPLANNED:
            write(root)
    flight.keep(_SETTING_UP)
    return _waiting() if ask else b""


def _load(root, buffer):
    try:
        with open(root + _FILE, "rb") as file:
            data = file.read(len(buffer) - _HEAD - 1)
    except OSError:
        return
    buffer[_HEAD : _HEAD + len(data)] = data
    flight.at[1] = len(data)


# What is damaged, from there on: nobody could read what comes behind it. The heads of items are
# as flight.py packs them.
def _leave_out(buffer, at):
    size = len(buffer) - _HEAD
    end, at[1] = at[1], at[0]
    left = (end - at[0]) % size
    while left > 0:
        head, mark, kind, length, last = [
            buffer[_HEAD + (at[1] + i) % size] for i in (0, 1, 3, 4, 8)
        ]
        if (head, mark, kind, last) == (0x83, 0x18, 0x1A, 0x19):
            own = _NOTE
        elif (head, mark, kind) == (0x82, 0x18, 0x58):
            own = _TEXT + length
        else:
            return
        left -= own
        if left >= 0:
            at[1] = (at[1] + own) % size


# With a text it is that of a code, and may be the last that is heard of a unit.
def write(root, code=0, text=""):
    if code:
        data = text.encode()
        flight.text(code, data, len(data))
        flight.keep()
    first, end = _HEAD + flight.at[0], _HEAD + flight.at[1]
    view = memoryview(flight.buffer)
    try:
        with open(root + _FILE, "wb") as file:
            if first > end:
                file.write(view[first:])
                first = _HEAD
            file.write(view[first:end])
    except OSError:  # what it knows is in the RTC's memory still
        pass


# The boot window: if Ctrl-U was typed while the chip and the app were starting, which a running
# unit takes for an empty line, all that runs is console, SMP and watchdog. So a unit whose app
# hangs or sleeps at once can be read. Those bytes wait in the port's buffer, so that looking
# costs hardly any time; another byte is left for the console.
def _waiting():
    poll = select.poll()
    poll.register(sys.stdin.buffer, select.POLLIN)
    for _ in poll.ipoll(_WINDOW_MS):
        return sys.stdin.buffer.read(1)
    return b""
