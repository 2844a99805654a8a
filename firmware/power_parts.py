# The pins of a board's manifest that have to do with power; board.py knows all others.
# SPDX-License-Identifier: Apache-2.0
import esp32
import machine


class Pins:
    # What ends a sleep: contacts, which the parts have set up, and a byte on the console.
    def __init__(self, manifest):
        parts = manifest["fitted"].values()
        self._wake = [(machine.Pin(p["pin"]), p.get("active", 1)) for p in parts if p.get("wakes")]
        rx = manifest.get("console", {}).get("rx")
        self._rx = None if rx is None else machine.Pin(rx)

    # A contact that is active already would wake it at once.
    def arm(self):
        low, high = [], []
        for pin, active in self._wake:
            if pin.value() != active:
                (high if active else low).append(pin)
        if low:  # EXT0 takes one pin; the host refuses a board with two of them
            esp32.wake_on_ext0(low[0], esp32.WAKEUP_ALL_LOW)
        if high:
            esp32.wake_on_ext1(high, esp32.WAKEUP_ANY_HIGH)
        # A start bit, out of light sleep. MicroPython before 1.26 does not know how.
        if self._rx and hasattr(esp32, "wake_on_gpio"):
            esp32.wake_on_gpio((self._rx,), esp32.WAKEUP_ALL_LOW)
