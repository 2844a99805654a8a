"""The commands that the BC26 model knows: name -> what it does and which lines it says before OK.

Settings without a function of their own are stored as they were written and read back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from .at_line import EXECUTE, READ, SET, TEST, AtError, Call, is_number

MAX_SEND = 1024  # bytes in one AT+QISEND
SOCKETS = 5
IDENTITY_USED, NO_CONTEXT = 563, 561  # results of +QIOPEN
NOT_OPEN = 567
OPEN_US = 150_000
LOOKUP_US = 400_000  # more, for a host that is a name
EPOCH_S = 946_684_800 if time.gmtime(0)[0] == 2000 else 0  # as some MicroPythons count
QUARTERS = 32  # of an hour that the network says the place is east of UTC

# name -> text after power-on
SETTINGS = {
    "+CEREG": "0",
    "+CSCON": "0",
    "+CMEE": "1",
    "+CPSMS": "0",
    "+CEDRXS": "0",
    "+IPR": "0",
    "+QATWAKEUP": "0",
    "+QCGDEFCONT": '"IP"',
    "+QNBIOTEVENT": "0",
    "+QNBIOTRAI": "0",
    "+QSCLK": "1",
}
PERSISTENT = ("+CPSMS", "+CEDRXS", "+IPR", "+QCGDEFCONT")
ALLOWED = {
    "+CEREG": "[0-5]",
    "+CSCON": "[01]",
    "+CMEE": "[012]",
    "+CPSMS": '[012](,,,("[01]+")?,("[01]+")?)?',
    "+CEDRXS": '[0-3](,5(,"[01]+")?)?',
    "+IPR": "0|4800|9600|57600|115200",
    "+QATWAKEUP": "[01]",
    "+QCGDEFCONT": '"(IP|IPV6|IPV4V6|Non-IP)"' + '(,"[^"]*")?' * 3,
    "+QNBIOTEVENT": "0|[01],1",
    "+QNBIOTRAI": "[012]",
    "+QSCLK": "[012]",
}
TIMER_DIGITS = {"+CPSMS": 8, "+CEDRXS": 4}  # in quotes
Handler = Callable[[Any, Call], "list[str] | None"]
TABLE: dict[str, Handler] = {}


def command(*names: str) -> Callable[[Handler], Handler]:
    """Enter a function into the table under these names."""

    def enter(function: Handler) -> Handler:
        TABLE.update(dict.fromkeys(names, function))
        return function

    return enter


@command("", "Z", "&F", "&W", "+CTZR", "+CTZU")
def nothing(modem: Any, call: Call) -> None:
    """Agree, and change nothing that is modelled."""


@command("E")
def echo(modem: Any, call: Call) -> None:
    modem.echo = not call.arguments or call.number(0, 0, 1) == 1


@command(*SETTINGS)
def setting(modem: Any, call: Call) -> list[str] | None:
    """Store, read or describe a setting."""
    if call.kind == READ:
        return [f"{call.name}: {modem.settings[call.name]}"]
    if call.kind == SET:
        text = ",".join(call.arguments)
        timers = [argument for argument in call.arguments if argument[:1] == '"']
        digits = TIMER_DIGITS.get(call.name)
        if digits and any(len(timer) != digits + 2 for timer in timers):
            raise AtError(50)
        if not re.match(f"({ALLOWED[call.name]})$", text):
            raise AtError(50)
        modem.settings[call.name] = text
    elif call.kind == EXECUTE:
        raise AtError
    return None


@command("+CEREG")
def registration(modem: Any, call: Call) -> list[str] | None:
    if call.kind != READ:
        return ["+CEREG: (0-5)"] if call.kind == TEST else setting(modem, call)
    level = modem.settings["+CEREG"]
    return [f"+CEREG: {level},{modem.radio.stat}{modem.radio.cell(level)}"]


@command("+CSCON")
def connection(modem: Any, call: Call) -> list[str] | None:
    if call.kind != READ:
        return setting(modem, call)
    return [f"+CSCON: {modem.settings['+CSCON']},{int(modem.radio.connected)}"]


@command("+QSCLK")
def sleep_lock(modem: Any, call: Call) -> list[str] | None:
    lines = setting(modem, call)
    if call.kind == SET and modem.radio.sleepy:
        modem.radio.plan(1_000_000, modem.radio.be_sleepy)
    return lines


# identity


@command("I")
def identify(modem: Any, call: Call) -> list[str]:
    return ["Quectel_Ltd", "Quectel_BC26", "Revision: BC26NBR01A07"]


@command("+CGMI", "+CGMM", "+CGMR")
def maker(modem: Any, call: Call) -> list[str]:
    texts = {"+CGMI": "Quectel_Ltd", "+CGMM": "Quectel_BC26", "+CGMR": "Revision: BC26NBR01A07"}
    return [texts[call.name]]


@command("+CGSN")
def serial_number(modem: Any, call: Call) -> list[str]:
    if call.kind == SET:
        return [f"+CGSN: {modem.imei}"] if call.number(0, 0, 3) == 1 else [modem.imei]
    return [modem.imei]


@command("+CIMI")
def subscriber(modem: Any, call: Call) -> list[str]:
    return ["460110" + modem.imei[6:15]]


@command("+CPIN")
def sim(modem: Any, call: Call) -> list[str]:
    if call.kind != READ:
        raise AtError(50)
    return ["+CPIN: READY"]


# network


@command("+CFUN")
def function(modem: Any, call: Call) -> list[str] | None:
    if call.kind == READ:
        return [f"+CFUN: {modem.radio.function}"]
    wanted = call.number(0, 0, 4)
    if wanted not in (0, 1, 4):
        raise AtError(50)
    modem.radio.set_function(wanted)
    return None


@command("+CGATT")
def attach(modem: Any, call: Call) -> list[str] | None:
    if call.kind == READ:
        return [f"+CGATT: {int(modem.radio.registered)}"]
    call.number(0, 0, 1)
    return None


@command("+CESQ")
def signal(modem: Any, call: Call) -> list[str]:
    rsrp = modem.radio.rsrp()
    if rsrp is None:
        return ["+CESQ: 99,99,255,255,255,255"]
    rssi = min(max(rsrp + 128, 0), 63)  # RSSI lies about 17 dB over RSRP
    return [f"+CESQ: {rssi},0,255,255,20,{min(max(rsrp + 140, 0), 97)}"]


@command("+CSQ")
def old_signal(modem: Any, call: Call) -> list[str]:
    rsrp = modem.radio.rsrp()
    return ["+CSQ: 99,99" if rsrp is None else f"+CSQ: {min(max((rsrp + 130) // 2, 0), 31)},0"]


@command("+COPS")
def operator(modem: Any, call: Call) -> list[str] | None:
    if call.kind != READ:
        return None
    return ['+COPS: 0,2,"46011",9' if modem.radio.registered else "+COPS: 0"]


@command("+CGPADDR")
def address(modem: Any, call: Call) -> list[str]:
    return [f'+CGPADDR: 1,"{modem.radio.address}"' if modem.radio.registered else "+CGPADDR: 1"]


@command("+CGDCONT")
def context(modem: Any, call: Call) -> list[str] | None:
    if call.kind != READ:
        return None
    return [f'+CGDCONT: 1,"IP","","{modem.radio.address}",0,0,0,,,,0']


@command("+CCLK")
def clock(modem: Any, call: Call) -> list[str] | None:
    """UTC and the quarters of an hour to local time; the year 1970 before the network told it."""
    if call.kind != READ:
        return None
    if not modem.radio.clock_set:
        return ['+CCLK: "70/01/01,00:00:31+00"']
    seconds = int(modem.world.utc_s) + modem.faults.take("clock_off_s") - EPOCH_S
    y, mo, d, h, mi, s = time.gmtime(seconds)[:6]
    return [f'+CCLK: "{y % 100:02d}/{mo:02d}/{d:02d},{h:02d}:{mi:02d}:{s:02d}{QUARTERS:+03d}"']


# sockets


@command("+QICFG")
def socket_settings(modem: Any, call: Call) -> list[str] | None:
    radio = modem.radio
    if call.kind != SET:
        raise AtError(50)
    if call.text(0) != "dataformat":
        return None
    if len(call.arguments) == 1:
        return [f'+QICFG: "dataformat",{radio.send_format},{radio.receive_format}']
    radio.send_format, radio.receive_format = call.number(1, 0, 1), call.number(2, 0, 1)
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
        data = bytes.fromhex(text) if modem.radio.send_format else bytes(map(ord, text))
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
