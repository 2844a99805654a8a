# Modems whose sockets have numbers of their own choice and send to addresses, not to names.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from . import at
from .nbiot import NBIoT

_CREATE_MS = const(5000)  # hypothesis: it waits for nobody
_LOOKUP_MS = const(30000)  # hypothesis: one question to a name server, asked again


class ByAddress(NBIoT):
    # A model says what these are.
    CREATE = "", ""  # the command that makes a UDP socket, and how the line with its number begins
    CLOSE = ""  # with the number
    SOCKETS = 0
    LOOKUP = "", ""  # the command, with the name, and how the line with the address begins

    def __init__(self, uart, pwrkey=None, reset=None):
        super().__init__(uart, pwrkey, reset)
        self._socket = 0
        self._remote = "", 0  # address and port

    async def open_udp(self, host, port):
        self.received.clear()
        self._remote = await self._look_up(host), port
        text, prefix = self.CREATE
        for _ in range(2):
            command = await self.run(text, prefix, timeout_ms=_CREATE_MS)
            numbers = [number for number in map(_number, command.lines) if number is not None]
            if command.state == at.DONE and numbers:
                self._socket = numbers[0]
                if await self._connect():
                    self.socket_open = True
                    return
            # All may be open since before resets of ours.
            for number in range(self.SOCKETS):
                await self.run(self.CLOSE % number)
        raise self.error("modem_error", "socket: " + (command.final or "no answer"))

    async def _look_up(self, host):
        if host.replace(".", "").isdigit():
            return host
        text, prefix = self.LOOKUP
        options = {"ok": ("OK", prefix), "timeout_ms": _LOOKUP_MS}
        line = (await self.ask(text % host, **options)).final
        address = at.fields(line)[-1]
        if address.count(".") != 3 or not address.replace(".", "").isdigit():
            raise self.error("network_no_route", "%s has no address: %s" % (host, line))
        return address

    # True if the socket may be used.
    async def _connect(self):
        return True

    async def close(self):
        if self.up and self.socket_open:
            self.socket_open = False
            await self.attempt(self.CLOSE % self._socket)


# "0" or "+CSOC: 0" -> 0; None for what is none, and for an unsolicited line in between.
def _number(line):
    text = line[7:] if line.startswith("+CSOC: ") else line
    return int(text) if text.isdigit() else None
