# The unix port's os, with the board's random numbers and names.
# SPDX-License-Identifier: Apache-2.0
import _link
import uos as _unix
from micropython import const

_OP_URANDOM = const(15)


def __getattr__(name):
    if hasattr(_unix, name):
        return getattr(_unix, name)
    import _rare

    return getattr(_rare, name)


def urandom(n):
    return _link.call(_OP_URANDOM, n) or b""


def ilistdir(path=""):
    # The bench's own modules are mounted beside the board's file system.
    return (entry for entry in _unix.ilistdir(path) if entry[0] != ".bench")


def listdir(path=""):
    return [entry[0] for entry in ilistdir(path)]
