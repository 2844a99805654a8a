# The receipt: an event that tells how far a command came.
# SPDX-License-Identifier: Apache-2.0
#
#   the map of an event of type RECEIPT (event.py): {0: 6, 1: time, 2: command id, 3: stage,
#       4: reason, of reasons.py, 5: proof, 6: start, 7: end, 8: kind of the step played last,
#       9: [ms since it was sent until: received, verified, decided, first sample]}
#
# proof: 3 bytes: 1 line current or 2 microphone; level, in 255ths of the full scale; share of the
# time of play, in 255ths, in which it was above the threshold. Times in s since
# 2024-01-01T00:00:00Z. From the reason on, what is not known is absent.
from .compat import const

RECEIVED = const(0)
ACCEPTED = const(1)  # armed
STARTED = const(2)
DONE = const(3)
REFUSED = const(4)
INTERRUPTED = const(5)  # after its start, for good
CANCELLED = const(6)  # before its start
SILENT = const(7)  # a silent drill: it would have sounded

_ID = const(2)
_STAGE = const(3)
_REASON = const(4)
_PROOF = const(5)
_START = const(6)
_END = const(7)
_SOURCE = const(8)
_HOPS = const(9)


def is_final(stage):
    return stage >= DONE


def body(id, stage, reason=None, proof=None, start=None, end=None, source=None, hops=None):
    # -> the map without type and time
    fields = {_ID: id, _STAGE: stage}
    values = (reason, proof, start, end, source, hops)
    for key in range(_REASON, _HOPS + 1):
        if values[key - _REASON] is not None:
            fields[key] = values[key - _REASON]
    return fields
