# Datagrams through an NB-IoT modem that is always attached and may be spoken to at any time. It
# costs no byte while nothing is sent, and a change-over does not wait for a cell search.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.awake import Awake
from drivers.errors import ModemError
from protocols.compat import const

from . import CarrierError
from .modem_udp import ModemUDP

_READ_MS = const(50000)
_ASK_MS = const(60000)  # for the signal, and whether it is registered
_AGAIN_S = const(30)  # after a failure; twice as long after each, up to
_AGAIN_MAX_S = const(600)
_UNANSWERED = const(3)  # questions, until the server may have another address
_READ_SILENCE_S = const(150)
_KEEP_SILENCE_S = const(900)  # one attempt: power key, reset, SIM, cell search, name look-up


class AlwaysModem(ModemUDP):
    # inbox: gets all that comes. on_open(): it is within reach again.
    def __init__(self, modem, config, clock, counters, inbox, on_open):
        super().__init__(modem, config, clock, counters)
        self._awake = Awake(modem)
        self.reason = "modem_silent"  # why it is not within reach
        self._inbox = inbox
        self._on_open = on_open
        self.lock = asyncio.Lock()  # who holds it owns the AT session
        self._unanswered = 0
        self._was_open = False
        self._news = asyncio.Event()  # it is wanted now, or it may be out of reach

    def tasks(self, wake=None):
        return (
            ("modem", self._read, _READ_SILENCE_S),
            ("attach", self._keep, _KEEP_SILENCE_S),
        )

    @property
    def ready(self):
        return self._awake.reachable and self._unanswered < _UNANSWERED

    # No more waiting.
    def want(self):
        self._news.set()

    async def send(self, datagram, last):
        # No release assistance: a command that waits at the server comes right after its answer,
        # and finds the radio connected.
        async with self.lock:
            await super().send(datagram, False)

    async def close(self):
        self._count()

    def judge(self, outcome):
        self._unanswered = 0 if outcome in ("acked", "partly") else self._unanswered + 1
        if not self.ready:
            self._news.set()

    # The only reader of the UART.
    async def _read(self, beat):
        while True:
            beat()
            await self._awake.read(_READ_MS)
            datagram = self._awake.take()
            while datagram:
                self._inbox.sort(datagram)
                datagram = self._awake.take()
            if self._was_open and not self._awake.reachable:
                self._was_open = False  # it has restarted, or says that its socket is closed
                self._news.set()

    # Keeps it attached and its socket open, whatever happens.
    async def _keep(self, beat):
        again_s = _AGAIN_S
        while True:
            beat()
            try:
                await self._open_and_look(beat)
                again_s = _AGAIN_S
            except CarrierError as error:
                self.reason = error.reason
                self._count()
                wanted = await self._within(again_s * 1000)
                again_s = _AGAIN_S if wanted else min(2 * again_s, _AGAIN_MAX_S)

    async def _open_and_look(self, beat):
        async with self.lock:
            self._unanswered = 0  # the name is looked up anew
            await self.open()
        self._was_open = True
        self._on_open()
        while self.ready:
            beat()
            if not await self._within(_ASK_MS):
                await self._ask()

    async def _within(self, ms):
        self._news.clear()
        try:
            await asyncio.wait_for_ms(self._news.wait(), ms)
        except asyncio.TimeoutError:
            return False
        return True

    async def _ask(self):
        async with self.lock:
            try:
                self._status = await self.modem.signal()
                await self._awake.look()
            except ModemError as error:
                raise CarrierError(error.reason)
        self._count()
