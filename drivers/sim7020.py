# SIMCom SIM7020: NB-IoT, MediaTek chip set.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from . import at
from .by_address import ByAddress

# Deadlines are hypotheses.
_CFUN_MS = const(15000)
_APN_MS = const(5000)
_CONNECT_MS = const(10000)
_SEND_MS = const(30000)


class SIM7020(ByAddress):
    BOOT_LINES = ("F1:",)  # hypothesis: the boot loader of its chip set, as of a BC26
    # Hypotheses: PWRKEY low for 0.8 s or more, RESET for 0.1 s, ready after some seconds.
    POWER_KEY_MS = 1000
    RESET_MS = 200
    BOOT_MS = 8000
    MAX_DATAGRAM = 512  # hypothesis: 1024 characters of hex in a command
    CREATE = "AT+CSOC=1,2,1", "+CSOC"  # IPv4, datagrams
    CLOSE = "AT+CSOCL=%d"
    SOCKETS = 5
    LOOKUP = 'AT+CDNSGIP="%s"', "+CDNSGIP"

    def __init__(self, uart, pwrkey=None, reset=None):
        super().__init__(uart, pwrkey, reset)
        self.session.on("+CSONMI", self._on_data)
        self.session.on("+CSOERR", self._on_error)
        self._rai = None  # what the modem was told; unknown after it started

    async def _set_up(self):
        self.socket_open = False
        self._rai = None
        await self.ask("ATE0")
        await self.attempt(at.assign("+CSCLK", 0))  # stay awake until sleep()

    async def _define_apn(self, apn):
        if not apn:
            return
        current = await self.ask(at.read("*MCGDEFCONT"), "*MCGDEFCONT", at.fields)
        if current[1:2] != [apn]:
            await self.ask(at.assign("+CFUN", 0), timeout_ms=_CFUN_MS)  # attach() ends that
            await self.ask(at.assign("*MCGDEFCONT", "IP", apn), timeout_ms=_APN_MS)

    async def _connect(self):
        address, port = self._remote
        text = at.assign("+CSOCON", self._socket, port, address)
        return (await self.run(text, timeout_ms=_CONNECT_MS)).state == at.DONE

    async def send(self, data, release=0):
        if release != self._rai:
            self._rai = release
            await self.attempt(at.assign("+CNBIOTRAI", release))
        text = at.assign("+CSOSEND", self._socket, 0) + ',"'  # 0: what is in quotes is hex
        command = await self.run(text, data=data, end='"\r\n', timeout_ms=_SEND_MS)
        if command.state != at.DONE:
            raise self.error("send_failed", command.final or "no OK")

    # "+CSONMI: 0,4,4f4b": the size is that of the hex.
    def _on_data(self, line):
        try:
            socket, size, text = at.fields(line)
            if int(size) != len(text):
                raise ValueError(line)
            if int(socket) == self._socket:
                self._keep(bytes.fromhex(text))
        except ValueError:
            self.count("modem_error")  # torn; the sender will repeat

    # "+CSOERR: 0,-1"
    def _on_error(self, line):
        if line.startswith("+CSOERR: %d," % self._socket):
            self.socket_open = False

    async def sleep(self):
        if self.up:
            await self.attempt(at.assign("+CSCLK", 1))
            self._down()
