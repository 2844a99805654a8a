"""Network side of the modem models: registration, radio connection, sockets, power saving.

Figures: NB-IoT at 20 kbit/s as a bench default, 0.37 kbit/s at 164 dB (3GPP R1-1701044); 3GPP TS
24.008 10.5.7.3 for the active timer.
"""

from __future__ import annotations

import random
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from ..network import Network

HOME, SEARCHING, ROAMING = 1, 2, 5
HEADER_BYTES = 28  # IPv4 and UDP
SEND_US = 50_000  # from the end of the command to the radio
PAGING_US = 2_560_000  # to an idle one: at its next paging occasion
EDRX_US = 20_480_000  # the same with AT+CEDRXS on: TS 24.008 10.5.5.32, the shortest for NB-IoT
INACTIVITY_US = 10_000_000  # the network lets the connection go
RELEASE_US = 500_000  # the same after release assistance
SEARCH_US = (2_000_000, 20_000_000)
ONE_UPLINK, ONE_DOWNLINK = 1, 2  # release assistance
# What a cell asks for at 144 and at 154 dB of coupling loss, of a base station that sends 35 dBm a
# subcarrier; hypothesis, each network chooses its own.
LEVEL_DBM = (-110, -120)
NOISE_DBM = -116  # of a subcarrier, and of who else is on the air
MOST_SNR_DB = 30
BAND, EARFCN, CELL = 5, 2509, "0B7A3C12"
TIMER_UNITS_S = {0b000: 2, 0b001: 60, 0b010: 360}


# How well a modem hears and is heard; in bad coverage it says everything many times. Times are
# ranges in us: of a radio connection from idle, and to a connected modem.
Coverage = namedtuple("Coverage", ("uplink_bits_s", "setup_us", "downlink_us"))

GOOD = Coverage(20_000, (300_000, 1_200_000), (100_000, 300_000))
BAD = Coverage(370, (3_000_000, 7_000_000), (500_000, 2_000_000))


class Socket:
    """One UDP socket of the modem; `line` is its way into the network."""

    def __init__(self, host: str, port: int, local_port: int, line: Any) -> None:
        self.host = host
        self.port = port
        self.local_port = local_port
        self.line = line


