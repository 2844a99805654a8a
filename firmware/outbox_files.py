# The files of an outbox after a reset: what they hold, and what of it can be read. An Outbox loads
# this while it is mounted.
# SPDX-License-Identifier: Apache-2.0
import os
import struct

from protocols.compat import const

from .outbox import Segment, read_entry

# As in outbox.py.
_OVERHEAD = const(6)
_URGENT = const(1)
_MARK = const(2)

_EEXIST = const(17)


# -> (segments, those of them that are torn, rn of alarms, floor, bits). Whatever is damaged costs
# what is behind it in its segment.
def scan(directory, counters, chain=None):
    segments, torn, urgent, mark = [], [], [], (1, 0)
    for first in sorted(_firsts(directory, counters)):
        segment = Segment(first)
        segments.append(segment)
        path = "%s/%d.log" % (directory, first)
        try:
            with open(path, "rb") as file:
                entry = read_entry(file, first)
                while entry:
                    kind, payload = entry
                    segment.size += len(payload) + _OVERHEAD
                    if kind == _MARK:
                        mark = struct.unpack("<II", payload[:8])
                        if chain and len(payload) > 8:
                            chain.at(segment.next(), payload[8:])
                    else:
                        if chain:
                            chain.add(segment.next(), payload)
                        if kind == _URGENT:
                            urgent.append(segment.next())
                        segment.count += 1
                    entry = read_entry(file, segment.next())
            whole = segment.size == os.stat(path)[6]
        except OSError:
            whole = False
        if not whole:
            torn.append(segment)
    return (segments, torn, urgent) + mark


def _firsts(directory, counters):
    firsts = []
    for name in _names(directory, counters):
        if name.endswith(".log") and name[:-4].isdigit():
            firsts.append(int(name[:-4]))
        else:  # a cut that was itself cut
            _remove("%s/%s" % (directory, name))
    return firsts


def _names(directory, counters):
    try:
        os.mkdir(directory)
    except OSError as error:
        if error.errno != _EEXIST:
            raise
    try:
        return os.listdir(directory)
    except OSError:  # put aside, for whoever looks into it: new records need a place
        counters.count("outbox_corrupt")
        os.rename(directory, directory + ".bad")
        os.mkdir(directory)
        return ()


def _remove(path):
    try:
        os.remove(path)
    except OSError:  # it takes room, no more
        pass


# Leaves of a segment the first `sound` bytes. Returns False if they cannot be read: it is removed.
def cut(directory, first, sound):
    path, copy = "%s/%d.log" % (directory, first), directory + "/cut"
    try:
        with open(path, "rb") as file:
            records = file.read(sound)
    except OSError:
        _remove(path)
        return False
    with open(copy, "wb") as file:
        file.write(records)
    os.rename(copy, path)
    return True
