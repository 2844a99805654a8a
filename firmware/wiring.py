# What the makers of parts that few boards have need: see parts.py.
# SPDX-License-Identifier: Apache-2.0
import esp32
import machine


# Those keys that the entry has, as keywords of a driver.
def given(entry, *keys):
    return {key: entry[key] for key in keys if key in entry}


def input_pin(pin, pull=None):
    if pull == "up":
        return machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP)
    return machine.Pin(pin, machine.Pin.IN)


def output_pin(pin, value):
    return machine.Pin(pin, machine.Pin.OUT, value=value)


# What outlives a sleep, a reset and a loss of power. A tip of a rain gauge writes 32 bytes: in the
# wettest places each page of the NVS is erased 40 times a year, of 100,000 that it stands.
class Kept:
    # A part has its own by its pin. The only one of its kind goes on with what it kept before.
    def __init__(self, board, entry):
        self._nvs = esp32.NVS("kept")
        self._pin = str(entry["pin"])
        fitted = board.manifest["fitted"].values()
        self._alone = [part.get("part") for part in fitted].count(entry["part"]) == 1

    def get(self, name):
        for key in (name + self._pin, name) if self._alone else (name + self._pin,):
            try:
                return self._nvs.get_i32(key)
            except OSError:  # not there yet
                pass
        return None

    def put(self, name, value):
        self._nvs.set_i32(name + self._pin, value)
        self._nvs.commit()
