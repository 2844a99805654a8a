# How long an actuator has run today, kept so that no reset and no loss of power gives it more.
# SPDX-License-Identifier: Apache-2.0
#
# What it may run is written before it starts, in pieces: a power cut costs what was left of one.
# In NVS an i32: the number of the local day, and the seconds below it. Two writes a run, 32 bytes
# each: with 400 runs a day each page is erased some 400 times a year, of 100,000 that it stands.
import esp32

from protocols.compat import const, crc32

_PIECE_S = const(600)
_SHIFT = const(17)
_MASK = const(0x1FFFF)
_LAST_DAY = const(0x3FFF)  # in 2068: what is more leaves an i32


# -> [the day or None, its seconds]
def load(name):
    try:
        kept = esp32.NVS("kept").get_i32(_key(name))
    except OSError:  # there was none yet
        kept = 0
    return [kept >> _SHIFT or None, kept & _MASK]


# -> whether it may run on
def reserve(part):
    return keep(part, part.spent_s + _PIECE_S)


def keep(part, seconds):
    days = part.days
    try:
        nvs = esp32.NVS("kept")
        day = min(days[0] or 0, _LAST_DAY)
        nvs.set_i32(_key(part.name), day << _SHIFT | min(seconds, _MASK))
        nvs.commit()
    except OSError:
        return False
    days[1] = seconds
    return True


def _key(name):
    return "run%08x" % crc32(name.encode())
