# machine.PWM of an ESP32: the duty goes to the bench, edges do not exist. Loaded by machine.
# SPDX-License-Identifier: Apache-2.0
import struct

import _link
from micropython import const

_OP_PWM_DUTY = const(55)


class PWM:
    def __init__(self, dest, *, freq=5000, duty_u16=0, invert=0):
        self._pin = dest.id
        self._freq = freq
        self._invert = invert
        self.duty_u16(duty_u16)

    def freq(self, value=None):
        if value is None:
            return self._freq
        self._freq = value
        return None

    def duty_u16(self, value=None):
        if value is None:
            return self._duty
        self._duty = value
        share = 65535 - value if self._invert else value
        _link.call(_OP_PWM_DUTY, self._pin, struct.pack("<H", share))
        return None

    def deinit(self):
        self.duty_u16(0)
