# Chooses the app's slot, /a or /b, before anything of it is loaded. Needs nothing but the chip.
# SPDX-License-Identifier: Apache-2.0
import binascii
import gc
import os
import sys

import esp32
import machine

SLOTS = ("/a", "/b")
TRIES = 3  # boots without a proof of health; the app clears the count, see secrets.py


def _get(nvs, key):
    try:
        return nvs.get_i32(key)
    except OSError:  # not there yet
        return 0


def _exists(slot):
    try:
        os.stat(slot + "/firmware")
        return True
    except OSError:
        return False


# What is driven goes to rest first of all: a chip that resets itself drives its pins as before.
# The app keeps them in NVS, so that no file has to be sound for this: a byte each, with 64 added
# where a high level is rest; see at_rest.py.
def rest(nvs):
    pins = bytearray(32)
    try:
        size = nvs.get_blob("rest", pins)
    except OSError:  # it drives nothing
        return
    for pin in pins[:size]:
        machine.Pin(pin & 63, machine.Pin.OUT, value=pin >> 6)


# Tells one image from another: how the app before it fared says nothing of this one.
def _build():
    try:
        with open("/app.cbor", "rb") as file:
            return binascii.crc32(file.read()) & 0x7FFFFFFF
    except OSError:
        return 0


# An NVS that takes nothing more, being full or worn, keeps no slot from being started.
def _set(nvs, key, value):
    try:
        nvs.set_i32(key, value)
    except OSError:
        pass


# NVS: "slot" 0 or 1, "tries" boots of "build" that were not proven, "fell" 1 after falling back:
# if neither slot proves itself, tries go on growing and the app starts in safe mode.
def choose(nvs, exists, counted, build):
    if build != _get(nvs, "build"):
        _set(nvs, "build", build)
        _set(nvs, "tries", 0)
        _set(nvs, "fell", 0)
    slot, tries = _get(nvs, "slot") & 1, _get(nvs, "tries")
    if counted:
        tries += 1
    failed = tries > TRIES and not _get(nvs, "fell")
    if (failed or not exists(SLOTS[slot])) and exists(SLOTS[1 - slot]):
        slot, tries = 1 - slot, 1
        _set(nvs, "slot", slot)
        _set(nvs, "fell", 1)
    if tries != _get(nvs, "tries"):
        _set(nvs, "tries", tries)
    try:
        nvs.commit()
    except OSError:
        pass
    return SLOTS[slot]


# Collect early and often: what stays then lies together, and a datagram finds room in one piece.
if hasattr(gc, "threshold"):
    gc.threshold(8192)

# What the app is not to blame for: the supply came back, somebody is at the REPL, a sleep is over.
_innocent = (machine.PWRON_RESET, machine.SOFT_RESET, machine.DEEPSLEEP_RESET)
_nvs = esp32.NVS("fieldbeat")
if machine.reset_cause() != machine.PWRON_RESET:  # after which pins float, and may have moved
    rest(_nvs)
_slot = choose(_nvs, _exists, machine.reset_cause() not in _innocent, _build())
if _slot not in sys.path:
    sys.path.insert(0, _slot)
if __name__ == "__main__":  # of which a REPL sees what is left
    del choose, SLOTS, TRIES, _build, _exists, _get, _innocent, _nvs, _set, _slot, rest
