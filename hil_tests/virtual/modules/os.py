# The unix port's os, with the board's random numbers and names.
# SPDX-License-Identifier: Apache-2.0
from collections import namedtuple as _namedtuple

import _link
import uos as _unix
from micropython import const
from uos import *

_OP_URANDOM = const(15)

_uname = _namedtuple("uname", "sysname nodename release version machine")


def urandom(n):
    return _link.call(_OP_URANDOM, n) or b""


def ilistdir(path=""):
    # The bench's own modules are mounted beside the board's file system.
    return (entry for entry in _unix.ilistdir(path) if entry[0] != ".bench")


def listdir(path=""):
    return [entry[0] for entry in ilistdir(path)]


def uname():
    import sys

    release = ".".join(str(part) for part in sys.implementation.version[:3])
    return _uname("esp32", "esp32", release, sys.version, "fieldbeat virtual board")
