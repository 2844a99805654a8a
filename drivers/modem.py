# Runs AT commands on a UART: deadlines, retries, the power-key ladder, counted failures.
# For one task at a time; another one may listen for it, see awake.py.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time
from binascii import hexlify

from protocols.compat import const

from . import at
from .errors import ModemError
from .uart_port import UARTPort

# What still comes after a torn or late reply belongs to it; a modem sends a reply in one go.
_QUIET_MS = const(100)
_QUIET_READS = const(20)
_SENT = const(32)  # of a line, see firmware/flight.py
_PIECE = const(32)  # bytes of a datagram at a time
_LINE_ROOM = const(64)  # around a datagram in hex: +QIURC: "recv",0,512,""

# Autobauding needs a few "AT"; a modem that is on answers the first or second.
_SYNC_MS = const(900)

# Life of a modem: off or asleep; at our service; restarted by itself, all sessions are gone.
_DOWN = const(0)
_UP = const(1)
_RESTARTED = const(2)

_REASONS = {at.FAILED: "modem_error", at.TIMED_OUT: "modem_silent"}


class Modem:
    # A model file says what these are.
    BOOT_LINES: tuple = ()  # what only a starting modem sends, as prefixes
    POWER_KEY_MS = 0  # how long the power key is held
    RESET_MS = 0  # how long the reset pin is held
    BOOT_MS = 0  # from either to the first answer
    MAX_DATAGRAM = 0  # bytes of a datagram, which is one line of hex in both directions

    # Pins are outputs, 1 = pressed (the usual transistor in front of the pin); None if not wired.
    def __init__(self, uart, pwrkey=None, reset=None):
        self.counters = {}  # reason -> number of times
        self.session = at.Session(2 * self.MAX_DATAGRAM + _LINE_ROOM)
        for prefix in self.BOOT_LINES:
            self.session.on(prefix, self._on_boot)
        self._port = UARTPort(uart)
        self._buffer = bytearray(256)
        self._pwrkey = pwrkey
        self._reset = reset
        self._state = _DOWN
        self._untidy = False  # a reply may still be on its way

    # -- what a vendor and a model are made of

    async def ask(self, text, prefix=None, parse=None, attempts=2, **options):
        # The finished command, or parse(its last information line). A reply that is torn, void
        # or late is asked for again, so `attempts` is 1 for what must not happen twice.
        for _ in range(attempts):
            command = await self.run(text, prefix, **options)
            if command.state == at.DONE and not command.garbled:
                try:
                    return parse(command.lines[-1]) if parse else command
                except (ValueError, IndexError):
                    command.garbled = True
        reason = _REASONS.get(command.state, "modem_error")
        raise self.error(reason, "%s: %s" % (text, command.final or "no answer"))

    async def run(self, text, prefix=None, data=b"", end="\r\n", **options):
        # One attempt; the command tells how it ended. `data` follows the text in hex.
        self._check()
        if self._untidy:
            await self._settle()
        self._untidy = True  # until this one has ended, which a cancellation may prevent
        command = self.session.command(text, prefix, now_ms=time.ticks_ms(), **options)
        try:
            self._write(text, data, end)
            while command.state == at.PENDING:
                left = self.session.poll(time.ticks_ms())
                if left:
                    await self.listen(left)
        finally:
            self.session.abandon()
        self._untidy = command.garbled or command.state == at.TIMED_OUT
        self._check()
        return command

    # In pieces: a datagram as one line would need a kilobyte of heap without a gap, twice.
    def _write(self, text, data, end):
        write = self._port.uart.write
        line = text.encode()
        if self.session.listen:
            self.session.listen(_SENT, line, len(line))
        write(line)
        for start in range(0, len(data), _PIECE):
            write(hexlify(data[start : start + _PIECE]))
        write(end.encode())

    async def attempt(self, text, **options):
        # For what a modem may refuse without harm: the failure is counted, nothing is raised.
        command = await self.run(text, **options)
        if command.state != at.DONE:
            self.count(_REASONS[command.state])
        return command

    async def listen(self, wait_ms):
        # Feeds the session what comes within the time, True if something came.
        size = await self._port.readinto(self._buffer, wait_ms)
        if size:
            for _ in range(self.session.feed(memoryview(self._buffer)[:size])):
                self.count("modem_error")  # a line too long for a datagram that we take
        return size > 0

    async def until(self, check, deadline, poll_ms, reason):
        while not await check():
            left = self.left(deadline)
            if not left:
                raise self.error(reason, "time is up")
            await asyncio.sleep_ms(min(poll_ms, left))

    def deadline(self, timeout_ms):
        return time.ticks_add(time.ticks_ms(), timeout_ms)

    def left(self, deadline):
        return max(0, time.ticks_diff(deadline, time.ticks_ms()))

    def count(self, reason):
        self.counters[reason] = self.counters.get(reason, 0) + 1

    def error(self, reason, detail=""):
        self.count(reason)
        return ModemError(reason, detail)

    # -- power

    @property
    def up(self):
        return self._state == _UP

    async def start(self):
        self._down()
        await self._wake()
        await self._set_up()
        self._state = _UP

    async def _wake(self):
        if await self._sync(_SYNC_MS):
            return
        for pin, hold_ms in ((self._pwrkey, self.POWER_KEY_MS), (self._reset, self.RESET_MS)):
            if pin:
                await _press(pin, hold_ms)
                if await self._sync(self.BOOT_MS):
                    return
        raise self.error("modem_silent", "check its supply, TX/RX and power key")

    async def _sync(self, limit_ms):
        deadline = self.deadline(limit_ms)
        while self.left(deadline):
            if (await self.run("AT")).state == at.DONE:
                return True
        return False

    async def _set_up(self):
        raise NotImplementedError

    def _down(self):
        self._state = _DOWN

    def _on_boot(self, line):
        # While it is down these lines are expected.
        if self._state == _UP:
            self._state = _RESTARTED
            self.count("modem_reset")
            self.session.abandon()

    def _check(self):
        if self._state == _RESTARTED:
            raise ModemError("modem_reset", "start, attach and open again")

    async def _settle(self):
        for _ in range(_QUIET_READS):
            if not await self.listen(_QUIET_MS):
                break


async def _press(pin, hold_ms):
    pin.value(1)
    try:
        await asyncio.sleep_ms(hold_ms)
    finally:
        pin.value(0)
