# An AT command session (3GPP TS 27.007, ITU-T V.250) without I/O: bytes and times come in, lines
# and results come out.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

_MAX_LINES = const(16)  # information lines kept of one reply

# Bytes. The answers of a server fit; the longest datagram would keep a kilobyte from all others.
_PIECE = const(256)

# V.250 leaves deadlines to the maker; 300 ms is Quectel's figure for commands that do not wait
# for the network. Hypothesis for other vendors.
_TIMEOUT_MS = const(300)

OK = ("OK",)
FAIL = ("ERROR", "+CME ERROR", "+CMS ERROR")

# What became of a command.
PENDING, DONE, FAILED, TIMED_OUT = range(4)

_HEARD = const(33)  # of a line, see firmware/flight.py

# ticks_ms wraps at 2^30 on ESP32 and at a multiple of it elsewhere.
_TICKS_MASK = const(0x3FFFFFFF)
_TICKS_HALF = const(0x20000000)


# The kinds of command. A str goes out quoted, an int as it is, None as an empty place.
def read(name):
    return "AT" + name + "?"


def assign(name, *values):
    return "AT" + name + "=" + ",".join([_argument(value) for value in values])


def action(name):
    return "AT" + name


def _argument(value):
    if value is None:
        return ""
    if isinstance(value, str):
        if '"' in value or min(value + " ") < " ":
            raise ValueError("quotes and control characters cannot be sent: %r" % value)
        return '"' + value + '"'
    return str(value)


def fields(line):
    # '+CCLK: "24/06/01,08:00:00+32",1' -> ['24/06/01,08:00:00+32', '1']
    values, quoted, start = [], False, line.find(":") + 1
    for end in range(start, len(line)):
        if line[end] == '"':
            quoted = not quoted
        elif line[end] == "," and not quoted:
            values.append(line[start:end].strip(' "'))
            start = end + 1
    if quoted:
        raise ValueError
    return values + [line[start:].strip(' "')]


class Command:
    def __init__(self, text, prefix, ok, fail):
        self.text = text
        self.state = PENDING
        self.lines = []  # information lines, those that begin with `prefix`
        self.final = ""  # the line that ended it
        self.garbled = False  # a line that belongs to nothing came in between
        self.prefix = prefix
        self._waiting = list(ok)
        self._fail = fail

    def take(self, line):
        # True if the line is part of this command's reply.
        for terminator in self._fail:
            if _matches(line, terminator):
                self.state, self.final = FAILED, line
                return True
        for terminator in self._waiting:
            if _matches(line, terminator):
                self._waiting.remove(terminator)
                if terminator != "OK" or not self.final:
                    self.final = line
                if not self._waiting:
                    self.state = DONE
                return True
        if self.prefix and _matches(line, self.prefix) and len(self.lines) < _MAX_LINES:
            self.lines.append(line)
            return True
        return False


def _matches(line, name):
    # "+CME ERROR" stands for "+CME ERROR: 10", but "OK" not for "OKAY".
    return line == name or line.startswith(name + ":")


class Session:
    # max_line: bytes of the longest line expected; a longer one is dropped.
    def __init__(self, max_line):
        self._handlers = {}
        self.listen = None  # function(code, buffer, size) that wants to know of all lines
        self._command = None
        self._deadline_ms = 0
        self.max_line = max_line
        self.line = bytearray(min(max_line, _PIECE))  # more when a longer one comes
        self._size = 0

    def on(self, prefix, handler):
        # handler(line) for unsolicited lines.
        if prefix in self._handlers:
            raise ValueError("unsolicited %r has a handler already" % prefix)
        self._handlers[prefix] = handler

    def command(self, text, prefix=None, ok=OK, fail=FAIL, timeout_ms=_TIMEOUT_MS, now_ms=0):
        # The caller writes its text and CR LF. All lines of `ok` must come, in any
        # order, or one of `fail`. `prefix` names information lines; "" takes every line.
        if self._command:
            raise ValueError("%s is still running" % self._command.text)
        self._command = Command(text, prefix, ok, fail)
        self._deadline_ms = now_ms + timeout_ms
        return self._command

    def abandon(self):
        # What still comes of its reply will belong to nothing.
        if self._command:
            self._command.state = FAILED
            self._command = None

    def poll(self, now_ms):
        # Milliseconds left for the running command; 0 if there is none (any more).
        if not self._command:
            return 0
        left = (self._deadline_ms - now_ms) & _TICKS_MASK
        if 0 < left < _TICKS_HALF:
            return left
        self._command.state = TIMED_OUT
        self._command = None
        return 0

    def feed(self, data):
        # Returns how many lines were dropped because they were too long.
        dropped = 0
        for byte in data:
            if byte == 0x0D or byte == 0x0A:
                dropped += self._size > self.max_line
                self._end_line()
            elif self._size < self.max_line:
                if self._size == len(self.line):
                    self.line.extend(bytes(min(_PIECE, self.max_line - self._size)))
                # Boot messages at another baud rate are no ASCII: they become dots.
                self.line[self._size] = byte if 32 <= byte < 127 else 0x2E
                self._size += 1
            else:
                self._size = self.max_line + 1  # the rest of the line is dropped with it
        return dropped

    def _end_line(self):
        size, self._size = self._size, 0
        if 0 < size <= self.max_line:
            if self.listen:
                self.listen(_HEARD, self.line, size)
            line = str(memoryview(self.line)[:size], "ascii").strip()
            if line:
                self._dispatch(line)

    def _dispatch(self, line):
        command = self._command
        if command:
            if line.startswith("AT"):
                return  # the echo
            if command.take(line):
                if command.state != PENDING:
                    self._command = None
                return
        for prefix, handler in self._handlers.items():
            if line.startswith(prefix):
                handler(line)
                return
        if command and command.prefix == "" and len(command.lines) < _MAX_LINES:
            command.lines.append(line)
            return
        # A "+" line that nobody asked for is a message of the modem; anything else is a piece
        # of a torn line, and the reply around it cannot be trusted.
        if command and not line.startswith("+"):
            command.garbled = True
