"""Commands of 3GPP TS 27.007 and ITU-T V.250 as modem models carry them out.

A table is name -> what a command does and which lines it says before OK. Settings without a
function of their own are stored as they were written and read back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from .at_line import EXECUTE, READ, SET, TEST, AtError, Call
from .modem_radio import BAND, CELL, EARFCN

EPOCH_S = 946_684_800 if time.gmtime(0)[0] == 2000 else 0  # as some MicroPythons count
QUARTERS = 32  # of an hour that the network says the place is east of UTC
# What the settings that all have may be, as patterns.
ALLOWED = {
    "+CEREG": "[0-5]",
    "+CSCON": "[01]",
    "+CMEE": "[012]",
    "+CPSMS": '[012](,,,("[01]+")?,("[01]+")?)?',
    "+CEDRXS": '[0-3](,5(,"[01]+")?)?',
}
# name -> text after power-on, of those that all have
SETTINGS = {"+CEREG": "0", "+CSCON": "0", "+CMEE": "1", "+CPSMS": "0", "+CEDRXS": "0"}
SIM_ERRORS = {"absent": 10, "pin": 11, "puk": 12}
Handler = Callable[[Any, Call], "list[str] | None"]
TABLE: dict[str, Handler] = {}


def into(table: dict[str, Handler]) -> Callable[..., Callable[[Handler], Handler]]:
    """Return a decorator that enters a function into a table under the names it is given."""

    def command(*names: str) -> Callable[[Handler], Handler]:
        def enter(function: Handler) -> Handler:
            table.update(dict.fromkeys(names, function))
            return function

        return enter

    return command


command = into(TABLE)


@command("", "Z", "&F", "&W", "+CTZR", "+CTZU")
def nothing(modem: Any, call: Call) -> None:
    """Agree, and change nothing that is modelled."""


@command("E")
def echo(modem: Any, call: Call) -> None:
    modem.echo = not call.arguments or call.number(0, 0, 1) == 1


def setting(modem: Any, call: Call) -> list[str] | None:
    """Store, read or describe a setting."""
    if call.kind == READ:
        return [f"{call.name}: {modem.settings[call.name]}"]
    if call.kind == SET:
        text = ",".join(call.arguments)
        timers = [argument for argument in call.arguments if argument[:1] == '"']
        digits = modem.TIMER_DIGITS.get(call.name)
        if digits and any(len(timer) != digits + 2 for timer in timers):
            raise AtError(50)
        if not re.match(f"({modem.ALLOWED[call.name]})$", text):
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


@command("+CGSN")
def serial_number(modem: Any, call: Call) -> list[str]:
    if call.kind == SET:
        return [f"+CGSN: {modem.imei}"] if call.number(0, 0, 3) == 1 else [modem.imei]
    return [modem.imei]


@command("+CIMI")
def subscriber(modem: Any, call: Call) -> list[str]:
    sim_fault(modem)
    return ["460110" + modem.imei[6:15]]


@command("+CPIN")
def sim(modem: Any, call: Call) -> list[str]:
    if call.kind != READ:
        raise AtError(50)
    if modem.faults.sim in ("pin", "puk"):
        return [f"+CPIN: SIM {modem.faults.take('sim').upper()}"]
    sim_fault(modem)
    return ["+CPIN: READY"]


def sim_fault(modem: Any) -> None:
    """Refuse as TS 27.007, 9.2.1 says of a SIM that is not there or wants something."""
    code = SIM_ERRORS.get(modem.faults.take("sim"))
    if code:
        raise AtError(code)


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


def serving_cell(modem: Any, head: str) -> list[str] | None:
    """Describe the serving cell as MediaTek's chip set does; nothing without one.

    EARFCN, offset, PCI, cell, RSRP, RSRQ, RSSI, SINR, band, area, ECL, power, mode.
    """
    rsrp, radio = modem.radio.rsrp(), modem.radio
    if rsrp is None:
        return None
    where = f'{EARFCN},2,7,"{CELL}",{rsrp},-11,{rsrp + 11},{radio.snr_db},{BAND},"2B2D"'
    return [f"{head}{where},{radio.level},140,3"]


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


def sleep_lock(modem: Any, call: Call) -> list[str] | None:
    """Hold the modem awake, or let it sleep a second after; its name differs between makers."""
    lines = setting(modem, call)
    if call.kind == SET and modem.radio.sleepy:
        modem.radio.plan(1_000_000, modem.radio.be_sleepy)
    return lines


def with_settings(settings: dict[str, str]) -> dict[str, Handler]:
    """Return a table of the standard commands and those that only store a setting."""
    return dict.fromkeys(settings, setting) | TABLE