class Radio:
    """State behind +CEREG, +CSCON and the sockets of one modem."""

    def __init__(self, modem: Any, network: Network) -> None:
        self.modem = modem
        self.network = network
        self.random = random.Random(modem.world.random.getrandbits(64))
        self.coverage = GOOD
        self.rsrp_dbm = self.random.uniform(-105.0, -80.0)
        self.middle_dbm = -95.0  # around which it wanders
        self.sockets: dict[int, Socket] = {}
        self.timer = modem.world.call_after(0, lambda: None)  # the one thing that comes next
        self.free_us = 0  # when it has sent what it was given
        self.missed = 0  # datagrams that came while the modem slept or was off

    def clear(self) -> None:
        """Forget registration and sockets, as after power-on."""
        self.function = 1  # +CFUN
        self._stat = 0
        self.address = ""
        self.clock_set = False
        self.connected = False
        self.sleepy = False  # the active time is over; only the sleep lock holds it
        self.free_us = 0
        self.close_all()

    def plan(self, delay_us: int, action: Callable[[], None]) -> None:
        """Let one thing come next, in place of what was planned before."""
        self.timer.cancel()
        self.timer = self.modem.later(delay_us, action)

    # registration

    @property
    def stat(self) -> int:
        """The registration state of TS 27.007, or what a fault says it is."""
        return self.modem.faults.take("cereg") or self._stat

    @property
    def registered(self) -> bool:
        """True if datagrams can be sent."""
        return self.function == 1 and self.stat in (HOME, ROAMING)

    @property
    def looking(self) -> bool:
        """True if it looks for a network, or has one."""
        return self._stat != 0

    def search(self) -> None:
        """Look for a network; 2 to 20 s."""
        self._stat, self.sleepy = SEARCHING, False
        self.modem.note("search")
        self.tell_stat()
        self.plan(self.random.randrange(*SEARCH_US), self.found)

    def found(self) -> None:
        """Be registered: an address, the time of the network, a connection that soon ends."""
        if not self.modem.hears:
            return
        self._stat = HOME
        if not self.registered:
            return
        self.clock_set = True
        self.address = f"100.64.{self.random.randrange(256)}.{self.random.randrange(1, 255)}"
        self.tell_stat()
        self.modem.attached(self.address)
        self.connect()

    def lose(self) -> None:
        """Lose the registration in the middle of a session, and search again."""
        for number in list(self.sockets):
            self.close(number)
            self.modem.closed(number)
        self.disconnect()
        self.search()

    def set_function(self, function: int) -> None:
        """AT+CFUN: 0 and 4 switch the radio off."""
        if function == self.function:
            return
        self.function = function
        self.close_all()
        if function == 1:
            if self.modem.EAGER:
                self.search()
        else:
            self.timer.cancel()
            self.connected, self._stat = False, 0
            self.modem.note("radio off")
            self.tell_stat()

    def tell_stat(self) -> None:
        """The unsolicited registration line, as AT+CEREG=n asked for it."""
        level = self.modem.settings["+CEREG"]
        self.modem.urc("+CEREG: " + str(self.stat) + self.cell(level), "+CEREG")

    def cell(self, level: str) -> str:
        """Return area, cell and access technology for +CEREG levels above 1; why not, above 2."""
        cause = self.modem.faults.take("cause")
        if cause and level in "35":
            return f",,,,0,{cause}"
        return f',"2B2D","{CELL}",9' if level in "2345" and self._stat in (HOME, ROAMING) else ""

    def move(self, dbm: float) -> None:
        """The antenna is elsewhere: the signal is this strong there."""
        self.rsrp_dbm = self.middle_dbm = dbm

    @property
    def snr_db(self) -> int:
        """Signal over noise at the last look."""
        return min(round(self.rsrp_dbm) - NOISE_DBM, MOST_SNR_DB)

    @property
    def level(self) -> int:
        """The coverage level (ECL) at the last look."""
        return sum(self.rsrp_dbm < least for least in LEVEL_DBM)

    def rsrp(self) -> int | None:
        """Signal in dBm, wandering slowly; None without a network."""
        if not self.registered:
            return None
        step = self.random.gauss(0, 1.0) - 0.05 * (self.rsrp_dbm - self.middle_dbm)
        self.rsrp_dbm = min(max(self.rsrp_dbm + step, -135.0), -60.0)
        return round(self.rsrp_dbm)

    # radio connection and power saving

    def connect(self) -> None:
        """Have a connection, or keep it for another inactivity time."""
        if not self.connected:
            self.connected = True
            self.modem.note("connected")
            self.modem.urc("+CSCON: 1", "+CSCON")
        self.release_after(INACTIVITY_US)

    def release_after(self, delay_us: int) -> None:
        """The connection ends after this time, unless it is used again."""
        self.sleepy = False
        self.plan(delay_us, self.disconnect)

    def disconnect(self) -> None:
        """Be idle; the active time before power saving begins."""
        if self.connected:
            self.connected = False
            self.modem.note("idle")
            self.modem.urc("+CSCON: 0", "+CSCON")
        active_s = self.active_s()
        if active_s is not None:
            self.plan(active_s * 1_000_000, self.be_sleepy)

    def be_sleepy(self) -> None:
        """The active time is over: sleep, unless AT+QSCLK holds the modem awake."""
        self.sleepy = True
        if self.modem.may_sleep:
            self.close_all()
            self.modem.sleep()

    def resume(self) -> None:
        """Be back from power saving: registered and idle, no socket, active time again."""
        self.connected = self.sleepy = False
        self.disconnect()

    def active_s(self) -> int | None:
        """Return T3324 in seconds, None if power saving is off."""
        fields = self.modem.settings["+CPSMS"].split(",")
        if fields[0] != "1" or len(fields) < 5:
            return None
        bits = int(fields[4].strip('"') or "11100000", 2)
        unit = TIMER_UNITS_S.get(bits >> 5)
        return None if unit is None else unit * (bits & 0b11111)

    # sockets

    def open(self, number: int, host: str, port: int, local_port: int) -> None:
        """Open a UDP socket; no packet leaves yet."""
        line = self.network.open(
            lambda data, source: self.incoming(number, line, data), self.modem
        )
        self.sockets[number] = Socket(host, port, local_port or 40_000 + number, line)

    def close(self, number: int) -> None:
        """Close one socket."""
        self.sockets.pop(number).line.close()

    def close_all(self) -> None:
        """Close every socket without a word."""
        for number in list(self.sockets):
            self.close(number)

    def send(self, number: int, data: bytes) -> None:
        """Send a datagram after those before it; SEND OK follows when it has left."""
        coverage, now_us = self.coverage, self.modem.world.now_us
        begin_us = now_us + SEND_US
        if not self.connected:
            begin_us += self.random.randrange(*coverage.setup_us)
        bits = (len(data) + HEADER_BYTES) * 8
        air_us = bits * 1_000_000 // coverage.uplink_bits_s
        self.free_us = max(begin_us, self.free_us) + air_us
        self.modem.later(self.free_us - now_us, lambda: self.sent(number, data))

    def sent(self, number: int, data: bytes) -> None:
        """Let a datagram go and say so, as far as the faults allow."""
        faults = self.modem.faults
        socket = self.sockets.get(number)
        if socket is None or not self.registered or faults.take("send_fail"):
            self.modem.sent(number, False)
            return
        self.connect()
        dip = faults.take("brownout")
        if dip:
            self.modem.supply_dips()
        if dip == "lost":
            self.modem.boot()
            return
        self.modem.note("send", f"{len(data)} bytes")
        if not faults.take("send_ok_never_sent"):
            socket.line.send(socket.host, socket.port, data)
        if self.modem.release == ONE_UPLINK:
            self.release_after(RELEASE_US)
        if not faults.take("send_ok_lost"):
            late_us = (faults.take("send_ok_late_ms") or 0) * 1_000
            self.modem.later(late_us, lambda: self.modem.sent(number, True))

    def incoming(self, number: int, line: Any, data: bytes) -> None:
        """Take a datagram from the network, if it can be reached."""
        if self.modem.state != "on" or self.sleepy:
            self.missed += 1
            return
        delay_us = self.random.randrange(*self.coverage.downlink_us)
        if not self.connected:
            is_edrx = self.modem.settings["+CEDRXS"][0] in "12"
            delay_us += self.random.randrange(EDRX_US if is_edrx else PAGING_US)
        self.modem.later(delay_us, lambda: self.received(number, line, data))

    def received(self, number: int, line: Any, data: bytes) -> None:
        """Tell the board about a datagram."""
        socket = self.sockets.get(number)
        if socket is None or socket.line is not line:
            return
        self.connect()
        self.modem.arrived(number, data)
        if self.modem.release == ONE_DOWNLINK:
            self.release_after(RELEASE_US)
