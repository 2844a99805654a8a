"""Opens the instruments that a bench file names, one kind a function."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from ..instruments.esptool_flasher import EsptoolFlasher
from ..instruments.followed_power import FollowedPower
from ..instruments.power import Power
from ..instruments.serial_console import SerialConsole
from ..instruments.serial_line import BACK_S, SerialLine
from ..instruments.serial_lines import SerialLines
from ..instruments.virtual_console import VirtualConsole
from ..instruments.virtual_flasher import VirtualFlasher
from ..instruments.virtual_lines import VirtualLines
from ..instruments.virtual_power import VirtualPower
from ..instruments.virtual_stimulus import VirtualStimulus
from ..virtual.site import Site
from . import bench_file
from .bench_file import BenchFile, BoardTable, Gpio, Manual, Shelly, Switch, Tasmota, Uhubctl
from .blocked import Blocked
from .stimulus_table import open_stimulus

Closing = list[Callable[[], object]]  # what to do at the end, the last first


def open_board(name: str, file: BenchFile, site: Site | None, closing: Closing) -> dict[str, Any]:
    """The instruments of one board, as RigBoard takes them."""
    table, power = file.boards[name], file.power(name)
    if table.is_virtual:
        assert site is not None
        return _virtual_board(name, table, power, site, closing)
    switch = open_power(name, power)
    closing.append(switch.close)
    if power is not None and not isinstance(power, Manual) and not switch.is_on():
        switch.on()
        _wait_for_device(table.port)
    port = open_port(name, table, closing)
    line = SerialLine(port)
    closing.append(line.close)
    stimulus = None
    if table.stimulus is not None:
        stimulus = open_stimulus(name, table.stimulus, table.manifest, file.folder)
        closing.append(stimulus.close)
    return {
        "name": name,
        "table": table,
        "port": port,
        "power": FollowedPower(switch, line),
        "console": SerialConsole(line),
        "flasher": EsptoolFlasher(line, table.manifest, name),
        "lines": SerialLines(line) if table.lines else None,
        "stimulus": stimulus,
    }


def _virtual_board(
    name: str, table: BoardTable, power: Switch | None, site: Site, closing: Closing
) -> dict[str, Any]:
    mac = bytes.fromhex(table.mac.replace(":", "")) if table.mac else None
    board = site.add_board(table.manifest, name, mac)
    off_s = power.off_s if power else 2.0
    switch = VirtualPower(board, off_s, power is None or power.after == "on")
    closing.append(switch.close)
    return {
        "name": name,
        "table": table,
        "port": board.port,
        "power": switch,
        "console": VirtualConsole(board),
        "flasher": VirtualFlasher(board, table.manifest, name),
        "lines": VirtualLines(board) if table.lines else None,
        "stimulus": VirtualStimulus(board, site),
        "virtual": board,
    }


def _wait_for_device(port: str) -> None:
    """Waits for a local port that comes with the supply; opening it shows whether it did."""
    end_s = time.monotonic() + BACK_S
    while port.startswith("/") and not os.path.exists(port) and time.monotonic() < end_s:
        time.sleep(0.1)


def open_port(name: str, table: BoardTable, closing: Closing) -> str:
    """The device or URL that pyserial opens; a labgrid place is acquired for as long."""
    if not table.port.startswith(bench_file.LABGRID):
        check_usb_serial(name, table, table.port)
        return table.port
    from ..instruments.labgrid_place import LabgridPlace

    place = LabgridPlace(table.port.removeprefix(bench_file.LABGRID))
    closing.append(place.release)
    return place.acquire()


def open_power(name: str, power: Switch | None) -> Power:
    """The switch of a real board; nobody said which: a person switches."""
    from ..instruments.power_gpio import GpioPower
    from ..instruments.power_manual import ManualPower
    from ..instruments.power_shelly import ShellyPower
    from ..instruments.power_tasmota import TasmotaPower
    from ..instruments.power_uhubctl import UhubctlPower

    match power:
        case Uhubctl():
            return UhubctlPower(power)
        case Tasmota():
            return TasmotaPower(power)
        case Shelly():
            return ShellyPower(power)
        case Gpio():
            return GpioPower(power)
        case Manual():
            return ManualPower(power, name)
        case _:
            return ManualPower(Manual(), name)


def check_usb_serial(name: str, table: BoardTable, port: str) -> None:
    """Raises Blocked when the USB chip at a local port is not the one named."""
    if table.usb_serial is None or not os.path.exists(port):
        return
    from serial.tools import list_ports

    real = os.path.realpath(port)
    ports = {
        os.path.realpath(found.device): found.serial_number for found in list_ports.comports()
    }
    if ports.get(real) != table.usb_serial:
        where = [device for device, serial in ports.items() if serial == table.usb_serial]
        reason = f"{name}: the USB serial number at {port} is {ports.get(real)}"
        step = f"plug in the board with {table.usb_serial}, or correct id"
        if where:
            step = f'write port = "{where[0]}", there is {table.usb_serial}'
        raise Blocked(f"{reason}, not {table.usb_serial}", step)
