# What NB-IoT modems have in common by TS 27.007: registration, signal, network time; and the
# datagrams that have come. A model adds its socket, its sleep and the times of its pins.
# SPDX-License-Identifier: Apache-2.0
from protocols import calendar
from protocols.compat import const

from . import at
from .modem import Modem

# Deadlines are hypotheses after Quectel's AT manuals ("maximum response time") where none else
# is given.
_CFUN_MS = const(15000)
_SIM_MS = const(10000)  # from power-on to +CPIN: READY
_POLL_MS = const(1000)

# TS 27.007, +CEREG <stat>
_HOME = const(1)
_DENIED = const(3)
_ROAMING = const(5)

# TS 24.008 10.5.7.4a and 10.5.7.3, unit and value: periodic update 1 h, active time 1 min.
_PSM = const((("+CPSMS", 1, None, None, "00100001", "00100001"),))

_QUEUE = const(4)  # datagrams kept; the wire sends one answer a wake


class NBIoT(Modem):
    BANDS = ""  # what asks for the bands in which it looks for a network
    POWER = _PSM  # what registration negotiates, as settings; awake.py and a policy have others

    def __init__(self, uart, pwrkey=None, reset=None):
        super().__init__(uart, pwrkey, reset)
        self.received = []
        self.socket_open = False

    async def _define_apn(self, apn):
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

    # For whoever wonders why there is no network: what it hears, and where it looks.
    async def look(self):
        await self.signal()
        await self.attempt(at.read(self.BANDS))

    async def network_time(self):
        # Seconds since 2024 UTC, None before the network has told it.
        seconds = await self.ask(at.read("+CCLK"), "+CCLK", _clock)
        return seconds if seconds >= 0 else None

    # -- datagrams

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

    def _keep(self, data):
        self.received.append(data)
        if len(self.received) > _QUEUE:
            self.received.pop(0)
            self.count("modem_error")


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
        raise ValueError
    return rsrp - 140


def _clock(line):
    # '+CCLK: "24/06/01,08:00:00+32"', with quotes or without -> seconds since 2024. It is UTC; the
    # place lies 32 quarters of an hour east of it.
    text = ",".join(at.fields(line))
    if len(text) != 20 or text[2] + text[5] + text[8] + text[11] + text[14] != "//,::":
        raise ValueError
    year, month, day, hour, minute, second = [int(text[i : i + 2]) for i in range(0, 18, 3)]
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        raise ValueError
    # Two digits are 1970 (a clock that was never set) to 2069.
    days = calendar.month_start(year + (1900 if year >= 70 else 2000), month) + day - 1
    return days * 86400 + hour * 3600 + minute * 60 + second
