# The board's end of the wire to the bench (../link.py), and the board's clock.
# SPDX-License-Identifier: Apache-2.0
import array

import uctypes
import uos
import uselect
from micropython import const

# Ops are numbered by OPS in ../link.py; each module has the ones it uses as `_OP_...`, which cost
# no heap. A test compares them.
_OP_WAIT = const(2)

# Names take heap, and those of a chip's modules are in its ROM: so these stand in each module that
# needs them, with the same values. A test compares them, too.
#   _FOREVER -1; _CONSOLE_BIT 1 << 30
#   _PAYLOAD 512: a request is one atomic write, so that Ctrl-C cannot tear it
#   _LEAD_US 1000: how far the board may run on before it must let the bench look
_LEAD_US = const(1000)

_POSTED = const(0x80)
_FILL_HEAP = const(3)  # a status that comes before the reply
_HEAD = const(16)
_ROOM = const(1024)  # for one request and some that are posted; a pipe's atomic write has 4096
_POST_US = const(10)  # OP_US of ../hardware.py: what a posted request takes
_rx, _tx = uos.getenv("FIELDBEAT_LINK").split(",")
_rx = open("/dev/fd/" + _rx, "rb")
_tx = open("/dev/fd/" + _tx, "wb")
# Words of 32 bits, and functions of few variables: neither takes heap, where a chip's C code takes
# none either.
_in = array.array("i", (0, 0, 0, 0, 0))
_words = array.array("i", bytes(_ROOM))
_bytes = uctypes.bytearray_at(uctypes.addressof(_words), _ROOM)
_size = 0  # bytes of posted requests in it
_unanswered = False
_sequence = 0

# What the bench tells at a reset; the bootstrap fills it in.
mac = b""
reset_cause = 1

now = 0  # us since the board was reset
told = 0  # the last time the bench told; the lead over it grows by 1 us a look at the clock
inputs = 0  # mask of the UARTs with bytes to read, as of then
held = b""  # what the UART held_by (a mask) has to read, all of it: a wait has just told so
held_by = 0


at_repl = False  # there a person takes time of which the program knows nothing


def tick():
    # A program that only looks at the clock must see it move, or its busy wait never ends.
    global now
    if at_repl:
        wait(now)
    now += 1
    return now


def call(op, argument=0, payload=b""):
    if _size + 2 * _HEAD + len(payload) > _ROOM:
        wait(now)
    _write(op, argument, len(payload))
    if payload:
        _copy(payload)
    return _exchange()


# For what the bench only takes note of: it learns it with the next call, in order and in time.
def post(op, argument=0, payload=b""):
    global now
    # A wait must find room behind it.
    if at_repl or now - told >= _LEAD_US or _size + 4 * _HEAD + len(payload) > _ROOM:
        call(op, argument, payload)
        return
    _write(op | _POSTED, argument, len(payload))
    if payload:
        _copy(payload)
    now += _POST_US


def wait(deadline_us, mask=0):
    # Sleeps until the time (_FOREVER: none) or until inputs of the mask have bytes: those that do.
    global held, held_by, _size
    _write(_OP_WAIT, mask, 8)
    _words[_size >> 2] = deadline_us // 1000000
    _words[(_size >> 2) + 1] = deadline_us % 1000000
    _size += 8
    mask = _exchange()
    if mask is not _in[2]:
        held, held_by = mask, _in[2] & -_in[2]
    return _in[2]


def _write(op, argument, n):
    global _size, _sequence
    _sequence = _sequence + 1 & 255
    at = _size >> 2
    _words[at] = op | _sequence << 8 | n << 16
    _words[at + 1] = argument
    _words[at + 2] = now // 1000000
    _words[at + 3] = now % 1000000
    _size += _HEAD


def _copy(payload):
    global _size
    n = len(payload)
    _bytes[_size : _size + n] = payload
    _size += n + 3 & ~3


# Sends what was posted and the request after it, and takes the reply.
def _exchange():
    global now, told, inputs, held, _unanswered, _size
    if _unanswered:  # Ctrl-C at the REPL came between a request and its reply
        _drain()
    held = b""
    _unanswered = True
    n, _size = _size, 0
    _tx.write(_bytes, n)
    while True:
        if _rx.readinto(_in) != 20:
            raise SystemExit  # the bench is gone
        n = _in[1]
        body = _rx.read(n) if n else None
        if _in[0] >> 8 & 255 == _FILL_HEAP:
            _fill_heap()
        elif _in[0] & 255 == _sequence:
            break
    _unanswered = False
    told = _in[3] * 1000000 + _in[4]
    if told > now:
        now = told
    inputs = _in[0] >> 16
    n = _in[0] >> 8 & 255  # its status
    if n:
        raise KeyboardInterrupt if n == 2 else OSError(_in[2])
    return _in[2] if body is None else body


def _fill_heap():
    import _hog

    _hog.leave(_in[2])


def _drain():
    poller = uselect.poll()
    poller.register(_rx, uselect.POLLIN)
    while poller.poll(0):
        _rx.read(1)
