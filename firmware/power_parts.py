# The pins of a board's manifest that have to do with power; board.py knows all others.
# SPDX-License-Identifier: Apache-2.0
import esp32
import machine

from protocols.compat import const

# machine.wake_reason(): esp_sleep_wakeup_cause_t
_EXT0 = const(2)
_EXT1 = const(3)


class Pins:
    # What ends a sleep: contacts, which the parts have set up, and a byte on the console.
    def __init__(self, manifest):
        self._wake = []  # (name of the part, pin, its level while active)
        for name, part in manifest["fitted"].items():
            if part.get("wakes"):
                self._wake.append((name, machine.Pin(part["pin"]), part.get("active", 1)))
        rx = manifest.get("console", {}).get("rx")
        self._rx = None if rx is None else machine.Pin(rx)

    # A contact that is active already would wake it at once.
    def arm(self):
        low, high = [], []
        for _, pin, active in self._wake:
            if pin.value() != active:
                (high if active else low).append(pin)
        if low:  # EXT0 takes one pin; the host refuses a board with two of them
            esp32.wake_on_ext0(low[0], esp32.WAKEUP_ALL_LOW)
        if high:
            esp32.wake_on_ext1(high, esp32.WAKEUP_ANY_HIGH)
        # A start bit, out of light sleep. MicroPython before 1.26 does not know how.
        if self._rx and hasattr(esp32, "wake_on_gpio"):
            esp32.wake_on_gpio((self._rx,), esp32.WAKEUP_ALL_LOW)

    # Tells a part that its contact has ended the sleep, which it has not seen itself.
    def woken(self, parts, reason):
        for name, _, active in self._wake:
            if reason == (_EXT1 if active else _EXT0) and hasattr(parts.get(name), "woke"):
                parts[name].woke()
