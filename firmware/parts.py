# Part names of the boards and how to make the part. Drivers are imported when a board has them.
# SPDX-License-Identifier: Apache-2.0
import json
import sys


def _sht4x(board, entry):
    from drivers.sht4x import SHT4x

    return SHT4x(board.bus(entry["bus"]), **_address(entry))


def _scd4x(board, entry):
    from drivers.scd4x import SCD4x

    return SCD4x(board.bus(entry["bus"]), **_address(entry))


def _bh1750(board, entry):
    from drivers.bh1750 import BH1750

    return BH1750(board.bus(entry["bus"]), **_address(entry))


def _battery(board, entry):
    from drivers.battery import Battery

    ratio = entry.get("numerator", 1), entry.get("denominator", 1)
    return Battery(board.adc(entry["pin"]), *ratio)


def _modbus_probe(board, entry):
    from drivers.modbus_probe import ModbusProbe

    data = register_map(entry["map"])
    probe = ModbusProbe(board.bus(entry["bus"]), entry["address"], data)
    if "level" not in data:
        return probe
    from . import river_parts

    return river_parts.level(probe, data, entry)


def _bc26(uart, pwrkey, reset):
    from drivers.bc26 import BC26

    return BC26(uart, pwrkey, reset)


# make(board, entry of "fitted") -> driver
PARTS = {
    "battery": _battery,
    "bh1750": _bh1750,
    "modbus_probe": _modbus_probe,
    "scd4x": _scd4x,
    "sht4x": _sht4x,
}


# make(uart, power key pin or None, reset pin or None) -> driver
MODEMS = {"bc26": _bc26}


def _address(entry):
    return {"address": entry["address"]} if "address" in entry else {}


# drivers/maps/NAME.json lies beside the drivers, in whichever slot they were found.
def register_map(name):
    for root in sys.path:
        try:
            with open("%sdrivers/maps/%s.json" % (root + "/" if root else "", name)) as file:
                return json.load(file)
        except OSError:
            continue
    raise ValueError("register map %s is not on the device: build the image again" % name)
