# What a forged frame costs a pole, for speaker.py; runs under MicroPython:
#   micropython -X heapsize=512k hil_tests/benchmarks/speaker_device.py
# SPDX-License-Identifier: Apache-2.0
#
# Prints lines `name value`; times in us, the best of many, and that of a loop which tells how fast
# the machine is just then. From the datagram in the buffer on: reading the socket is not in it.
# mypy: disable-error-code="attr-defined"
import gc
import sys
import time

sys.path.insert(0, "")

from firmware.tests.support import World  # noqa: E402
from firmware.tests.test_commands import KID, Unit  # noqa: E402
from protocols import frame  # noqa: E402
from protocols.replay import Window  # noqa: E402

_CALLS = 10


def best_us(work, *args, calls=_CALLS):
    best = 1 << 30
    for _ in range(20):
        start = time.ticks_us()
        for _ in range(calls):
            work(*args)
        best = min(best, time.ticks_diff(time.ticks_us(), start))
    return best / calls


def loop():
    s = 0
    for i in range(1000000):
        s += i


World()
unit = Unit()
unit.secrets.window_store(Window(1000, 1))
stranger = frame.KeySet(bytes(16), b"\x55\x55", 1)
forger = frame.KeySet(bytes(16), KID, 1)
held = [[i, bytes(20)] for i in range(800)]  # what a pole has on its heap, to be looked through
gc.threshold(16384)  # as on a virtual board
print("loop_us", best_us(loop, calls=1))
for name, keys, piv in (
    ("stranger", stranger, 7),
    ("old", forger, 1000),
    ("forged", forger, 1001),
):
    data = keys.seal(frame.COMMAND, frame.DOWN, piv, bytes(120))
    print(name + "_us", best_us(unit.commands.take, data))
