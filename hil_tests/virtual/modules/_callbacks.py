# Callbacks of the hardware: they run while the program waits; on a chip also between two of its
# steps. Loaded by the first who has one.
# SPDX-License-Identifier: Apache-2.0
import _link
from micropython import const

_FOREVER = const(-1)

_wait = _link.wait
waiting = {}  # mask: what is called when one of its inputs is there
_running = False


# In place of _link.wait() from now on.
def _wait_and_call(deadline_us, mask=0):
    global _running
    if _running:  # a callback waits itself
        return _wait(deadline_us, mask)
    while True:
        wanted = mask
        for bit in waiting:
            wanted |= bit
        ready = _wait(deadline_us, wanted)
        _running = True
        try:
            for bit in tuple(waiting):
                if ready & bit:
                    waiting[bit]()
        finally:
            _running = False
        over = deadline_us != _FOREVER and _link.now >= deadline_us
        if ready & mask or over or not ready:
            _link._in[2] = ready & mask
            return ready & mask


_link.wait = _wait_and_call
