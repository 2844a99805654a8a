# What the SMP groups share: reading a request's fields, and refusing it.
# SPDX-License-Identifier: Apache-2.0
from protocols import smp
from protocols.compat import const

# One frame is handled at a time. What clients fill is this minus 4 bytes of length and CRC.
BUFFER_SIZE = const(512)


class Refused(Exception):
    # rc: the code that every group knows (version 1); group_rc: the group's own (version 2), if it
    # has one; text: what to do next, for which only an answer with the common code has room.
    def __init__(self, rc, group_rc=None, text=None):
        super().__init__(rc, group_rc, text)
        self.rc = rc
        self.group_rc = group_rc
        self.text = text

    def answer(self, frame):
        if self.group_rc is not None and smp.version(frame):
            return smp.error(frame, self.group_rc, frame[4] << 8 | frame[5])
        body = {"rc": self.rc}
        if self.text:
            body["rsn"] = self.text
        return smp.response(frame, body)


_REQUIRED = object()


def field(body, name, kind, default=_REQUIRED):
    value = body.get(name, default)
    if value is default and default is not _REQUIRED:
        return default
    # Not isinstance: True is an int for Python, but not for SMP.
    if type(value) is not kind or (kind is int and value < 0):
        raise Refused(smp.EINVAL, text="field %s must be %s" % (name, kind.__name__))
    return value
