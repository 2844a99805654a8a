# A modem that stays within reach of the network and may speak at any time: one task reads, for
# itself and for the one that has given a command. For a BC26; apart, for a unit that
# sleeps has no heap for it.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

# Neither power saving nor extended idle times (TS 27.007, 7.39 and 7.40; 5 is NB-IoT). A modem
# keeps both settings, so both are sent.
_POWER = const((("+CPSMS", 0), ("+CEDRXS", 0, 5)))
# Hypothesis: what the network carries (TS 23.060, annex C: 1358 with IP) is told in one line of
# hex. 1300 bytes are the largest command; around it is what is around a shorter one.
_LINE = const(2 * 1300 + 64)


class Awake:
    def __init__(self, modem):
        self._modem = modem
        self._wait = modem.listen  # for bytes of the UART, which is for read() alone now
        self._fed = asyncio.Event()
        modem.listen = self._listen
        modem.POWER = _POWER
        session = modem.session
        session.line, session.max_line = bytearray(_LINE), _LINE

    # To be called again and again, by one task.
    async def read(self, wait_ms):
        if await self._wait(wait_ms):
            self._fed.set()

    async def _listen(self, wait_ms):
        self._fed.clear()
        try:
            await asyncio.wait_for_ms(self._fed.wait(), wait_ms)
        except asyncio.TimeoutError:
            return False
        return True

    # It is up and has a socket, as far as it has said.
    @property
    def reachable(self):
        return self._modem.up and self._modem.socket_open

    # The next datagram that has come, or None.
    def take(self):
        received = self._modem.received
        return received.pop(0) if received else None

    # Whether the network still has it: ModemError if not.
    async def look(self):
        if not await self._modem.registered():
            raise self._modem.error("reg_searching")
