# What stands in for "sys", "micropython" and "gc": the console is the bench's, not the host's, and
# the heap is collected as often as a chip's.
# SPDX-License-Identifier: Apache-2.0
import gc as _gc
import io
import sys as _sys

import _link
import micropython as _micropython
from micropython import const

_OP_CONSOLE_READ = const(6)
_OP_CONSOLE_WRITE = const(7)
_OP_KBD_INTR = const(8)
_FOREVER = const(-1)
_CONSOLE_BIT = const(1 << 30)
_PAYLOAD = const(512)


class Input:
    # sys.stdin of an ESP32: read(n) blocks until n characters are there.
    wait_mask = _CONSOLE_BIT

    def __init__(self):
        self._held = b""
        self.buffer = self

    def buffered(self):
        return bool(self._held)

    def _fill(self):
        while not self._held:
            self._held = _link.call(_OP_CONSOLE_READ, 128) or b""
            if not self._held:
                _link.wait(_FOREVER, self.wait_mask)

    def _take(self, n):
        self._fill()
        data, self._held = self._held[:n], self._held[n:]
        return data

    def read(self, n=-1):
        if n < 0:
            return self._take(len(self._held) or 128)
        data = b""
        while len(data) < n:
            data += self._take(n - len(data))
        return data

    def readinto(self, buf, n=None):
        n = len(buf) if n is None else n
        buf[:n] = self.read(n)
        return n

    def readline(self):
        line = b""
        while not line.endswith(b"\n"):
            line += self._take(1)
        return line


class TextInput(Input):
    def __init__(self):
        super().__init__()
        self.buffer = Input()
        self.buffer._take, self.buffer.buffered = self._take, self.buffered

    def read(self, n=-1):
        return str(super().read(n), "utf-8")

    def readline(self):
        return str(super().readline(), "utf-8")


class RawOutput(io.IOBase):
    # sys.stdout.buffer: bytes as they are. Text goes through the interpreter's own stdout, where
    # the bench turns \n into \r\n as a board does.
    wait_mask = 0

    def buffered(self):
        return False

    def write(self, data, *part):
        view = memoryview(data)
        if part:  # a length, or an offset and a length
            view = view[part[0] :][: part[1]] if len(part) > 1 else view[: part[0]]
        for at in range(0, len(view), _PAYLOAD):
            _link.call(_OP_CONSOLE_WRITE, 0, view[at : at + _PAYLOAD])
        return len(view)

    def flush(self):
        pass


class Output(RawOutput):
    def __init__(self):
        self.buffer = RawOutput()

    def write(self, *text_part):
        return _sys.stdout.write(*text_part)


class Sys:
    platform = "esp32"

    def __init__(self):
        self.stdin = TextInput()
        self.stdout = self.stderr = Output()

    def __getattr__(self, name):
        return getattr(_sys, name)


class Micropython:
    def __getattr__(self, name):
        return getattr(_micropython, name)

    def kbd_intr(self, char):
        _link.call(_OP_KBD_INTR, char)


class Gc:
    # A block of the heap, and nearly all that lies there, is twice as large here as on a chip of
    # 32 bits: what is 8 KiB of garbage there is 16 KiB here.
    _SCALE = 2 if _sys.maxsize > 1 << 32 else 1

    def __getattr__(self, name):
        return getattr(_gc, name)

    def threshold(self, *size):
        if not size:
            return _gc.threshold() // self._SCALE
        return _gc.threshold(size[0] * self._SCALE if size[0] > 0 else size[0])


def install():
    _sys.modules["sys"] = sys = Sys()
    _sys.modules["micropython"] = Micropython()
    _sys.modules["gc"] = Gc()
    return sys


def to_repl(sys):
    # At the REPL the interpreter reads the terminal itself.
    sys.stdin = _sys.stdin
    _link.at_repl = True
