# What the next root has to tell of the chain, in NVS: it is kept before a record is given up.
# SPDX-License-Identifier: Apache-2.0
import esp32

from protocols import cbor
from protocols.compat import const
from protocols.trace import START, link

from .outbox import read_entry

_NAME = const("trace")
_SIZE = const(320)
_GAPS = const(3)
_MARK = const(2)  # as in outbox.py
_MARK_SIZE = const(8)


# -> [day, rn of the last root, gaps that the collector may not know, how many of them that root
# has told]; a gap: [first, last, the chain's value before, None where that is lost, value after]
def load():
    buffer = bytearray(_SIZE)
    try:
        return cbor.decode(buffer[: esp32.NVS("fieldbeat").get_blob(_NAME, buffer)])
    except (OSError, ValueError):  # ESP_ERR_NVS_NOT_FOUND
        return [0, 0, [], 0]


def store(day, rn, gaps, told):
    nvs = esp32.NVS("fieldbeat")
    nvs.set_blob(_NAME, cbor.encode([day, rn, gaps, told]))
    nvs.commit()


# Met while the outbox was mounted. What a root before has told is met again at each reset as long
# as its segment is held.
def note(first, last, before, after):
    rn = load()[1]
    if rn and last <= rn:
        return
    if first <= rn:
        first, before = rn + 1, None
    _add([first, last, before, after])


# The numbers before next_rn that a torn segment may have used are no part of the chain.
def mounted(chain, next_rn):
    if chain.value is None:  # it begins, or its files are lost
        note(1, next_rn - 1, None, START)
        chain.value = START
    elif chain.next < next_rn:
        note(chain.next, next_rn - 1, chain.value, chain.value)
    chain.next = next_rn


# segments[0] goes, and with it what was not settled.
def give_up(directory, segments, settled):
    lost = [rn for rn in range(segments[0].first, segments[0].next()) if not settled(rn)][:1]
    after = _head(directory, segments[1]) if lost else None
    if after is not None:  # else the chain begins later than that
        before = _before(directory, segments[0], lost[0])
        _add([lost[0], segments[1].first - 1, before, after])


# The root before is with the collector, and so is what it has told.
def arrived():
    day, rn, gaps, told = load()
    if told:
        store(day, rn, gaps[told:], 0)


# A root has told these.
def told(day, rn, gaps):
    now = load()[2]
    store(day, rn, now, len(gaps) if now == gaps else 0)


def _add(gap):
    day, rn, gaps, told = load()
    first, last = gap[:2]
    if any([known[0] <= first and last <= known[1] for known in gaps]):
        return
    joined = []
    for known in sorted(gaps + [gap], key=lambda known: known[:2]):
        if joined and joined[-1][0] <= joined[-1][1] == known[0] - 1:
            known = _join(joined.pop(), known)
        joined.append(known)
    if len(joined) > _GAPS:  # between them nothing is proven
        joined[:2] = [_join(*joined[:2])]
    if joined[:told] != gaps[:told] or first <= rn <= last:  # a root that nobody gets
        told = 0
    store(day, rn, joined, told)


def _join(one, other):
    return [one[0], other[1], one[2], other[3]]


# The value with which a segment begins.
def _head(directory, segment):
    try:
        with open("%s/%d.log" % (directory, segment.first), "rb") as file:
            entry = read_entry(file, segment.first)
    except OSError:
        return None
    if entry and entry[0] == _MARK and len(entry[1]) > _MARK_SIZE:
        return entry[1][_MARK_SIZE:]
    return None


# The chain's value before a record of a segment; None if that cannot be read.
def _before(directory, segment, wanted):
    value, rn = None, segment.first
    try:
        with open("%s/%d.log" % (directory, segment.first), "rb") as file:
            while rn < wanted or value is None:
                entry = read_entry(file, rn)
                if not entry:
                    return None
                kind, payload = entry
                if kind != _MARK:
                    value = value and link(value, rn, payload)
                    rn += 1
                elif len(payload) > _MARK_SIZE:
                    value = payload[_MARK_SIZE:]
                if rn > wanted:
                    return None
    except OSError:
        return None
    return value
