# A fault of the bench: takes the heap of a program but for some bytes.
# SPDX-License-Identifier: Apache-2.0
import gc

_kept = []


# 0 gives all back.
def leave(size):
    _kept.clear()
    gc.collect()
    if not size:
        return
    for piece in (4096, 512, 64):
        while gc.mem_free() > size + piece:
            try:
                _kept.append(bytearray(piece))
            except MemoryError:  # no hole is so large
                break
