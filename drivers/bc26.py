# Quectel BC26: NB-IoT, MediaTek chip set.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from . import at
from .nbiot import NBIoT

# Deadlines are hypotheses after the AT manual ("maximum response time") where none else is given.
_APN_MS = const(5000)  # +QCGDEFCONT, maximum response time 5 s
_OPEN_MS = const(60000)  # includes the name look-up
_SEND_MS = const(30000)  # "SEND OK" waits for a radio channel: some seconds in bad coverage
_CLOSE_MS = const(10000)
_SOCKET = const(0)
_NO_ADDRESS = const("+QIOPEN: 0,565")  # DNS failed; a hypothesis, from Quectel's other modems


class BC26(NBIoT):
    BANDS = "+QBAND"
    BOOT_LINES = ("F1:",)  # "F1: 0000 0000", the boot loader's first line
    # Hypotheses after the hardware design guide: PWRKEY low for 0.5 to 1 s, RESET for 50 ms or
    # more, the first "AT" is answered within some seconds.
    POWER_KEY_MS = 700
    RESET_MS = 100
    BOOT_MS = 6000
    # Hypothesis: manuals of Quectel's modems name 512 or 1024 where hex is in the command line.
    MAX_DATAGRAM = 512

    def __init__(self, uart, pwrkey=None, reset=None):
        super().__init__(uart, pwrkey, reset)
        self.session.on("+QIURC", self._on_socket)
        self._rai = None  # what the modem was told; unknown after it started

    async def _set_up(self):
        self.socket_open = False
        self._rai = None
        await self.ask("ATE0")
        await self.attempt(at.assign("+QSCLK", 0))  # stay awake until sleep()

    async def _define_apn(self, apn):
        # "" leaves it to the network, which on NB-IoT mostly has one default.
        if not apn:
            return
        current = await self.ask(at.read("+QCGDEFCONT"), "+QCGDEFCONT", at.fields)
        if current[1:2] != [apn]:
            await self.ask(at.assign("+QCGDEFCONT", "IP", apn), timeout_ms=_APN_MS)
            # It is stored, and used after a restart, which may begin before its OK has been read.
            self._down()
            await self.attempt(at.assign("+QRST", 1))
            await asyncio.sleep_ms(self.BOOT_MS)
            await self.start()

    async def open_udp(self, host, port):
        await self.ask(at.assign("+QICFG", "dataformat", 1, 1))  # hex both ways
        self.received.clear()
        text = at.assign("+QIOPEN", _SOCKET, 0, "UDP", host, port)
        for _ in range(2):
            command = await self.run(text, ok=("OK", "+QIOPEN"), timeout_ms=_OPEN_MS)
            if command.state == at.DONE and command.final == "+QIOPEN: %d,0" % _SOCKET:
                self.socket_open = True
                return
            if command.final == _NO_ADDRESS:
                raise self.error("network_no_route", host + " has no address")
            if command.state == at.TIMED_OUT:
                break
            # It may be open since before a reset of ours.
            await self._close()
        raise self.error("modem_error", "socket: " + (command.final or "no answer"))

    # Returns when the datagram has left the modem, which is not when it has arrived. The radio is
    # let go not (0), after it (1), or after one that comes (2).
    async def send(self, data, release=0):
        if release != self._rai:
            self._rai = release
            await self.attempt(at.assign("+QNBIOTRAI", release))
        command = await self.run(
            at.assign("+QISEND", _SOCKET, len(data)) + ",",
            data=data,
            ok=("OK", "SEND OK"),
            fail=at.FAIL + ("SEND FAIL",),
            timeout_ms=_SEND_MS,
        )
        if command.state != at.DONE:
            raise self.error("send_failed", command.final or "no SEND OK")

    def _on_socket(self, line):
        try:
            event, socket, *rest = at.fields(line)
            if int(socket) != _SOCKET:
                return
            if event == "closed":
                self.socket_open = False
            elif event == "recv":
                self._keep(_datagram(*rest))
        except (ValueError, TypeError):
            self.count("modem_error")  # a torn line; the sender will repeat

    async def close(self):
        if self.up and self.socket_open:
            await self._close()

    async def _close(self):
        self.socket_open = False
        await self.attempt(
            at.assign("+QICLOSE", _SOCKET), ok=("OK", "CLOSE OK"), timeout_ms=_CLOSE_MS
        )

    async def sleep(self):
        # Power saving mode follows when the network has let the radio go and the active time is
        # over; start() wakes it.
        if self.up:
            await self.attempt(at.assign("+QSCLK", 1))
            self._down()


def _datagram(size, text):
    data = bytes.fromhex(text)
    if len(data) != int(size):
        raise ValueError
    return data
