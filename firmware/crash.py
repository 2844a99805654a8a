# Tracebacks as text, and the last of them in /crash.txt.
# SPDX-License-Identifier: Apache-2.0
import io
import os
import sys

from protocols.compat import const, crc32

from . import flight

_LIMIT = const(4096)  # of /crash.txt; what is older is in /crash.old, and then gone
_TEXT_LIMIT = const(1024)
_CRASH = const(26)  # as in host_tools/flight_records.py


def traceback(error):
    buffer = io.StringIO()
    sys.print_exception(error, buffer)
    return buffer.getvalue()[-_TEXT_LIMIT:]


# Four hex digits that tell one traceback from another in a log line.
def fingerprint(text):
    return "%04x" % (crc32(text.encode()) & 0xFFFF)


def keep(root, text, uptime_s):
    flight.log(_CRASH, crc32(text.encode()))
    path = root + "/crash.txt"
    try:
        if _size(path) > _LIMIT:
            os.rename(path, root + "/crash.old")
        with open(path, "a") as file:
            file.write("after %d s:\n%s\n" % (uptime_s, text))
    except OSError:  # it was only for whoever looks into it
        pass


def _size(path):
    try:
        return os.stat(path)[6]
    except OSError:
        return 0
