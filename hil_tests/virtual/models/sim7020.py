"""SIMCom SIM7020, with MediaTek's chip set.

Sources: SIM7020 AT commands and TCP/IP notes as others quote them. Hypotheses: what it says while
it boots, that bands and APN are taken while its radio is off, and the fields of +CENG.
"""

from __future__ import annotations

from . import at_commands
from .at_line import READ, SET, AtError, Call, is_number
from .at_modem import ATModem
from .bc26 import BOOT_LOG

SOCKETS = 5
MAX_HEX = 1024  # characters in one AT+CSOSEND
LOOKUP_US = 400_000
SETTINGS = at_commands.SETTINGS | {
    "+CBAND": "3,5,8",
    "+CNBIOTRAI": "0",
    "+CSCLK": "0",
    "*MCGDEFCONT": '"IP",""',
}
TABLE = at_commands.with_settings(SETTINGS)
command = at_commands.into(TABLE)
command("+CSCLK")(at_commands.sleep_lock)


class SIM7020(ATModem):
    """The words of a SIM7020."""

    IMEI = "86643203"
    BOOT_LOG = BOOT_LOG
    TABLE = TABLE
    SETTINGS = SETTINGS
    PERSISTENT = ("+CPSMS", "+CEDRXS", "+CBAND", "+CSCLK", "*MCGDEFCONT")
    ALLOWED = at_commands.ALLOWED | {
        "+CBAND": "[0-9]+(,[0-9]+)*",
        "+CNBIOTRAI": "[012]",
        "+CSCLK": "[012]",
        "*MCGDEFCONT": '"(IP|IPV6|IPV4V6|Non-IP)"(,"[^"]*")?',
    }
    BAND_SETTING = "+CBAND"
    SLEEP_SETTING = "+CSCLK"
    RELEASE_SETTING = "+CNBIOTRAI"

    def arrived(self, number: int, data: bytes) -> None:
        self.urc(f"+CSONMI: {number},{2 * len(data)},{data.hex()}")

    def closed(self, number: int) -> None:
        self.urc(f"+CSOERR: {number},-1")


@command("+CBAND", "*MCGDEFCONT")
def radio_off_only(modem: SIM7020, call: Call) -> list[str] | None:
    if call.kind == SET and modem.radio.function:
        raise AtError(50)
    return at_commands.setting(modem, call)


@command("+CENG")
def engineering(modem: SIM7020, call: Call) -> list[str] | None:
    return at_commands.serving_cell(modem, "+CENG: ") if call.kind == READ else None


@command("+CDNSGIP")
def look_up(modem: SIM7020, call: Call) -> None:
    if not modem.radio.registered:
        raise AtError(50)
    name, found = call.text(0), modem.radio.network.resolve(call.text(0))
    line = f'+CDNSGIP: 1,"{name}","{found}"' if found else "+CDNSGIP: 0,8"
    modem.later(LOOKUP_US, lambda: modem.tell(line))


# sockets


@command("+CSOC")
def create(modem: SIM7020, call: Call) -> list[str]:
    if (call.number(0, 1, 2), call.number(1, 1, 3), call.number(2, 1, 3)) != (1, 2, 1):
        raise AtError(50)  # IPv6, TCP and raw sockets are not modelled
    free = [number for number in range(SOCKETS) if number not in modem.radio.sockets]
    if not free or not modem.radio.registered:
        raise AtError(50)
    modem.radio.open(free[0], "", 0, 0)
    return [f"+CSOC: {free[0]}"]


@command("+CSOCON")
def connect(modem: SIM7020, call: Call) -> None:
    socket, port, address = _socket(modem, call), call.number(1, 1, 65535), call.text(2)
    if not is_number(address.replace(".", "")):
        raise AtError(50)
    socket.host, socket.port = address, port


@command("+CSOSEND")
def send(modem: SIM7020, call: Call) -> None:
    socket, text = _socket(modem, call), call.text(2)
    if call.number(1, 0, 0) or not 0 < len(text) <= MAX_HEX or not socket.host:
        raise AtError(50)
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise AtError(50) from None
    modem.radio.send(call.number(0, 0, SOCKETS - 1), data)


@command("+CSOCL")
def close(modem: SIM7020, call: Call) -> None:
    _socket(modem, call)
    modem.radio.close(call.number(0, 0, SOCKETS - 1))


def _socket(modem: SIM7020, call: Call):
    socket = modem.radio.sockets.get(call.number(0, 0, SOCKETS - 1))
    if socket is None:
        raise AtError(50)
    return socket
