# VC0706: a JPEG camera on a UART, as PTC08, LS-Y201 and others have it. What its clones do
# differently is in its map.
# SPDX-License-Identifier: Apache-2.0
#
#   56, serial number, command, length of what follows, arguments
#   76, serial number, command, status (0: done), length of what follows, data
import asyncio

from protocols.compat import const

from .camera import Camera
from .errors import DriverError
from .uart_port import UARTPort

_SERIAL = const(0)
_VERSION, _RESET, _WRITE = const(0x11), const(0x26), const(0x31)
_READ, _LENGTH, _FREEZE, _SIZE = const(0x32), const(0x34), const(0x36), const(0x54)
_STOP_FRAME, _RESUME = const(0), const(2)
_COMPRESSION = const(b"\1\1\x12\4")  # the register of it, see a write command
_DELAY = const(10)  # in 10 us, between the answer to a read and its data
_HEAD = const(5)
_CHUNK = const(256)  # with two heads it fits into the UART's buffer
_ANSWER_MS = const(500)
_TRIES = const(3)
_JUNK = const(64)  # bytes before an answer, before it is none


class VC0706(Camera):
    def __init__(self, uart, data, regions=None):
        super().__init__(data, regions)
        self._port = UARTPort(uart)
        self._head = bytearray(_HEAD)
        self._reset_ms = data["reset_ms"]
        self._shutter_ms = data["shutter_ms"]
        self._is_open = False

    async def probe(self):
        await self._command(_VERSION)

    async def _open(self, frame):
        # Whatever it was doing, and wherever it was left: a reset ends it.
        await self._command(_RESET)
        await asyncio.sleep_ms(self._reset_ms)
        self._discard()
        await self._command(_SIZE, bytes((frame["code"],)))
        self._is_open = True

    async def _close(self):
        if self._is_open:
            self._is_open = False
            try:
                await self._command(_FREEZE, bytes((_RESUME,)))
            except DriverError:
                pass  # the reset before the next picture does it, too

    async def _shoot(self, quality):
        await self._command(_FREEZE, bytes((_RESUME,)))
        await self._command(_WRITE, _COMPRESSION + bytes((quality,)))
        await asyncio.sleep_ms(self._shutter_ms)  # until a picture of that kind was taken
        await self._command(_FREEZE, bytes((_STOP_FRAME,)))
        told = bytearray(4)
        await self._command(_LENGTH, b"\0", told)
        size = int.from_bytes(told, "big")
        if not size or size >> 20:
            raise DriverError("picture_bad", "a length of %d" % size)
        return size

    async def _fetch(self, at, buffer):
        n = min(len(buffer), _CHUNK)
        if n < len(buffer):
            n &= ~7
        for _ in range(_TRIES - 1):
            try:
                return await self._read(at, memoryview(buffer)[:n])
            except DriverError as error:
                if error.reason == "camera_silent":
                    raise
            await asyncio.sleep_ms(_ANSWER_MS)  # the rest of it passes
        return await self._read(at, memoryview(buffer)[:n])

    async def _read(self, at, data):
        n = len(data)
        where = b"\0\x0a" + at.to_bytes(4, "big") + n.to_bytes(4, "big") + b"\0" + bytes((_DELAY,))
        await self._command(_READ, where, data)
        await self._answer(_READ, 0)  # the same again ends it
        return n

    # data: a buffer for what comes with the answer.
    async def _command(self, command, arguments=b"", data=None):
        self._discard()
        length = bytes((len(arguments),))
        if command == _VERSION or command == _RESET:
            length = b"\0"
        self._port.uart.write(bytes((0x56, _SERIAL, command)) + length + arguments)
        told = await self._answer(command, None)
        if data is None:
            return
        if command != _READ and told != len(data):
            raise DriverError("camera_garbled", "%d bytes, not %d" % (told, len(data)))
        if await self._gather(data) < len(data):
            raise DriverError("camera_garbled", "only a part of %d bytes" % len(data))

    # -> how many bytes follow it
    async def _answer(self, command, follow):
        head = self._head
        got = await self._gather(head)
        if not got:
            raise DriverError("camera_silent", "no answer to %02x" % command)
        for _ in range(_JUNK):
            if got < _HEAD or head[0] == 0x76 and head[1] == _SERIAL and head[2] == command:
                break
            head[:4] = head[1:]
            got = 4 + await self._gather(memoryview(head)[4:])
        else:
            got = 0
        if got < _HEAD:
            raise DriverError("camera_garbled", "%s to %02x" % (bytes(head).hex(), command))
        if head[3] or follow is not None and head[4] != follow:
            raise DriverError("camera_garbled", "%02x, status %d" % (command, head[3]))
        return head[4]

    # -> how many bytes came before it was silent for too long
    async def _gather(self, buffer):
        view, got = memoryview(buffer), 0
        while got < len(view):
            n = await self._port.readinto(view[got:], _ANSWER_MS)
            if not n:
                break
            got += n
        return got

    def _discard(self):
        while self._port.uart.any():
            self._port.uart.readinto(self._head)
