# Whose alerts and rules are kept here: a board that has become another unit, at another place, is
# not to sound what was meant for the one that it was. What it was told before is new to it: an
# order for both places has one id and one number, and sounds at each.
# SPDX-License-Identifier: Apache-2.0
import os

import esp32

from protocols.compat import const

_FILE = const("/owner.txt")
_KEPT = const(("/alerts.cbor", "/alarm_rules.cbor"))
_NOTED = const(("iss_seen", "cmd_ring"))  # see issuers.py; floors came with its issuers


def settle(root, name, counters):
    path = root + _FILE
    try:
        with open(path) as file:
            before = file.read()
    except OSError:
        before = None
    if not name or name == before:
        return
    if before is not None:
        for file in _KEPT:
            _without(os.remove, root + file)
    try:
        with open(path + ".new", "w") as file:
            file.write(name)
        if before is not None:  # not at each start of a flash that refuses: nothing sounds twice
            nvs = esp32.NVS("fieldbeat")
            for each in _NOTED:
                _without(nvs.erase_key, each)
            nvs.commit()
        os.rename(path + ".new", path)
    except OSError:
        counters.count("fs_corrupt")


def _without(remove, name):
    try:
        remove(name)
    except OSError:  # there is none
        pass
