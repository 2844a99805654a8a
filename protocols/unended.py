# Which commands were accepted and did not end, by the ring of ids that authority.py keeps. Apart
# from it, since only loudspeakers ask: stations, which have little heap, never load this.
# SPDX-License-Identifier: Apache-2.0
from .compat import const
from .receipt import is_final

_ENTRY = const(9)  # id, stage: as in authority.py


# -> their ids, one by one
def unended(ring):
    stages = range(_ENTRY - 1, len(ring), _ENTRY)
    return (ring[at - _ENTRY + 1 : at] for at in stages if not is_final(ring[at]))
