# A text-to-speech chip on a UART: what SYN6288 and XFS5152CE have in common.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from .errors import DriverError
from .uart_port import UARTPort

# Encodings of a text: 0 GB2312, 1 GBK, 2 BIG5, 3 UTF-16 with the most significant byte first. The
# host encodes, since MicroPython has no tables.
_UNICODE = const(3)

_SPEAK = const(0x01)
_STOP = const(0x02)
_QUERY = const(0x21)

# What it answers, one byte each. 4A comes after its start, 4F also when it has spoken.
_STARTED = const(0x4A)
_TAKEN = const(0x41)
_REFUSED = const(0x45)
_BUSY = const(0x4E)
_IDLE = const(0x4F)

_ANSWER_MS = const(500)  # hypothesis: an answer takes some 10 ms beyond the line's time
_ATTEMPTS = const(2)
_READS = const(50)  # for one answer: a line that babbles gives none
_QUERY_MS = const(1000)
# Hypothesis: at its lowest speed it reads a character in 600 ms, and digits as whole words.
_BYTE_MS = const(600)
_REST_MS = const(3000)


class TTSChip:
    CHANNELS = ()
    # A chip's file says what these are.
    MAX_TEXT = 0  # bytes of one frame
    MAX_VOLUME = 0  # of the tag [v..] in a text

    def __init__(self, uart):
        self._port = UARTPort(uart)
        self._buffer = bytearray(16)

    # The bytes of a frame; parameter and text are those of _SPEAK.
    def frame(self, command, parameter=None, text=b""):
        raise NotImplementedError

    # Speaks it all and returns then. percent: volume; absent: as before. To cancel it leaves the
    # chip speaking: stop() it.
    async def say(self, encoding, text, percent=None):
        tag = b"" if percent is None else self._volume(encoding, percent)
        start = 0
        while start < len(text):
            end = cut(encoding, text, start, self.MAX_TEXT - len(tag))
            piece = tag + bytes(text[start:end])
            await self._command(_SPEAK, encoding, piece)
            await self._until_idle(len(piece) * _BYTE_MS + _REST_MS)
            start, tag = end, b""

    async def stop(self):
        await self._command(_STOP)

    async def is_busy(self):
        for _ in range(_ATTEMPTS):
            self._write(self.frame(_QUERY))
            answer = await self._answer((_BUSY, _IDLE), _ANSWER_MS)
            if answer:
                return answer == _BUSY
        raise DriverError("tts_silent", "check its supply and TX/RX")

    async def probe(self):
        await self.is_busy()

    async def read(self):
        return ()

    def _volume(self, encoding, percent):
        tag = b"[v%d]" % ((percent * self.MAX_VOLUME + 50) // 100)
        if encoding != _UNICODE:
            return tag
        return b"".join([bytes((0, byte)) for byte in tag])

    async def _command(self, command, parameter=None, text=b""):
        frame = self.frame(command, parameter, text)
        answer = 0
        for _ in range(_ATTEMPTS):
            self._write(frame)
            # 9,600 baud: somewhat more than 1 ms a byte.
            answer = await self._answer((_TAKEN, _REFUSED), len(frame) * 2 + _ANSWER_MS)
            if answer == _TAKEN:
                return
        reason = "tts_busy" if answer else "tts_silent"
        raise DriverError(reason, "frame %s.. was not taken" % frame[:5].hex())

    async def _until_idle(self, limit_ms):
        waited_ms = 0
        while waited_ms < limit_ms:
            answer = await self._answer((_IDLE, _STARTED), _QUERY_MS)
            waited_ms += _QUERY_MS
            if answer == _STARTED:
                raise DriverError("tts_silent", "it started anew while it spoke")
            if answer == _IDLE or not await self.is_busy():
                return
        await self.stop()
        raise DriverError("tts_busy", "still speaking after %d ms" % limit_ms)

    # What is left of earlier answers does not count.
    def _write(self, frame):
        uart = self._port.uart
        while uart.any():
            uart.readinto(self._buffer)
        uart.write(frame)

    # The first of the wanted answers, 0 if none came in time.
    async def _answer(self, wanted, wait_ms):
        for _ in range(_READS):
            size = await self._port.readinto(self._buffer, wait_ms)
            if not size:
                break
            for byte in memoryview(self._buffer)[:size]:
                if byte in wanted:
                    return byte
        return 0


# Where the next frame ends: at most `room` bytes, and no character is torn.
def cut(encoding, text, start, room):
    end = start
    while end < len(text):
        wide = encoding == _UNICODE or text[end] >= 0x81
        size = 2 if wide else 1
        if end + size - start > room:
            break
        end += size
    return min(end, len(text))
