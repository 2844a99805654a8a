# One serial port for people (a line editor over the shell) and for tools (SMP in lines of base64).
# SPDX-License-Identifier: Apache-2.0
import asyncio
import select
import sys
import time

from protocols.compat import const

from . import later

PROMPT = b"fieldbeat> "

_HISTORY = const(8)
_TEXT_LIMIT = const(160)  # bytes of a line that is typed
_SMP_LIMIT = const(192)  # of an SMP line, which has at most 128; what is cut fails its CRC

_CHINESE = const("firmware.chinese")
_SECRET = const(b"unlock ")
_HYPHEN = const(0x2D)
_TOO_LONG = const("this line was too long, at most 160 bytes: nothing was done")
_NO_ROOM = const("no heap for it now, type it again in some seconds")
# Whoever pastes a page hears of its first lines, each a moment after the one before.
_UNKNOWN = const("unknown verb")
_UNKNOWN_LINES = const(3)
_UNKNOWN_MS = const(50)
_BY_HAND_MS = const(1000)
_AND_SO_ON = const("and so on: none of these lines is a verb; type help")
_WIDE = const(0xE3)  # from here on characters in UTF-8 are two columns wide: CJK and beyond

_LF = const(10)
_CR = const(13)
_ESCAPE = const(27)
_DELETE = const(127)
_KILL = const(21)
_BACKSPACE = const(8)
# An SMP line begins with 06 09 or, one that goes on, with 04 14. On a keyboard: Ctrl-F Tab, Ctrl-D
# Ctrl-T.
_BEGINS = const(0x06)
_BEGINS_2 = const(0x09)
_GOES_ON = const(0x04)
_GOES_ON_2 = const(0x14)


