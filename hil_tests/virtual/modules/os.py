# The unix port's os, with the board's random numbers and names.
# SPDX-License-Identifier: Apache-2.0
from collections import namedtuple as _namedtuple

import _link
from uos import *

_uname = _namedtuple("uname", "sysname nodename release version machine")


def urandom(n):
    return _link.call(_link.URANDOM, n) or b""


def uname():
    import sys

    release = ".".join(str(part) for part in sys.implementation.version[:3])
    return _uname("esp32", "esp32", release, sys.version, "fieldbeat virtual board")
