# The pins of a board's manifest that end a sleep; board.py knows all others.
# SPDX-License-Identifier: Apache-2.0
import esp32
import machine

from protocols.compat import const

# machine.wake_reason(): esp_sleep_wakeup_cause_t
_EXT0 = const(2)
_EXT1 = const(3)


# -> None, or ([(name of the part, pin, its level while active)], RX of the console or None). The
# parts have set their pins up. RX ends light sleep only.
def pins(manifest, light):
    contacts = []
    for name, part in manifest["fitted"].items():
        if part.get("wakes"):
            contacts.append((name, machine.Pin(part["pin"]), part.get("active", 1)))
    rx = manifest.get("console", {}).get("rx") if light else None
    if rx is not None:
        rx = machine.Pin(rx)
    return (contacts, rx) if contacts or rx else None


# A contact that is active already would wake it at once.
def arm(found):
    contacts, rx = found
    low, high = [], []
    for _, pin, active in contacts:
        if pin.value() != active:
            (high if active else low).append(pin)
    if low:  # EXT0 takes one pin; the host refuses a board with two of them
        esp32.wake_on_ext0(low[0], esp32.WAKEUP_ALL_LOW)
    if high:
        esp32.wake_on_ext1(high, esp32.WAKEUP_ANY_HIGH)
    # A start bit, out of light sleep. MicroPython before 1.26 does not know how.
    if rx and hasattr(esp32, "wake_on_gpio"):
        esp32.wake_on_gpio((rx,), esp32.WAKEUP_ALL_LOW)


# Tells a part that its contact has ended the sleep, which it has not seen itself.
def woken(found, parts, reason):
    for name, _, active in found[0]:
        if reason == (_EXT1 if active else _EXT0) and hasattr(parts.get(name), "woke"):
            parts[name].woke()