class SerialStream:
    # sys.stdin and sys.stdout. Ctrl-C stays the REPL's: it raises KeyboardInterrupt. data: a byte
    # that the boot window has taken.
    def __init__(self, data):
        self._input = sys.stdin.buffer
        self._reader = asyncio.StreamReader(self._input)
        self._poll = select.poll()
        self._poll.register(self._input, select.POLLIN)
        self._buffer = bytearray(128)
        self._early = data

    # At least one byte, valid until the next read. Byte by byte, because read(n) of an ESP32 waits
    # for all n; in one go, because its input buffer holds 260 bytes, which is 22 ms.
    async def read(self):
        byte, self._early = self._early, b""
        byte = byte or await self._reader.read(1)
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
    # language: of a person who reads another than English, which is Chinese. reboot: what the line
    # of that name does where there is no heap for its verb.
    def __init__(self, stream, shell, server, language=None, reboot=None):
        self._language = language
        self._reboot = reboot
        self.stream = stream
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
        self._too_long = False
        self._unknown = 0  # lines in a row that are no verb, and when the last one came
        self._unknown_ms = time.ticks_ms()
        self.prompt = PROMPT

    async def run(self):
        self.stream.write(b"\r\n" + self.prompt)
        while True:
            for byte in await self.stream.read():
                work = self._take(byte)
                if work:
                    await work

    # A line from elsewhere (the log) above the one that is being typed.
    def say(self, text):
        rest = b"" if self._busy else self.prompt + _shown(self._line)
        self.stream.write(b"\r" + text.encode() + b"\x1b[K\r\n" + rest)

    # -> what is to be done now, as a coroutine, or None
    def _take(self, byte):
        if self._smp:
            return self._take_smp(byte)
        after_cr, self._after_cr = self._after_cr, byte == _CR
        if self._lead:
            lead, self._lead = self._lead, 0
            if byte == (_BEGINS_2 if lead == _BEGINS else _GOES_ON_2):
                self._smp = bytearray((lead, byte))
                return None
        if byte == _BEGINS or byte == _GOES_ON:
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
        try:
            for answer in await self._server.handle_line(line):
                self.stream.write(answer)
        except MemoryError:  # who hears nothing asks again, and finds more room
            self._forget()

    async def _enter(self):
        line, self._line = bytes(self._line), bytearray()
        self._recalled = self._escape = 0
        self.stream.write(b"\r\n")
        hidden = _hidden(line)
        try:  # a code alone is no verb, and is not told either
            argv = (line if hidden else _shown(line)).decode().split()
        except UnicodeError:
            argv = []
        if self._too_long:
            self._too_long = False
            await self._tell_unknown(_TOO_LONG)
        elif argv:
            if self._history[-1:] != [line] and hidden < 0:
                self._history = self._history[1 - _HISTORY :] + [line]
            self._busy = True
            try:
                text, _ = await self._shell.execute(argv)
            except MemoryError:  # a wake, say, has it
                if argv == ["reboot"]:
                    self._reboot()
                self._forget()
                text = _NO_ROOM
            finally:  # loading the shell may have failed
                self._busy = False
            if text.startswith(_UNKNOWN):
                # Perhaps an unlock that is misspelt: what follows is as long as a code.
                if self._history[-1:] == [line] and len("".join(argv[1:]).replace("-", "")) == 8:
                    self._history.pop()
                await self._tell_unknown(text)
            else:
                self._unknown = 0
                self.tell(text)
        self.stream.write(self.prompt)

    async def _tell_unknown(self, text):
        passed_ms = time.ticks_diff(time.ticks_ms(), self._unknown_ms)
        self._unknown = self._unknown + 1 if 0 <= passed_ms < _BY_HAND_MS else 1
        await asyncio.sleep_ms(_UNKNOWN_MS)
        self._unknown_ms = time.ticks_ms()
        if self._unknown <= _UNKNOWN_LINES:
            self.tell(text)
        elif self._unknown == _UNKNOWN_LINES + 1:
            self.tell(_AND_SO_ON)

    # The next one who asks needs what the last one has left there.
    def _forget(self):
        self._shell.forget()
        self._server.forget()

    # A line of a verb's answer, in the language of who reads it.
    def tell(self, text):
        if self._language:
            try:
                text = later.call(_CHINESE, "run", text)
            except MemoryError:  # rather in English than not at all
                pass
        self.stream.write(text.replace("\n", "\r\n").encode() + b"\r\n")

    def _edit(self, byte):
        if self._escape:
            self._take_escape(byte)
        elif byte == _ESCAPE:
            self._escape = 1
        elif byte in (_BACKSPACE, _DELETE):
            self._rub_out()
        elif byte == _KILL:
            if self._line:  # of many in a row, one is answered
                self._show(b"")
        elif byte >= 0x20 and len(self._line) == _TEXT_LIMIT:
            self._too_long = True
        elif byte >= 0x20:
            self._line.append(byte)
            # A code is whole with the ninth character; with the next it was none.
            if _HYPHEN in bytes(self._line[-6:-4]):
                self._show(self._line)
            else:
                self.stream.write(_shown(self._line)[-1:])

    def _rub_out(self):
        if not self._line:
            return
        while (
            len(self._line) > 1 and self._line[-1] & 0xC0 == 0x80
        ):  # the tail of a character in UTF-8
            self._line = self._line[:-1]
        wide = self._line[-1] >= _WIDE and _hidden(self._line) < 0
        self._line = self._line[:-1]
        self.stream.write(b"\b\b  \b\b" if wide else b"\b \b")

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
        self.stream.write(b"\r" + self.prompt + _shown(line) + b"\x1b[K")


# Where a code begins in a line, -1 if none does. Codes are printed in capitals: whoever goes on in
# them runs no verb, but has typed one all the same; so has who misspells the verb, or leaves it
# out: XXXX-XXXX.
def _hidden(line):
    line = bytes(line)
    at = line.lower().find(_SECRET)
    if at >= 0:
        return at + len(_SECRET)
    for word in line.split() if _HYPHEN in line else ():
        if len(word) == 9 and word[4] == _HYPHEN:
            return line.find(word)
    return -1


# What is on the screen of a line: of a code, stars.
def _shown(line):
    at = _hidden(line)
    return line[:at] + b"*" * (len(line) - at) if at >= 0 else line
