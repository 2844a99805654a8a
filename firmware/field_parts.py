# The parts of gardens, weather and water stations: what few boards have, loaded for them.
# SPDX-License-Identifier: Apache-2.0
import machine

from .parts import register_map
from .wiring import Kept, given, input_pin


# A bus.
def _onewire(entry):
    from onewire import OneWire

    return OneWire(machine.Pin(entry["pin"]))


def _sht3x(board, entry):
    from drivers.sht3x import SHT3x

    return SHT3x(board.bus(entry["bus"]), **given(entry, "address"))


def _bmx280(board, entry):
    from drivers.bmx280 import BMX280

    return BMX280(board.bus(entry["bus"]), **given(entry, "address"))


def _ds18b20(board, entry):
    from drivers.ds18b20 import DS18B20

    rom = bytes.fromhex(entry["rom"]) if "rom" in entry else None
    return DS18B20(board.bus(entry["bus"]), rom)


def _analog_probe(board, entry):
    from drivers.analog_probe import AnalogProbe

    data = register_map(entry["map"])
    return AnalogProbe(board.adc(entry["pin"]), data, **given(entry, "points_mv"))


def _contact(board, entry):
    from drivers.contact import Contact

    pin = input_pin(entry["pin"], entry.get("pull"))
    return Contact(pin, **given(entry, "active", "debounce_ms"))


def _flow_meter(board, entry):
    from drivers.flow_meter import FlowMeter

    counter = _counter(input_pin(entry["pin"], entry.get("pull")), entry.get("active", 0))
    return FlowMeter(counter, Kept(board, entry), **given(entry, "pulses_per_l", "most_l_min"))


def _counter(pin, active):
    if hasattr(machine, "Counter"):  # from MicroPython 1.26 on (hypothesis: untried on a chip)
        Counter = machine.Counter
        return Counter(0, pin, edge=Counter.RISING if active else Counter.FALLING)
    from drivers.flow_meter import Pulses

    return Pulses(pin, active)


# make(board, entry of "fitted") -> driver; of the bus: make(entry of "buses")
PARTS = {
    "onewire": _onewire,
    "analog_probe": _analog_probe,
    "bmx280": _bmx280,
    "contact": _contact,
    "ds18b20": _ds18b20,
    "flow_meter": _flow_meter,
    "sht3x": _sht3x,
}


def maker(name):
    return PARTS[name]
