"""Find, read and learn Modbus sensors on an RS485 adapter at this machine."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..asking import must_be_there
from ..errors import CannotTry, FieldbeatError
from ..language import tr
from ..output import JsonOption, print_json, print_table, progress, remark, say
from ..wording import counted

if TYPE_CHECKING:
    from ..modbus_learning import Guess, Sample
    from ..modbus_line import Found, Heard, ModbusLine
    from ..register_map import RegisterMap

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Framing(StrEnum):
    """Data bits, parity, stop bits."""

    N1 = "8N1"
    E1 = "8E1"
    N2 = "8N2"


class Baud(StrEnum):
    B1200 = "1200"
    B2400 = "2400"
    B4800 = "4800"
    B9600 = "9600"
    B19200 = "19200"
    B38400 = "38400"
    B57600 = "57600"
    B115200 = "115200"


PortOption = Annotated[
    str, typer.Option(help="The RS485 adapter: /dev/ttyUSB0, or any pyserial URL.")
]
BaudOption = Annotated[Baud, typer.Option(help="Bits per second; 'scan' finds it.")]
FramingOption = Annotated[Framing, typer.Option(help="Data bits, parity, stop bits.")]
AddressOption = Annotated[int, typer.Option(min=1, max=247, help="The device's address.")]
ReplyOption = Annotated[
    float, typer.Option(min=0.01, max=10, help="Seconds that a device may take to answer.")
]


@app.callback()
def modbus() -> None:
    """Find, read and learn Modbus sensors on an RS485 adapter at this machine.

    \b
    Example:
        fieldbeat modbus scan --port /dev/ttyUSB0
        fieldbeat modbus read --port /dev/ttyUSB0 --address 1 --map soil_7in1_womaster
        fieldbeat modbus learn --port /dev/ttyUSB0 --address 1 --out my_probe.json
    """


@app.command()
def scan(
    port: PortOption,
    addresses: str = typer.Option("1-247", help="Which addresses: '1-20', '1,2,100'."),
    baud: list[Baud] = typer.Option([], help="Only at these speeds; default: all."),
    framing: list[Framing] = typer.Option(["8N1"], help="Also with these framings."),
    first: bool = typer.Option(False, "--first", help="Stop at the first device."),
    reply_s: ReplyOption = 0.25,
    as_json: JsonOption = False,
) -> None:
    """Look for devices: each address at each speed, the likelier ones first.

    A line of one speed needs about a minute a speed; 'scan --first' ends with the first device.

    \b
    Example:
        fieldbeat modbus scan --port /dev/ttyUSB0 --first
        fieldbeat modbus scan --port /dev/ttyUSB0 --addresses 1-10 --framing 8E1
    """
    from .. import modbus_line, modbus_numbers

    asked = modbus_numbers.addresses(addresses)
    bauds = [int(each) for each in baud] or list(modbus_line.BAUDS)
    framings = [str(each) for each in framing]
    total = len(asked) * len(bauds) * len(framings)
    found: list[Found] = []
    heard: list[Heard] = []
    with modbus_line.ModbusLine(port, reply_s=reply_s) as line, progress("asking", total) as done:
        answers = modbus_line.scan(line, asked, bauds, framings)
        for n, answer in enumerate(answers, 1):
            done(n)
            if isinstance(answer, modbus_line.Found):
                found.append(answer)
                how = tr("{baud} baud, {framing}").format(baud=answer.baud, framing=answer.framing)
                remark(
                    tr("device {address} at {how}").format(address=answer.address, how=how),
                    as_json,
                )
                if first:
                    break
            elif answer is not None:
                heard.append(answer)
    _tell_found(port, found, heard, total, as_json)


def _tell_found(
    port: str, found: list[Found], heard: list[Heard], total: int, as_json: bool
) -> None:
    if not found:
        _nobody(port, heard, total)
    if as_json:
        print_json([vars(each) for each in found])
        return
    rows = [(each.address, each.baud, each.framing) for each in found]
    print_table(("address", "baud", "framing"), rows)
    one = found[0]
    say(
        tr(
            "next: fieldbeat modbus read --port {port} --address {address} --baud "
            "{baud} --framing {framing} --count 10"
        ).format(port=port, address=one.address, baud=one.baud, framing=one.framing)
    )


def _nobody(port: str, heard: list[Heard], total: int) -> None:
    if heard:
        where = sorted(
            {
                tr("{baud} baud, {framing}").format(baud=each.baud, framing=each.framing)
                for each in heard
            }
        )
        raise FieldbeatError(
            tr(
                "nobody answered {total} questions at {port}, but there were bytes at "
                "{listed}: {value}"
            ).format(
                total=total,
                port=port,
                listed="; ".join(where[:3]),
                value=heard[0].data[:8].hex(" "),
            ),
            tr(
                "two devices with one address, no terminating resistor, or another "
                "framing: connect one alone, and add --framing 8E1 --framing 8N2"
            ),
        )
    raise FieldbeatError(
        tr("nobody answered {total} questions at {port}").format(total=total, port=port),
        tr(
            "see to the sensor's supply (often 12 V), exchange A and B, and add "
            "--framing 8E1 --framing 8N2"
        ),
    )


@app.command()
def read(
    port: PortOption,
    address: AddressOption,
    map: str | None = typer.Option(
        None, "--map", help="A register map: a name of drivers/maps, or a file."
    ),
    register: str = typer.Option("0", help="Without a map: the first register, 500 or 0x1F4."),
    count: int = typer.Option(10, min=1, max=125, help="Without a map: how many."),
    function: int = typer.Option(3, min=3, max=4, help="Without a map: 3 holding, 4 input."),
    baud: BaudOption = Baud.B9600,
    framing: FramingOption = Framing.N1,
    reply_s: ReplyOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Show registers: as a map reads them, and raw.

    \b
    Example:
        fieldbeat modbus read --port /dev/ttyUSB0 --address 1 --map weather_500
        fieldbeat modbus read --port /dev/ttyUSB0 --address 1 --register 0x1F4 --count 12
    """
    from .. import modbus_line, modbus_numbers, register_map

    found = register_map.load(map) if map else None
    with modbus_line.ModbusLine(port, int(baud), str(framing), reply_s) as line:
        if found:
            function = found.function
            wanted = [number for each in found.registers for number in each.numbers]
        else:
            first = modbus_numbers.register(register)
            wanted = list(range(first, first + count))
        values: Sample = {}
        for start, size in modbus_line.blocks(wanted, 125):
            got = line.read(address, function, start, size)
            values.update(zip(range(start, start + size), got, strict=True))
    if found:
        _show_map(found, values, as_json)
    else:
        _show_raw(values, as_json)


