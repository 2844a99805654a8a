# What Quectel's modems have in common: registration, one UDP socket, signal, network time.
# A model adds the times of its pins and the commands that differ.
# SPDX-License-Identifier: Apache-2.0
from protocols import calendar
from protocols.compat import const

from . import at
from .modem import Modem

# Deadlines are hypotheses after Quectel's AT manuals ("maximum response time") where none else
# is given.
_CFUN_MS = const(15000)
_SIM_MS = const(10000)  # from power-on to +CPIN: READY
_OPEN_MS = const(60000)  # includes the name look-up
_SEND_MS = const(30000)  # "SEND OK" waits for a radio channel: some seconds in bad coverage
_CLOSE_MS = const(10000)
_POLL_MS = const(1000)

# TS 27.007, +CEREG <stat>
_HOME = const(1)
_DENIED = const(3)
_ROAMING = const(5)

# TS 24.008 10.5.7.4a and 10.5.7.3, unit and value: periodic update 1 h, active time 1 min.
_PSM = const((("+CPSMS", 1, None, None, "00100001", "00100001"),))

_SOCKET = const(0)
_QUEUE = const(4)  # datagrams kept; the wire sends one answer a wake

# AT+QNBIOTRAI: no information; one more downlink is expected, then let the radio go.
_RAI_NONE = const(0)
_RAI_ONE_DOWNLINK = const(2)


class Quectel(Modem):
    POWER = _PSM  # what registration negotiates, as settings; awake.py has others

    def __init__(self, uart, pwrkey=None, reset=None):
        super().__init__(uart, pwrkey, reset)
        self.session.on("+QIURC", self._on_socket)
        self.received = []
        self.socket_open = False
        self._rai = None  # what the modem was told; unknown after it started

    async def _set_up(self):
        self.socket_open = False
        self._rai = None
        await self.ask("ATE0")
        await self.attempt(at.assign("+QSCLK", 0))  # stay awake until sleep()

    # -- what a model knows

    async def _define_apn(self, apn):
        raise NotImplementedError

    async def _assist_release(self, rai):
        raise NotImplementedError

    # -- network

    async def attach(self, apn, timeout_ms):
        await self._define_apn(apn)
        if await self.ask(at.read("+CFUN"), "+CFUN", _numbers) != [1]:
            await self.ask(at.assign("+CFUN", 1), timeout_ms=_CFUN_MS)
        await self.until(self._sim_ready, self.deadline(_SIM_MS), _POLL_MS, "modem_error")
        for setting in self.POWER:
            await self.attempt(at.assign(*setting))
        deadline = self.deadline(timeout_ms)
        await self.until(self.registered, deadline, _POLL_MS, "reg_searching")
        await self.until(self._attached, deadline, _POLL_MS, "reg_searching")

    async def _sim_ready(self):
        command = await self.run(at.read("+CPIN"), "+CPIN")
        return command.state == at.DONE and command.lines[-1:] == ["+CPIN: READY"]

    async def registered(self):
        status = await self.ask(at.read("+CEREG"), "+CEREG", _status)
        if status == _DENIED:
            raise self.error("reg_denied", "check the SIM's contract and the APN")
        return status in (_HOME, _ROAMING)

    async def _attached(self):
        return await self.ask(at.read("+CGATT"), "+CGATT", _numbers) == [1]

    async def signal(self):
        return {"rsrp_dbm": await self.ask(at.action("+CESQ"), "+CESQ", _rsrp_dbm)}

    async def network_time(self):
        # Seconds since 2024 UTC, None before the network has told it.
        seconds = await self.ask(at.read("+CCLK"), "+CCLK", _clock)
        return seconds if seconds >= 0 else None

    # -- the socket

    async def open_udp(self, host, port):
        await self.ask(at.assign("+QICFG", "dataformat", 1, 1))  # hex both ways
        self.received.clear()
        text = at.assign("+QIOPEN", _SOCKET, 0, "UDP", host, port)
        for _ in range(2):
            command = await self.run(text, ok=("OK", "+QIOPEN"), timeout_ms=_OPEN_MS)
            if command.state == at.DONE and command.final == "+QIOPEN: %d,0" % _SOCKET:
                self.socket_open = True
                return
            if command.state == at.TIMED_OUT:
                break
            # It may be open since before a reset of ours.
            await self._close()
        raise self.error("modem_error", "socket: " + (command.final or "no answer"))

    async def send(self, data, release=False):
        # Returns when the datagram has left the modem, which is not when it has arrived.
        await self._tell_release(_RAI_ONE_DOWNLINK if release else _RAI_NONE)
        command = await self.run(
            at.assign("+QISEND", _SOCKET, len(data)) + ",",
            data=data,
            ok=("OK", "SEND OK"),
            fail=at.FAIL + ("SEND FAIL",),
            timeout_ms=_SEND_MS,
        )
        if command.state != at.DONE:
            raise self.error("send_failed", command.final or "no SEND OK")

    async def _tell_release(self, rai):
        if rai != self._rai:
            self._rai = rai
            await self._assist_release(rai)

    async def receive(self, timeout_ms):
        deadline = self.deadline(timeout_ms)
        while not self.received:
            self._check()
            if not self.socket_open:
                raise self.error("modem_error", "the socket is closed: open it again")
            left = self.left(deadline)
            if not left:
                return None
            await self.listen(left)
        return self.received.pop(0)

    def _on_socket(self, line):
        try:
            event, socket, *rest = at.fields(line)
            if int(socket) != _SOCKET:
                return
            if event == "closed":
                self.socket_open = False
            elif event == "recv":
                self.received.append(_datagram(*rest))
        except (ValueError, TypeError):
            self.count("modem_error")  # a torn line; the sender will repeat
        if len(self.received) > _QUEUE:
            self.received.pop(0)
            self.count("modem_error")

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


# Readers of information lines. ValueError or IndexError: the line is torn, ask again.


def _numbers(line):
    return [int(value) for value in at.fields(line)]


def _status(line):
    return int(at.fields(line)[1])


def _rsrp_dbm(line):
    # TS 27.007, +CESQ: the last of six; 0..97 for -140..-43 dBm, 255 if not known.
    _, _, _, _, _, rsrp = _numbers(line)
    if rsrp == 255:
        return None
    if not 0 <= rsrp <= 97:
        raise ValueError("rsrp %d" % rsrp)
    return rsrp - 140


def _datagram(size, text):
    data = bytes.fromhex(text)
    if len(data) != int(size):
        raise ValueError("%s bytes announced, %d came" % (size, len(data)))
    return data


def _clock(line):
    # '+CCLK: "24/06/01,08:00:00+32"' -> seconds since 2024. It is UTC; the place lies 32 quarters
    # of an hour east of it.
    (text,) = at.fields(line)
    if len(text) != 20 or text[2] + text[5] + text[8] + text[11] + text[14] != "//,::":
        raise ValueError("clock %r" % text)
    year, month, day, hour, minute, second = [int(text[i : i + 2]) for i in range(0, 18, 3)]
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        raise ValueError("clock %r" % text)
    # Two digits are 1970 (a clock that was never set) to 2069.
    days = calendar.month_start(year + (1900 if year >= 70 else 2000), month) + day - 1
    return days * 86400 + hour * 3600 + minute * 60 + second
