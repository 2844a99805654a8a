# Part names of the boards and how to make the part. Drivers are loaded when a board has them.
# SPDX-License-Identifier: Apache-2.0
import json
import sys

from .later import Brief, call


def _sht4x(board, entry):
    modules = "drivers.sht4x drivers.sensirion drivers.i2c protocols.crc"
    return Brief(modules, "SHT4x", board.bus(entry["bus"]), *_address(entry))


def _scd4x(board, entry):
    modules = "drivers.scd4x drivers.sensirion drivers.i2c protocols.crc"
    return Brief(modules, "SCD4x", board.bus(entry["bus"]), *_address(entry))


def _bh1750(board, entry):
    modules = "drivers.bh1750 drivers.i2c"
    return Brief(modules, "BH1750", board.bus(entry["bus"]), *_address(entry))


def _battery(board, entry):
    ratio = entry.get("numerator", 1), entry.get("denominator", 1)
    return Brief("drivers.battery", "Battery", board.adc(entry["pin"]), *ratio)


def _modbus_probe(board, entry):
    modules = "drivers.modbus_probe protocols.modbus protocols.crc"
    name = entry["map"]
    data = register_map(name)
    line = board.bus(entry["bus"]), entry["address"]
    if "level" not in data:
        lookup = "firmware.parts " + modules, "channels", name
        layout = call(modules, "layout", data)
        return Brief(modules, "ModbusProbe", *line, layout, channels=lookup)
    from drivers.modbus_probe import ModbusProbe

    from . import river_parts

    return river_parts.level(ModbusProbe(*line, data), data, entry)


# Of a register map, which takes too much heap to be kept.
def channels(name):
    from drivers.modbus_probe import channels

    return channels(register_map(name))


def _bc26(make, *lines):
    modules = "drivers.bc26 drivers.nbiot drivers.modem drivers.at protocols.calendar"
    return make(modules, "BC26", *lines)


# make(board, entry of "fitted") -> driver
PARTS = {
    "battery": _battery,
    "bh1750": _bh1750,
    "modbus_probe": _modbus_probe,
    "scd4x": _scd4x,
    "sht4x": _sht4x,
}


# maker(later.made or later.Later, uart, power key pin or None, reset pin or None) -> driver
MODEMS = {"bc26": _bc26}


def _address(entry):
    return (entry["address"],) if "address" in entry else ()


# drivers/maps/NAME.json lies beside the drivers, in whichever slot they were found.
def register_map(name):
    for root in sys.path:
        try:
            with open("%sdrivers/maps/%s.json" % (root + "/" if root else "", name)) as file:
                return json.load(file)
        except OSError:
            continue
    raise ValueError("register map %s is not on the device: build the image again" % name)
