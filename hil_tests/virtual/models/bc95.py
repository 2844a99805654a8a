"""Quectel BC95 and others with Hisilicon's chip set: 9600 baud, numbers without a command's name.

Sources: transcripts of BC95 and BC28 modules that were published. Hypotheses: it answers again
after a first line that only wakes it; a second +NSONMI comes when what was there is fetched; a
speed that is not stored ends with a restart, with a deep sleep, or when nothing comes at it.
"""

from __future__ import annotations

from ..network import Network
from ..world import World
from . import at_commands
from .at_line import READ, SET, AtError, Call, is_number, parse
from .at_modem import ASLEEP, NETWORK_BAND, ATModem
from .modem_radio import EARFCN

SOCKETS = 7
MAX_DATAGRAM = 512
LOOKUP_US = 400_000
SPEEDS = (4_800, 9_600, 57_600, 115_200)
SPEED_US = 20_000  # after its OK
FLAGS = {"0": 0, "0x000": 0, "0x200": 1, "0x400": 2}
BOOT_LOG = (
    "\r\nBoot: Unsigned\r\nSecurity B.. Verified\r\nProtocol A.. Verified\r\n"
    "Apps A...... Verified\r\n\r\nREBOOT_CAUSE_APPLICATION_AT\r\nNeul \r\nOK\r\n"
)
SETTINGS = at_commands.SETTINGS | {
    "+CMEE": "0",
    "+NBAND": "5,8,20",
    "+NCONFIG": "AUTOCONNECT,FALSE",
}
TABLE = at_commands.with_settings(SETTINGS)
command = at_commands.into(TABLE)


class BC95(ATModem):
    """The words of a BC95."""

    BAUD = 9_600
    IMEI = "86370303"
    BOOT_LOG = BOOT_LOG
    TABLE = TABLE
    SETTINGS = SETTINGS
    PERSISTENT = ("+CPSMS", "+CEDRXS", "+NBAND", "+NCONFIG")
    ALLOWED = at_commands.ALLOWED | {
        "+NBAND": "[0-9]+(,[0-9]+)*",
        "+NCONFIG": "AUTOCONNECT,(TRUE|FALSE)",
    }
    BAND_SETTING = "+NBAND"
    AUTOBAUD = PWRKEY = ECHO = EAGER = False
    release = 0
    speeds = SPEEDS  # that AT+NATSPEED takes
    commands = 0  # heard at this speed
    noisy_at = 0  # baud: a line that spoils all at this speed

    def __init__(
        self, world: World, network: Network, baud: int | None = None, imei: str = ""
    ) -> None:
        self.bands = SETTINGS["+NBAND"]  # a restart makes them those of the setting
        super().__init__(world, network, baud, imei)

    def clear(self) -> None:
        super().clear()
        self.bands = self.settings["+NBAND"]
        self.baud = self.BAUD
        self.waiting: dict[int, list[bytes]] = {}  # datagrams that have come, by socket
        self.release = 0

    @property
    def hears(self) -> bool:
        return NETWORK_BAND in self.bands.split(",")

    def started(self) -> None:
        if self.settings["+NCONFIG"].endswith("TRUE"):
            self.radio.search()
        else:
            self.radio.function = 0

    def receive(self, data: bytes) -> None:
        if self.state == ASLEEP:
            self.awake()
        else:
            super().receive(data)

    def sleep(self) -> None:
        super().sleep()
        self.baud = self.BAUD

    def garbled(self, data: bytes, baud: int) -> bytes:
        noisy = self.baud == self.noisy_at
        return b"\xff" * len(data) if noisy else super().garbled(data, baud)

    def at_speed(self, baud: int, timeout_s: int) -> None:
        """Change the speed; go back if no command comes at it."""
        before, self.baud, self.commands = self.baud, baud, 0

        def look() -> None:
            if not self.commands:
                self.baud = before

        self.later(timeout_s * 1_000_000, look)

    def say(self, line: str) -> None:
        """Say a line without the blank after its colon, but for errors."""
        super().say(line if line.startswith("+CME") else line.replace(": ", ":", 1))

    def execute(self, line: str) -> list[str]:
        self.commands += parse(line) is not None
        lines = super().execute(line)
        if self.settings["+CMEE"] == "0" and lines and lines[-1].startswith("+CME"):
            lines[-1] = "ERROR"
        return lines

    def arrived(self, number: int, data: bytes) -> None:
        waiting = self.waiting.setdefault(number, [])
        waiting.append(data)
        if len(waiting) == 1:
            self.urc(f"+NSONMI: {number},{len(data)}")

    def closed(self, number: int) -> None:
        self.waiting.pop(number, None)
        self.urc(f"+NSOCLI: {number}")


@command("+CPIN")
def no_such(modem: BC95, call: Call) -> None:
    raise AtError


@command("+CGATT")
def attach(modem: BC95, call: Call) -> list[str] | None:
    if call.kind == READ:
        return [f"+CGATT: {int(modem.radio.registered)}"]
    if modem.radio.function != 1:
        raise AtError(50)
    if call.number(0, 0, 1) and not modem.radio.looking:
        modem.radio.search()
    return None


