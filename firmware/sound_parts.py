# The parts of a loudspeaker and its way into the network: what few boards have, loaded for them.
# SPDX-License-Identifier: Apache-2.0
import machine

from .wiring import given, input_pin, output_pin


# A bus.
def _i2s(entry):
    from drivers.i2s_output import I2SOutput

    I2S = machine.I2S
    settings: dict = {key: machine.Pin(entry[key]) for key in ("sck", "ws", "sd")}
    settings.update(mode=I2S.TX, bits=16, format=I2S.MONO)
    settings.update(rate=entry["rate_hz"], ibuf=entry["ibuf"])
    return I2SOutput(I2S(entry["id"], **settings), settings)


# See Board.network().
def network(manifest, *wifi):
    import network

    if "ethernet" in manifest:
        lan = network.LAN(**_lan(manifest["ethernet"], network))
        lan.active(True)
        return lan, lambda: None
    station = network.WLAN(network.STA_IF)
    station.active(True)
    # Without it the radio dozes between beacons, and what comes may be late by some of them.
    station.config(pm=network.WLAN.PM_NONE)

    def connect():
        if station.status() != network.STAT_CONNECTING:
            station.connect(*wifi)

    return station, connect


def _lan(entry, network):
    settings: dict = {key: machine.Pin(entry[key]) for key in ("mdc", "mdio", "ref_clk")}
    if "power" in entry:
        settings["power"] = machine.Pin(entry["power"])
    is_out = entry.get("ref_clk_out", False)
    settings["ref_clk_mode"] = machine.Pin.OUT if is_out else machine.Pin.IN
    settings.update(phy_type=network.PHY_LAN8720, phy_addr=entry["phy_addr"])
    return settings


def _i2s_output(board, entry):
    return board.bus(entry["bus"])


def _amplifier(board, entry):
    from drivers.amplifier import Amplifier

    pins = output_pin(entry["mute"], 1), output_pin(entry["relay"], 0)
    options = given(entry, "settle_ms")
    if "fault" in entry:
        options["fault"] = input_pin(entry["fault"])
    if "codec" in entry:
        options["codec"] = board.part(entry["codec"], {})
    return Amplifier(board.bus(entry["bus"]), *pins, **options)


def _es8388(board, entry):
    from drivers.es8388 import ES8388

    return ES8388(board.bus(entry["bus"]), **given(entry, "address"))


def _syn6288(board, entry):
    from drivers.syn6288 import SYN6288

    return SYN6288(board.bus(entry["bus"]))


def _xfs5152(board, entry):
    from drivers.xfs5152 import XFS5152

    return XFS5152(board.bus(entry["bus"]))


def _line_monitor(board, entry):
    from drivers.line_monitor import LineMonitor

    options = given(entry, "numerator", "denominator", "threshold_ma", "full_scale_ma")
    return LineMonitor(board.adc(entry["pin"]), **options)


def _a02yyuw(board, entry):
    from drivers.a02yyuw import A02YYUW

    options = given(entry, "datum_mm", "rise_mm_s")
    if "reckoned_c" in entry:
        from drivers.air import Air

        options["air"] = Air(board.part("air", {"enabled": True}), entry["reckoned_c"])
    return A02YYUW(board.bus(entry["bus"]), **options)


# make(board, entry of "fitted") -> driver; of the bus: make(entry of "buses")
PARTS = {
    "i2s": _i2s,
    "a02yyuw": _a02yyuw,
    "amplifier": _amplifier,
    "es8388": _es8388,
    "i2s_output": _i2s_output,
    "line_monitor": _line_monitor,
    "syn6288": _syn6288,
    "xfs5152": _xfs5152,
}


def maker(name):
    return PARTS[name]
