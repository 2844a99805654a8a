# One serial port for people (a line editor over the shell) and for tools (SMP in lines of base64).
# SPDX-License-Identifier: Apache-2.0
import asyncio
import select
import sys

from protocols.compat import const

PROMPT = b"fieldbeat> "

_HISTORY = const(8)
_TEXT_LIMIT = const(160)  # bytes of a line that is typed
_SMP_LIMIT = const(192)  # of an SMP line, which has at most 128; what is cut fails its CRC

_LF = const(10)
_CR = const(13)
_ESCAPE = const(27)
_DELETE = const(127)
_KILL = const(21)
_BACKSPACE = const(8)
# First and second byte of an SMP line. On a keyboard: Ctrl-F Tab and Ctrl-D Ctrl-T.
_SMP_LEADS = {0x06: 0x09, 0x04: 0x14}


class SerialStream:
    # sys.stdin and sys.stdout. Ctrl-C stays the REPL's: it raises KeyboardInterrupt.
    def __init__(self):
        self._input = sys.stdin.buffer
        self._reader = asyncio.StreamReader(self._input)
        self._poll = select.poll()
        self._poll.register(self._input, select.POLLIN)
        self._buffer = bytearray(128)

    # At least one byte, valid until the next read. Byte by byte, because read(n) of an ESP32 waits
    # for all n; in one go, because its input buffer holds 260 bytes, which is 22 ms.
    async def read(self):
        byte = await self._reader.read(1)
        while not byte:  # the other end is closed
            await asyncio.sleep_ms(100)
            byte = await self._reader.read(1)
        size = 0
        while byte:
            self._buffer[size] = byte[0]
            size += 1
            byte = self._input.read(1) if size < len(self._buffer) and self._ready() else b""
        return memoryview(self._buffer)[:size]

    def _ready(self):
        for _ in self._poll.ipoll(0):
            return True
        return False

    def write(self, data):
        sys.stdout.buffer.write(data)


class Console:
    # stream: async read() -> bytes, write(bytes). Whatever belongs together is one write.
    def __init__(self, stream, shell, server):
        self._stream = stream
        self._shell = shell
        self._server = server
        self._line = bytearray()
        self._history = []
        self._recalled = 0  # steps back in the history
        self._smp = bytearray()  # the SMP line that is coming in; empty: none is
        self._lead = 0  # its first byte
        self._escape = 0  # bytes of an escape sequence so far
        self._after_cr = False
        self._busy = False  # a verb runs: no prompt is shown

    async def run(self):
        self._stream.write(b"\r\n" + PROMPT)
        while True:
            for byte in await self._stream.read():
                work = self._take(byte)
                if work:
                    await work

    # A line from elsewhere (the log) above the one that is being typed.
    def say(self, text):
        rest = b"" if self._busy else PROMPT + self._line
        self._stream.write(b"\r" + text.encode() + b"\x1b[K\r\n" + rest)

    # -> what is to be done now, as a coroutine, or None
    def _take(self, byte):
        if self._smp:
            return self._take_smp(byte)
        after_cr, self._after_cr = self._after_cr, byte == _CR
        if self._lead:
            expected, self._lead = _SMP_LEADS[self._lead], 0
            if byte == expected:
                self._smp = bytearray((0x06 if byte == 0x09 else 0x04, byte))
                return None
        if byte in _SMP_LEADS:
            self._lead = byte
        elif byte == _LF and after_cr:
            pass
        elif byte in (_CR, _LF):
            return self._enter()
        else:
            self._edit(byte)
        return None

    def _take_smp(self, byte):
        if byte not in (_CR, _LF):
            if len(self._smp) < _SMP_LIMIT:
                self._smp.append(byte)
            return None
        self._after_cr = byte == _CR
        line, self._smp = self._smp, bytearray()
        return self._answer(line)

    async def _answer(self, line):
        for answer in await self._server.handle_line(line):
            self._stream.write(answer)

    async def _enter(self):
        line, self._line = bytes(self._line), bytearray()
        self._recalled = 0
        self._stream.write(b"\r\n")
        try:
            argv = line.decode().split()
        except UnicodeError:
            argv = []
        if argv:
            if self._history[-1:] != [line]:
                self._history = self._history[1 - _HISTORY :] + [line]
            self._busy = True
            try:
                text, _ = await self._shell.execute(argv)
            finally:  # loading the shell may have failed
                self._busy = False
            self._stream.write(text.replace("\n", "\r\n").encode() + b"\r\n")
        self._stream.write(PROMPT)

    def _edit(self, byte):
        if self._escape:
            self._take_escape(byte)
        elif byte == _ESCAPE:
            self._escape = 1
        elif byte in (_BACKSPACE, _DELETE):
            self._rub_out()
        elif byte == _KILL:
            self._show(b"")
        elif byte >= 0x20 and len(self._line) < _TEXT_LIMIT:
            self._line.append(byte)
            self._stream.write(bytes((byte,)))

    def _rub_out(self):
        if not self._line:
            return
        while (
            len(self._line) > 1 and self._line[-1] & 0xC0 == 0x80
        ):  # the tail of a character in UTF-8
            self._line = self._line[:-1]
        self._line = self._line[:-1]
        self._stream.write(b"\b \b")

    # ESC [ A is the up arrow, ESC [ B the down arrow; others end with a letter or a tilde.
    def _take_escape(self, byte):
        first, self._escape = self._escape == 1, 0
        if first and byte in b"[O" or not first and byte < 0x40:
            self._escape = 2
        elif byte == 0x41:
            self._recall(1)
        elif byte == 0x42:
            self._recall(-1)

    def _recall(self, step):
        back = self._recalled + step
        if 0 <= back <= len(self._history):
            self._recalled = back
            self._show(self._history[-back] if back else b"")

    def _show(self, line):
        self._line = bytearray(line)
        self._stream.write(b"\r" + PROMPT + line + b"\x1b[K")