def _show_map(found: RegisterMap, values: Sample, as_json: bool) -> None:
    rows = []
    for each in found.registers:
        raw = " ".join(f"{values[number]:04x}" for number in each.numbers)
        rows.append((each.name, each.told(values), each.unit, each.register_, raw))
    if as_json:
        keys = ("name", "value", "unit", "register", "raw")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    print_table(("name", "value", "unit", "register", "raw"), rows, found.part)
    for each in found.registers:
        if not each.is_possible(values):
            told = tr("note: {name} cannot be {value} {unit}: the map is of another device")
            remark(told.format(name=each.name, value=each.told(values), unit=each.unit))
    if "hypothes" in found.source:
        say(tr("the map says of itself: {source}").format(source=found.source))


def _show_raw(values: Sample, as_json: bool) -> None:
    rows = [
        (number, f"0x{number:04X}", f"{value:04x}", value, value - (value >> 15 << 16))
        for number, value in values.items()
    ]
    if as_json:
        keys = ("register", "hex", "raw", "unsigned", "signed")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    print_table(("register", "hex", "raw", "unsigned", "signed"), rows)


@app.command()
def learn(
    port: PortOption,
    address: AddressOption,
    out: Path = typer.Option(..., help="The register map that is written, a JSON file."),
    register: str = typer.Option("0", help="The first register to look at, 500 or 0x1F4."),
    count: int = typer.Option(32, min=1, max=125, help="How many to look at."),
    function: int = typer.Option(3, min=3, max=4, help="3 holding registers, 4 input registers."),
    seconds: float = typer.Option(10, min=0.1, max=300, help="How long each look lasts."),
    part: str = typer.Option("Modbus sensor, RS485", help="What it is, for the map."),
    baud: BaudOption = Baud.B9600,
    framing: FramingOption = Framing.N1,
    reply_s: ReplyOption = 1.0,
) -> None:
    """Find out which register is what: you move a quantity, it says which registers follow.

    First it looks while nothing happens, then you name a quantity and stimulate the sensor, as
    often as you like. It proposes name, scale and sign by what is plausible; you choose.

    \b
    Example:
        fieldbeat modbus learn --port /dev/ttyUSB0 --address 1 --out my_probe.json
    """
    from .. import modbus_lessons, modbus_line, modbus_numbers, register_map
    from ..modbus_learning import to_map

    if out.exists():
        raise CannotTry(
            tr("{out} is there already").format(out=out), tr("give another --out, or remove it")
        )
    if not out.parent.is_dir():
        message = tr("there is no folder {path}").format(path=out.parent)
        raise CannotTry(message, tr("make it, or give another --out"))
    must_be_there(
        tr("to move what it measures"), tr("or see 'fieldbeat modbus read' for raw values")
    )
    first = modbus_numbers.register(register)
    source = tr(
        "learned at device {address}, {baud} baud, {framing}; hypothesis: check each value"
    ).format(address=address, baud=baud, framing=framing)

    def keep(chosen: list[Guess]) -> None:
        data = to_map(part, source, function, chosen)
        out.write_text(register_map.to_text(data), "utf-8")
        remark(tr("{out} has {counted}").format(out=out, counted=counted(len(chosen), "register")))

    with modbus_line.ModbusLine(port, int(baud), str(framing), reply_s) as line:
        there = _existing(line, address, function, range(first, first + count))
        modbus_lessons.lessons(
            lambda: modbus_lessons.watch(line, address, function, there, seconds), keep
        )
    if not out.exists():
        raise FieldbeatError(
            tr("nothing was learned, and no map written"), tr("name a quantity, choose")
        )
    say(
        tr(
            "next: fieldbeat modbus read --port {port} --address {address} --baud "
            "{baud} --framing {framing} --map {out}"
        ).format(port=port, address=address, baud=baud, framing=framing, out=out)
    )


def _existing(line: ModbusLine, address: int, function: int, asked: range) -> list[int]:
    """Return, and say, which registers of a range a device has."""
    from .. import modbus_line, modbus_numbers

    there = modbus_line.existing(line, address, function, asked)
    if not there:
        raise FieldbeatError(
            tr("device {address} has no register from {first} to {value}").format(
                address=address, first=asked[0], value=asked[-1]
            ),
            tr("try --function {value}, or --register 500").format(value=7 - function),
        )
    remark(f"{counted(len(there), 'register')}: {modbus_numbers.ranges(there)}")
    return there
