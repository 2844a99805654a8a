# Whose alerts and rules are kept here: a board that has become another unit, at another place, is
# not to sound what was meant for the one that it was.
# SPDX-License-Identifier: Apache-2.0
import os

from protocols.compat import const

_FILE = const("/owner.txt")
_KEPT = const(("/alerts.cbor", "/alarm_rules.cbor"))


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
            _remove(root + file)
    try:
        with open(path + ".new", "w") as file:
            file.write(name)
        os.rename(path + ".new", path)
    except OSError:
        counters.count("fs_corrupt")


def _remove(path):
    try:
        os.remove(path)
    except OSError:  # there is none
        pass
