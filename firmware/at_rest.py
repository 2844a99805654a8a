# What a board drives, put to rest before anything else: whatever the config says, and without one.
# SPDX-License-Identifier: Apache-2.0
#
# A chip that is reset by its program, by its watchdog or by Ctrl-D drives its pins as before. Most
# of this is in boot.py, from NVS; here is what it reads there, and what has no pin.
import esp32
import machine

from protocols.compat import const

from . import crash

_DRIVEN = const(("relay", "pwm_output", "two_relay_motor", "latching_valve"))
_UNPINNED = const(("modbus_relay", "latching_valve"))  # a level alone puts none of these to rest
_PINS = const(("pin", "open", "close"))
_KEY = const("rest")  # as in boot.py
_SHIFT = const(6)
_ROOM = const(32)


# -> whether NVS has not taken them. What boot.py does not know no reset puts to rest in time, so
# that nothing may drive it, see control_start.py; the unit measures and reports all the same.
def rest(manifest, node):
    pins = bytearray()
    for part in manifest["fitted"].values():
        if part.get("part") in _DRIVEN:
            level = 1 - part.get("active", 1)
            for key in _PINS:
                if key in part:
                    machine.Pin(part[key], machine.Pin.OUT, value=level)
                    pins.append(part[key] | level << _SHIFT)
    if manifest["id"] != "unknown":  # else the file cannot be read, and the last one counts
        try:
            _keep(bytes(pins))
        except OSError as error:
            node.counters.count("fs_corrupt")
            crash.keep(node.root, crash.traceback(error), 0)
            return True
    return False


def _keep(pins):
    nvs = esp32.NVS("fieldbeat")
    buffer = bytearray(_ROOM)
    try:
        kept = bytes(buffer[: nvs.get_blob(_KEY, buffer)])
    except OSError:  # there was none yet
        kept = b""
    if kept != pins:
        nvs.set_blob(_KEY, pins)
        nvs.commit()


# Relays behind a line and latching valves of a unit that cannot work: nobody else tells them.
def off(manifest):
    try:
        from .board import Board

        board = Board(manifest)
        for name, entry in manifest["fitted"].items():
            if entry.get("part") in _UNPINNED:
                board.part(name, {"enabled": True}).off()
    except Exception:  # whatever is wrong with it: who cannot work must answer at its console
        pass
