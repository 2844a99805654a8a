# Whose alerts and rules are kept here: a board that has become another unit, at another place, is
# not to sound what was meant for the one that it was. What it was told before is new to it: an
# order for both places has one id and one number, and sounds at each.
# SPDX-License-Identifier: Apache-2.0
import os

import esp32

from protocols.compat import const

_OWNER = const("owner")  # in NVS, which a new image leaves as it is
_NAME_SIZE = const(64)
_KEPT = const(("/alerts.cbor", "/alarm_rules.cbor"))
_NOTED = const(("iss_seen", "cmd_ring"))  # see issuers.py; floors came with its issuers


def settle(root, name, counters):
    nvs = esp32.NVS("fieldbeat")
    name = bytes(name, "utf-8")
    buffer = bytearray(_NAME_SIZE)
    try:
        before = bytes(buffer[: nvs.get_blob(_OWNER, buffer)])
    except OSError:
        before = None
    if not name or name == before:
        return
    if before is not None:
        for file in _KEPT:
            _without(os.remove, root + file)
    try:
        nvs.set_blob(_OWNER, name)
        if before is not None:  # not at each start of a flash that refuses: nothing sounds twice
            for each in _NOTED:
                _without(nvs.erase_key, each)
        nvs.commit()
    except OSError:
        counters.count("fs_corrupt")


def _without(remove, name):
    try:
        remove(name)
    except OSError:  # there is none
        pass