@command("+CCLK")
def clock(modem: BC95, call: Call) -> list[str] | None:
    """The same without quotes, and nothing before the network has told it."""
    lines = at_commands.clock(modem, call) if modem.radio.clock_set else None
    return lines and [line.replace('"', "") for line in lines]


@command("+NUESTATS")
def statistics(modem: BC95, call: Call) -> list[str]:
    rsrp = modem.radio.rsrp()
    tenths = -32768 if rsrp is None else 10 * rsrp + modem.random.randrange(-4, 5)
    return [
        f"Signal power:{tenths}",
        f"Total power:{-32768 if rsrp is None else tenths + 40}",
        "TX power:230",
        "TX time:1920",
        "RX time:28404",
        "Cell ID:27447553" if rsrp is not None else "Cell ID:4294967295",
        f"ECL:{255 if rsrp is None else modem.radio.level}",
        f"SNR:{-32768 if rsrp is None else 10 * modem.radio.snr_db + 3}",
        f"EARFCN:{EARFCN}",
        "PCI:7",
        "RSRQ:-108",
        "OPERATOR MODE:4",
    ]


@command("+NRB")
def reboot(modem: BC95, call: Call) -> list[str]:
    modem.later(200_000, modem.boot)
    return ["REBOOTING"]


@command("+NATSPEED")
def speed(modem: BC95, call: Call) -> list[str] | None:
    """Baud, seconds, whether it is stored (never, here), synchronization, stop bits, parity."""
    if call.kind == READ:
        return [f"+NATSPEED: {modem.baud},0,0,1,0"]
    baud, timeout_s = call.number(0, 0, 460_800), call.number(1, 0, 30)
    if baud not in modem.speeds:
        raise AtError(50)
    modem.later(SPEED_US, lambda: modem.at_speed(baud, timeout_s))
    return None


@command("+NBAND")
def bands(modem: BC95, call: Call) -> list[str] | None:
    if call.kind == SET and modem.radio.function:
        raise AtError(50)
    return at_commands.setting(modem, call)


@command("+QDNS")
def look_up(modem: BC95, call: Call) -> None:
    if not modem.radio.registered:
        raise AtError(50)
    call.number(0, 0, 0)
    found = modem.radio.network.resolve(call.text(1)) or "QUERY_DNS_FAILED"
    modem.later(LOOKUP_US, lambda: modem.tell(f"+QDNS: {found}"))


# sockets


@command("+NSOCR")
def create(modem: BC95, call: Call) -> list[str]:
    if call.text(0) != "DGRAM" or call.number(1, 17, 17) != 17:
        raise AtError(50)
    port = call.number(2, 0, 65535)
    sockets = modem.radio.sockets
    if port and any(socket.local_port == port for socket in sockets.values()):
        raise AtError(50)
    free = [number for number in range(SOCKETS) if number not in sockets]
    if not free:
        raise AtError(50)
    modem.radio.open(free[0], "", 0, port)
    return [str(free[0])]


@command("+NSOST")
def send(modem: BC95, call: Call) -> list[str]:
    return _send(modem, call, 0, 3)


@command("+NSOSTF")
def send_with_flags(modem: BC95, call: Call) -> list[str]:
    return _send(modem, call, FLAGS.get(call.text(3)), 4)


def _send(modem: BC95, call: Call, flag: int | None, at: int) -> list[str]:
    number = call.number(0, 0, SOCKETS - 1)
    address, length = call.text(1), call.number(at, 1, MAX_DATAGRAM)
    try:
        data = bytes.fromhex(call.text(at + 1))
    except ValueError:
        raise AtError(50) from None
    known = number in modem.radio.sockets and is_number(address.replace(".", ""))
    if flag is None or len(data) != length or not known:
        raise AtError(50)
    busy = modem.faults.take("busy")
    if busy:
        raise AtError(busy)
    socket = modem.radio.sockets[number]
    socket.host, socket.port = address, call.number(2, 1, 65535)
    modem.release = flag
    modem.radio.send(number, data)
    return [f"{number},{length}"]


@command("+NSORF")
def fetch(modem: BC95, call: Call) -> list[str]:
    number, room = call.number(0, 0, SOCKETS - 1), call.number(1, 1, MAX_DATAGRAM)
    if number not in modem.radio.sockets:
        raise AtError(50)
    waiting = modem.waiting.get(number)
    if not waiting or len(waiting[0]) > room:
        return []
    data, socket = waiting.pop(0), modem.radio.sockets[number]
    left = sum(map(len, waiting))
    return [f"{number},{socket.host},{socket.port},{len(data)},{data.hex().upper()},{left}"]


@command("+NSOCL")
def close(modem: BC95, call: Call) -> None:
    number = call.number(0, 0, SOCKETS - 1)
    if number not in modem.radio.sockets:
        raise AtError(50)
    modem.waiting.pop(number, None)
    modem.radio.close(number)
