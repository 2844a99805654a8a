# A lamp or a fan whose power follows the duty of a PWM: a dimmer input of 0-10 V behind a filter,
# an LED driver, a fan with four wires.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from .output import Output

_FULL = const(65535)
_WHOLE = const(100)


class PWMOutput(Output):
    GRADUAL = True

    # pwm: as machine.PWM. active 0: the input is at full power at a low level.
    def __init__(self, pwm, active=1):
        self._pwm = pwm
        self._active = active

    async def put(self, value):
        self._set(value)

    def off(self):
        self._set(0)

    def _set(self, value):
        share = value if self._active else _WHOLE - value
        self._pwm.duty_u16(share * _FULL // _WHOLE)
        self.value = value
