# A board's manifest turned into pins and buses. The only file that knows that these exist.
# SPDX-License-Identifier: Apache-2.0
import asyncio

import machine

from protocols.compat import const

from . import later, parts

# A module, and what its PARTS has; it goes again when the part is made, and what it has imported.
_WIRING = const(" firmware.wiring firmware.parts")
_ELSEWHERE = const(
    (
        "firmware.actuator_parts latching_valve modbus_relay pwm_output relay two_relay_motor",
        "firmware.field_parts analog_probe bmx280 contact ds18b20 flow_meter onewire sht3x",
        "firmware.river_parts current_loop dvp dvp_camera rain_gauge vc0706",
        "firmware.sound_parts a02yyuw amplifier es8388 i2s i2s_output line_monitor"
        " syn6288 xfs5152",
    )
)
_POLICED = const("firmware.carriers.policed_modem")  # a name that most need not hold


class BoardError(ValueError):
    pass


class Board:
    def __init__(self, manifest):
        self.manifest = manifest
        self.rails = {}  # that parts hang on
        self._buses = {}
        self._locks = {}  # of UARTs with more than one line

    # The I2C, UART or RS485 of that name; made once.
    def bus(self, name):
        if name not in self._buses:
            entry = _entry(self.manifest.get("buses", {}), name, "bus")
            self._buses[name] = _find(_KINDS, entry["kind"], "kind of bus")(entry)
        return self._buses[name]

    # The driver of a fitted part, or None when the unit's config has it disabled. `config` is
    # the config's table of the part.
    def part(self, name, config):
        entry = dict(_entry(self.manifest.get("fitted", {}), name, "fitted part"))
        entry.update(config)
        if not entry.get("enabled", True):
            return None
        part = _find(parts.PARTS, entry["part"], "part")(self, entry)
        part = self._in_turn(part, self.manifest.get("buses", {}).get(entry.get("bus"), {}))
        return self._supplied(part, entry["rail"]) if "rail" in entry else part

    def _supplied(self, part, name):
        from . import rails

        if name not in self.rails:
            entry = _entry(self.manifest.get("rails", {}), name, "rail")
            self.rails[name] = rails.Rail(_output(entry, "pin"), entry["settle_ms"])
        return rails.Supplied(part, self.rails[name])

    # A part whose line shares its UART with others waits for its turn.
    def _in_turn(self, part, line):
        uart = line.get("uart")
        lines = [bus for bus in self.manifest.get("buses", {}).values() if bus.get("uart") == uart]
        if uart is None or len(lines) < 2:
            return part
        from .shared_uart import Turn

        if uart not in self._locks:
            self._locks[uart] = asyncio.Lock()
        # Who opens a UART anew has it with other pins, and the driver's object goes on with these
        # (hypothesis: untried on a chip).
        return Turn(part, lambda: _uart(line), self._locks[uart])

    # {name: driver or None} of all that is fitted.
    def parts(self, config):
        fitted = self.manifest.get("fitted", {})
        return {name: self.part(name, config.get(name, {})) for name in fitted}

    # make: later.made, or later.Later for one that goes between two wakes.
    def modem(self, make=later.made):
        entry = self.manifest["modem"]
        table = parts.MODEMS
        if entry["part"] not in table:
            from . import other_modems

            table = other_modems.MODEMS
        maker = _entry(table, entry["part"], "modem")
        pins = _output(entry, "pwrkey"), _output(entry, "reset")
        return maker(make, self.bus(entry["bus"]), *pins)

    # The road of a unit that has a modem alone.
    def carrier(self, node):
        if "modem" in node.config:
            return later.load(_POLICED, "PolicedModem")(self.modem(), node)
        from .carriers.modem_udp import ModemUDP

        modem = self.modem(later.Later)
        return ModemUDP(modem, node.config, node.clock, node.counters, modem.forget)

    # (interface that is active, what makes it connect): Ethernet, or else Wi-Fi with the name and
    # the password of its access point, None for an open one.
    def network(self, *wifi):
        from . import sound_parts

        return sound_parts.network(self.manifest, *wifi)

    def adc(self, pin):
        # ESP32: 11 dB of attenuation measure up to 3.1 V (datasheet, ADC).
        return machine.ADC(machine.Pin(pin), atten=machine.ADC.ATTN_11DB)


def _i2c(entry):
    scl, sda = machine.Pin(entry["scl"]), machine.Pin(entry["sda"])
    return machine.I2C(entry["id"], scl=scl, sda=sda, freq=entry["freq_hz"])


# One that only listens has no pin to send: MicroPython would take its default, which may be the
# PSRAM's, so it gets the other one and loses it at once (hypothesis: untried on a chip).
def _uart(entry):
    rx = machine.Pin(entry["rx"])
    tx = machine.Pin(entry["tx"]) if "tx" in entry else rx
    buffers = {key: entry[key] for key in ("txbuf", "rxbuf") if key in entry}
    uart = machine.UART(entry["uart"], baudrate=entry["baud"], tx=tx, rx=rx, **buffers)
    if tx is rx:
        machine.Pin(entry["rx"], machine.Pin.IN)
    return uart


def _rs485(entry):
    from drivers.rs485 import RS485

    return RS485(_uart(entry), _output(entry, "de"), entry["baud"])


def _output(entry, key):
    if entry.get(key) is None:
        return None
    return machine.Pin(entry[key], machine.Pin.OUT, value=0)


_KINDS = {"i2c": _i2c, "uart": _uart, "rs485": _rs485}


# Out of a table, or of what only some boards have: elsewhere its names would be a waste of heap.
def _find(table, name, what):
    if name in table:
        return table[name]
    known = dict(table)
    for line in _ELSEWHERE:
        module, *names = line.split()
        if name in names:
            return later.call(module + _WIRING, "maker", name)
        known.update(dict.fromkeys(names))
    return _entry(known, name, what)


def _entry(table, name, what):
    try:
        return table[name]
    except KeyError:
        known = ", ".join(sorted(table)) or "nothing"
        raise BoardError("board: %s %s is not known, there is: %s" % (what, name, known))
