# The board's end of the wire to the bench (../link.py), and the board's clock.
# SPDX-License-Identifier: Apache-2.0
import struct

import uos
import uselect
from micropython import const

# Ops are numbered by OPS in ../link.py; each module has the ones it uses as `_OP_...`, which cost
# no heap. A test compares them.
_OP_WAIT = const(2)

FOREVER = -1
CONSOLE_BIT = 1 << 30
PAYLOAD = 512  # a request is one atomic write, so that Ctrl-C cannot tear it

_SIZE = const(16)
_fds = uos.getenv("FIELDBEAT_LINK").split(",")
_rx = open("/dev/fd/" + _fds[0], "rb")
_tx = open("/dev/fd/" + _fds[1], "wb")
_in = bytearray(_SIZE)
_out = bytearray(_SIZE + PAYLOAD)
_views = memoryview(_out)
_unanswered = False
_sequence = 0

# What the bench tells at a reset; the bootstrap fills it in.
mac = b""
reset_cause = 1

now = 0  # us since the board was reset
told = 0  # the last time the bench told; the lead over it grows by 1 us a look at the clock


at_repl = False  # there a person takes time of which the program knows nothing


def tick():
    # A program that only looks at the clock must see it move, or its busy wait never ends.
    global now
    if at_repl:
        wait(now)
    now += 1
    return now


def call(op, argument=0, payload=b""):
    global now, told, _sequence, _unanswered
    if _unanswered:  # Ctrl-C at the REPL came between a request and its reply
        _drain()
    _sequence = _sequence + 1 & 255
    n = len(payload)
    struct.pack_into("<BBHiq", _out, 0, op, _sequence, n, argument, now)
    _out[_SIZE : _SIZE + n] = payload
    _unanswered = True
    _tx.write(_views[: _SIZE + n])
    while True:
        if _rx.readinto(_in) != _SIZE:
            raise SystemExit  # the bench is gone
        sequence, status, n, value, at = struct.unpack_from("<BBHiq", _in)
        body = _rx.read(n) if n else None
        if sequence == _sequence:
            break
    _unanswered = False
    told = at
    if at > now:
        now = at
    if status:
        raise KeyboardInterrupt if status == 2 else OSError(value)
    return value if body is None else body


def wait(deadline_us, mask=0):
    # Sleeps until the time (FOREVER: none) or until an input of the mask has bytes: those that do.
    return call(_OP_WAIT, 0, struct.pack("<qI", deadline_us, mask))


def _drain():
    poller = uselect.poll()
    poller.register(_rx, uselect.POLLIN)
    while poller.poll(0):
        _rx.read(1)
