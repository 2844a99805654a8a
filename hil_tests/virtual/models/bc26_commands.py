"""The commands that only a BC26 has."""

from __future__ import annotations

from typing import Any

from . import at_commands
from .at_line import SET, AtError, Call, is_number

MAX_SEND = 1024  # bytes in one AT+QISEND
SOCKETS = 5
IDENTITY_USED, NO_CONTEXT = 563, 561  # results of +QIOPEN
NOT_OPEN = 567
OPEN_US = 150_000
LOOKUP_US = 400_000  # more, for a host that is a name
# name -> text after power-on
SETTINGS = at_commands.SETTINGS | {
    "+IPR": "0",
    "+QATWAKEUP": "0",
    "+QBAND": "0",
    "+QCGDEFCONT": '"IP"',
    "+QNBIOTEVENT": "0",
    "+QNBIOTRAI": "0",
    "+QSCLK": "1",
}
PERSISTENT = ("+CPSMS", "+CEDRXS", "+IPR", "+QBAND", "+QCGDEFCONT")
ALLOWED = at_commands.ALLOWED | {
    "+IPR": "0|4800|9600|57600|115200",
    "+QATWAKEUP": "[01]",
    "+QBAND": "[0-9](,[0-9]+)*",
    "+QCGDEFCONT": '"(IP|IPV6|IPV4V6|Non-IP)"' + '(,"[^"]*")?' * 3,
    "+QNBIOTEVENT": "0|[01],1",
    "+QNBIOTRAI": "[012]",
    "+QSCLK": "[012]",
}
TABLE = at_commands.with_settings(SETTINGS)
command = at_commands.into(TABLE)
command("+QSCLK")(at_commands.sleep_lock)


# identity


@command("I")
def identify(modem: Any, call: Call) -> list[str]:
    return ["Quectel_Ltd", "Quectel_BC26", "Revision: BC26NBR01A07"]


@command("+CGMI", "+CGMM", "+CGMR")
def maker(modem: Any, call: Call) -> list[str]:
    texts = {"+CGMI": "Quectel_Ltd", "+CGMM": "Quectel_BC26", "+CGMR": "Revision: BC26NBR01A07"}
    return [texts[call.name]]


@command("+QENG")
def engineering(modem: Any, call: Call) -> list[str] | None:
    """Describe the serving cell; a row that published logs have."""
    call.number(0, 0, 0)
    return at_commands.serving_cell(modem, "+QENG: 0,")


# sockets


@command("+QICFG")
def socket_settings(modem: Any, call: Call) -> list[str] | None:
    if call.kind != SET:
        raise AtError(50)
    if call.text(0) != "dataformat":
        return None
    if len(call.arguments) == 1:
        return [f'+QICFG: "dataformat",{modem.send_format},{modem.receive_format}']
    modem.send_format, modem.receive_format = call.number(1, 0, 1), call.number(2, 0, 1)
    return None


@command("+QIOPEN")
def socket_open(modem: Any, call: Call) -> None:
    if call.kind != SET:
        raise AtError(50)
    call.number(0, 0, 0)
    number = call.number(1, 0, SOCKETS - 1)
    service, host = call.text(2), call.text(3)
    port, local_port = call.number(4, 1, 65535), call.number(5, 0, 65535, 0)
    if service != "UDP" or not host or call.number(6, 0, 1, 1) != 1:
        raise AtError(50)  # TCP and buffer mode are not modelled
    named = not is_number(host.replace(".", ""))
    delay_us = OPEN_US + (LOOKUP_US if named else 0)
    modem.later(delay_us, lambda: opened(modem, number, host, port, local_port))


def opened(modem: Any, number: int, host: str, port: int, local_port: int) -> None:
    """Say how AT+QIOPEN ended."""
    result = 0
    if number in modem.radio.sockets:
        result = IDENTITY_USED
    elif not modem.radio.registered:
        result = NO_CONTEXT
    else:
        modem.radio.open(number, host, port, local_port)
    modem.tell(f"+QIOPEN: {number},{result}")


@command("+QISEND")
def socket_send(modem: Any, call: Call) -> None:
    if call.kind != SET:
        raise AtError(50)
    number = call.number(0, 0, SOCKETS - 1)
    length, text = call.number(1, 1, MAX_SEND), call.text(2)
    if number not in modem.radio.sockets:
        raise AtError(NOT_OPEN)
    try:
        data = bytes.fromhex(text) if modem.send_format else bytes(map(ord, text))
    except ValueError:
        raise AtError(50) from None
    if len(data) != length:
        raise AtError(50)
    modem.radio.send(number, data)


@command("+QICLOSE")
def socket_close(modem: Any, call: Call) -> None:
    number = call.number(0, 0, SOCKETS - 1)
    if number not in modem.radio.sockets:
        raise AtError(NOT_OPEN)
    modem.radio.close(number)
    modem.later(20_000, lambda: modem.tell("CLOSE OK"))


@command("+QISTATE")
def socket_state(modem: Any, call: Call) -> list[str]:
    only = call.number(1, 0, SOCKETS - 1) if call.kind == SET and call.text(0) == "1" else None
    return [
        f'+QISTATE: {number},"UDP","{socket.host}",{socket.port},{socket.local_port},2,0,1'
        for number, socket in sorted(modem.radio.sockets.items())
        if only in (None, number)
    ]


# restart


@command("+QRST")
def restart(modem: Any, call: Call) -> None:
    call.number(0, 1, 1)
    modem.later(200_000, modem.boot)


@command("+QPOWD")
def power_down(modem: Any, call: Call) -> None:
    call.number(0, 0, 2, 0)
    modem.later(200_000, modem.power_off)
