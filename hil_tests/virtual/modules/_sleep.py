# Sleep, as machine and esp32 have it: loaded when it is asked for, as it takes heap here and none
# on a chip.
# SPDX-License-Identifier: Apache-2.0
import struct

import _link
from micropython import const

_OP_DEEPSLEEP = const(5)
_OP_LIGHTSLEEP = const(48)
_OP_WAKE_ON = const(49)
_GPIO = const(7)

# machine. PIN_WAKE is a name of the ESP32 port that it never returns.

PIN_WAKE, EXT0_WAKE, EXT1_WAKE, TIMER_WAKE = range(1, 5)


def wake_reason():
    return _link.reset_cause >> 8


def lightsleep(ms=-1):
    # What woke it is kept where the cause of the reset is: no name more.
    reason = _link.call(_OP_LIGHTSLEEP, 0, struct.pack("<q", ms))
    _link.reset_cause = _link.reset_cause & 255 | reason << 8


sleep = lightsleep


def deepsleep(ms=-1):
    _link.call(_OP_DEEPSLEEP, 0, struct.pack("<q", ms))


# esp32

WAKEUP_ALL_LOW, WAKEUP_ANY_HIGH = False, True


def _wake_on(source, pins, level):
    mask = 0
    for pin in pins or ():
        mask |= 1 << pin.id
    try:
        _link.call(_OP_WAKE_ON, source, struct.pack("<Bq", bool(level), mask))
    except OSError:
        raise ValueError("invalid pin")


def wake_on_ext0(pin=None, level=False):
    _wake_on(EXT0_WAKE, (pin,) if pin else (), level)


def wake_on_ext1(pins=None, level=False):
    _wake_on(EXT1_WAKE, pins, level)


def wake_on_gpio(pins=None, level=False):
    _wake_on(_GPIO, pins, level)
