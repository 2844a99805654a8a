# Battery voltage through a resistor divider and an ADC with factory calibration (`read_uv`).
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

# ESP32 datasheet, ADC: noise of some millivolts, more while the radio is on.
_SAMPLES = const(8)


class Battery:
    CHANNELS = (("voltage", "V", 1000),)

    def __init__(self, adc, numerator=1, denominator=1):
        # Battery voltage = ADC voltage * numerator / denominator.
        self._adc = adc
        self._numerator = numerator
        self._denominator = denominator

    async def probe(self):
        self._adc.read_uv()

    async def read(self):
        microvolts = 0
        for _ in range(_SAMPLES):
            microvolts += self._adc.read_uv()
        millivolts = microvolts // (1000 * _SAMPLES)
        return (millivolts * self._numerator // self._denominator,)
