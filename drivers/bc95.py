# Quectel BC95, BC28 and others with Hisilicon's chip set: NB-IoT at 9600 baud, faster on demand.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from . import at
from .by_address import ByAddress

_PDN_MS = const(5000)
_SEND_MS = const(10000)  # hypothesis; a second of it is the datagram's way at 9600 baud
_FETCH_MS = const(3000)  # the same, back
# Uplink busy, UART buffer, back-off: it has not taken the datagram, so it may be told once more.
_BUSY = const(("159", "536", "537"))
_BUSY_MS = const(30)
_TRIES = const(4)
# Let the radio go not, after this datagram, or after one that comes (from firmware B656 on).
_SENDS = const(
    ("AT+NSOST=%d,%s,%d,%d,", "AT+NSOSTF=%d,%s,%d,0x200,%d,", "AT+NSOSTF=%d,%s,%d,0x400,%d,")
)
_BAUD = const(9600)  # after each start, and (hypothesis) after each deep sleep
# Baud, seconds after which it goes back if it hears nothing at this one, stored or not, kind of
# synchronization, stop bits: as published programs for a BC95 have them, and the header of its
# chip set's maker. Hypothesis: an old firmware says ERROR.
_SPEED = const("AT+NATSPEED=%d,3,0,2,1")
_SETTLE_MS = const(100)  # hypothesis: it changes after its OK
_BACK_MS = const(4000)
_TRIES_A_SPEED = const(2)  # what was heard at the wrong speed may spoil the first
_LOCAL_PORT = const(4587)  # any; a second socket on it is refused


class BC95(ByAddress):
    BOOT_LINES = ("REBOOT_", "REBOOTING")  # "REBOOT_CAUSE_APPLICATION_AT"
    # Hypotheses: it has no power key, RESET low for 100 ms or more, ready after some seconds.
    RESET_MS = 200
    BOOT_MS = 8000
    # Hypothesis: above this one it does not sleep. A module that refuses stays as it is.
    FAST_BAUD = 57600
    MAX_DATAGRAM = 512  # the oldest firmwares; later ones 1358
    CREATE = "AT+NSOCR=DGRAM,17,%d,1" % _LOCAL_PORT, ""
    CLOSE = "AT+NSOCL=%d"
    SOCKETS = 7
    LOOKUP = "AT+QDNS=0,%s", "+QDNS"  # from BC95-G on; older ones need an address

    def __init__(self, uart, pwrkey=None, reset=None):
        super().__init__(uart, pwrkey, reset)
        self.session.on("+NSONMI", self._on_arrival)
        self._waiting = False  # something has come and was not fetched yet
        self._baud = _BAUD

    async def _set_up(self):
        self.socket_open = self._waiting = False
        await self.attempt(at.assign("+CMEE", 1))  # errors with numbers

    async def _define_apn(self, apn):
        if apn:
            await self.attempt(at.assign("+CGDCONT", 0, "IP", apn), timeout_ms=_PDN_MS)

    # It has no +CPIN but a SIM that can be read, and registers when it is told to.
    async def _sim_ready(self):
        if (await self.run("AT+CIMI", "")).state != at.DONE:
            return False
        await self.attempt(at.assign("+CGATT", 1))
        return True

    # As its network allows, and a command wakes it.
    async def sleep(self):
        self._down()
        self._tune(_BAUD)

    # -- the speed of its line

    def _tune(self, baud):
        if baud != self._baud:
            self._baud = baud
            self._port.uart.init(baudrate=baud)

    # It may be at the other speed: since before a reset of ours, or since one of its own.
    async def _sync(self, limit_ms):
        deadline, tries = self.deadline(limit_ms), 0
        while self.left(deadline) or tries < 2 * _TRIES_A_SPEED:
            state = (await self.run("AT")).state
            if state == at.DONE:
                return True
            tries += 1
            if state == at.TIMED_OUT and tries % _TRIES_A_SPEED == 0:
                self._tune(self.FAST_BAUD if self._baud == _BAUD else _BAUD)
        return False

    async def attach(self, apn, timeout_ms):
        await super().attach(apn, timeout_ms)
        if self._baud == _BAUD and self.FAST_BAUD > _BAUD:
            await self._hurry()

    async def _hurry(self):
        fast = self.FAST_BAUD
        if (await self.run(_SPEED % fast)).state == at.DONE:
            await asyncio.sleep_ms(_SETTLE_MS)
            self._tune(fast)
            for _ in range(_TRIES_A_SPEED):
                if (await self.run("AT")).state == at.DONE:
                    return
        self.FAST_BAUD = _BAUD  # not before the next start of ours
        self._tune(_BAUD)
        if not await self._sync(_BACK_MS):
            raise self.error("modem_silent", "at %d baud and at %d" % (fast, _BAUD))

    async def signal(self):
        for line in (await self.ask("AT+NUESTATS", "")).lines:
            name, _, tenths = line.partition(":")
            if name == "Signal power":
                return {"rsrp_dbm": _dbm(tenths)}
        return {"rsrp_dbm": None}

    # Before the network has told it, it says OK and nothing else.
    async def network_time(self):
        command = await self.ask(at.read("+CCLK"), "+CCLK")
        return await super().network_time() if command.lines else None

    async def send(self, data, release=0):
        text = _SENDS[release]
        text = text % ((self._socket,) + self._remote + (len(data),))
        for _ in range(_TRIES):
            command = await self.run(text, "", data=data, timeout_ms=_SEND_MS)
            if command.state == at.DONE:
                return
            if command.final.split(" ")[-1] not in _BUSY:
                break
            await asyncio.sleep_ms(_BUSY_MS)
        raise self.error("send_failed", command.final or "no OK")

    def _on_arrival(self, line):
        self._waiting = True

    async def receive(self, timeout_ms):
        deadline = self.deadline(timeout_ms)
        while not self.received:
            left = self.left(deadline)
            if left and not self._waiting:
                await self.listen(left)
                self._check()
                continue
            await self._fetch()  # at the end in any case: what announced it may have been torn
            if not left:
                break
        return self.received.pop(0) if self.received else None

    # "0,203.0.113.7,5683,2,4f4b,0": socket, whence, size, data, bytes that are left.
    async def _fetch(self):
        text = "AT+NSORF=%d,%d" % (self._socket, self.MAX_DATAGRAM)
        self._waiting = False
        command = await self.attempt(text, prefix="", timeout_ms=_FETCH_MS)
        for line in command.lines:
            if line.startswith("+"):
                continue
            try:
                _, _, _, size, text, left = line.split(",")
                data = bytes.fromhex(text)
                if len(data) != int(size):
                    raise ValueError(line)
                self._keep(data)
                self._waiting = int(left) > 0
            except ValueError:
                self.count("modem_error")  # torn; the sender will repeat


# -32768: not known.
def _dbm(tenths):
    try:
        dbm = (int(tenths) + 5) // 10
        return dbm if -157 < dbm < 0 else None
    except ValueError:  # torn
        return None
