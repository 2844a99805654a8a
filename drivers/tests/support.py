# Fake hardware and virtual time for the driver tests, on both interpreters. Nothing waits: a
# coroutine runs to its end in one go while the clock jumps.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import errno

import drivers.modem

_PERIOD = 1 << 30


class Clock:
    # ESP32's ticks: they wrap at 2^30 ms, here after 2 s already.
    def __init__(self):
        self.now_ms = self.start_ms = _PERIOD - 2000
        self.limit_ms = 0
        self.cancel = False  # the next wait ends as by Task.cancel()

    @property
    def elapsed_ms(self):
        return self.now_ms - self.start_ms

    def ticks_ms(self):
        return self.now_ms % _PERIOD

    def ticks_add(self, ticks, delta):
        return (ticks + delta) % _PERIOD

    def ticks_diff(self, a, b):
        return (a - b + _PERIOD // 2) % _PERIOD - _PERIOD // 2

    async def sleep_ms(self, ms):
        self.now_ms += ms

    async def wait_for_ms(self, coroutine, ms):
        if self.cancel:
            self.cancel = False
            coroutine.close()
            raise asyncio.CancelledError
        self.limit_ms = self.now_ms + ms
        return await coroutine


def run(clock, coroutine):
    # The result of a coroutine in virtual time.
    names = ("sleep_ms", "wait_for_ms")
    before = [(name, getattr(asyncio, name, None)) for name in names]
    for name in names:
        setattr(asyncio, name, getattr(clock, name))
    drivers.modem.time = clock
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    finally:
        for name, value in before:
            setattr(asyncio, name, value) if value else delattr(asyncio, name)
    raise AssertionError("it waits for something that is not in virtual time")


def fails(kind, clock, coroutine):
    try:
        run(clock, coroutine)
    except kind as error:
        return error
    raise AssertionError("%s was not raised" % kind.__name__)


class I2C:
    # A bus that expects a transcript: "w 89" is written, "r 0abc.." is read, "nack" and "stuck"
    # in place of the bytes are bus errors.
    def __init__(self, address, *steps):
        self.address = address
        self.steps = list(steps)

    def _next(self, kind, address):
        assert address == self.address, "address 0x%02x" % address
        assert self.steps, "%s beyond the transcript" % kind
        step = self.steps.pop(0)
        assert step[0] == kind, "%s where %r is expected" % (kind, step)
        if step.endswith("nack"):
            raise OSError(errno.ENODEV)
        if step.endswith("stuck"):
            raise OSError(errno.ETIMEDOUT)
        return bytes.fromhex(step[2:])

    def writeto(self, address, data):
        expected = self._next("w", address)
        assert bytes(data) == expected, "wrote %s, expected %s" % (data.hex(), expected.hex())

    def readfrom_into(self, address, buffer):
        data = self._next("r", address)
        assert len(buffer) == len(data), "read %d bytes, expected %d" % (len(buffer), len(data))
        buffer[:] = data

    def done(self):
        assert not self.steps, "left over: %r" % self.steps


class UART:
    # What `answer(data)` returns for written data, (delay in ms, bytes) each, arrives later.
    # `chunk` bytes at most are handed over at once.
    def __init__(self, clock, answer, chunk=64):
        self.clock = clock
        self.answer = answer
        self.chunk = chunk
        self.sent = b""
        self._arrivals = []

    def arrive(self, delay_ms, data):
        # Inserted in order, since MicroPython's sort is not stable.
        at_ms = self.clock.now_ms + delay_ms
        place = len([1 for other_ms, _ in self._arrivals if other_ms <= at_ms])
        self._arrivals.insert(place, (at_ms, data))

    def write(self, data):
        self.sent += data
        for delay_ms, answer in self.answer(bytes(data)):
            self.arrive(delay_ms, answer)
        return len(data)

    def flush(self):
        pass

    def any(self):
        return sum(len(data) for at_ms, data in self._arrivals if at_ms <= self.clock.now_ms)

    def readinto(self, buffer):
        at_ms, data = self._arrivals[0]
        assert at_ms <= self.clock.now_ms
        size = min(len(buffer), len(data), self.chunk)
        buffer[:size] = data[:size]
        if size < len(data):
            self._arrivals[0] = (at_ms, data[size:])
        else:
            self._arrivals.pop(0)
        return size

    async def wait(self):
        # Until the next byte or the limit.
        if not self.any():
            if not self._arrivals or self._arrivals[0][0] > self.clock.limit_ms:
                self.clock.now_ms = self.clock.limit_ms
                raise asyncio.TimeoutError
            self.clock.now_ms = self._arrivals[0][0]


class Stream:
    # Stands for asyncio.StreamReader, which on MicroPython takes a UART.
    def __init__(self, uart):
        self._uart = uart

    async def readinto(self, buffer):
        await self._uart.wait()
        return self._uart.readinto(buffer)


class StreamWriter:
    # Stands for asyncio.StreamWriter, which on MicroPython takes an I2S.
    def __init__(self, i2s):
        self._i2s = i2s
        self.out_buf = b""

    async def drain(self):
        while self.out_buf:
            self.out_buf = self.out_buf[self._i2s.write(self.out_buf) :]


class Pin:
    def __init__(self, clock, on_release=None):
        self.clock = clock
        self.on_release = on_release
        self.log = []

    def value(self, level):
        self.log.append((self.clock.elapsed_ms, level))
        if not level and self.on_release:
            self.on_release()


def on_stream(make, *arguments, **options):
    # Builds a driver on a fake UART or I2S.
    before = asyncio.StreamReader, asyncio.StreamWriter
    asyncio.StreamReader, asyncio.StreamWriter = Stream, StreamWriter
    try:
        return make(*arguments, **options)
    finally:
        asyncio.StreamReader, asyncio.StreamWriter = before
