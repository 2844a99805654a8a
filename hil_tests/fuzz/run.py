# Feeds damaged input to parsers, in a process of its own, on both interpreters:
#   python|micropython hil_tests/fuzz/run.py COUNT SEED NAME...
# SPDX-License-Identifier: Apache-2.0
#
# mypy: disable-error-code="attr-defined"
#
# Prints `name inputs taken` for each target, or what was found and on which input, and fails then.
# Allocations: MicroPython has the heap that it was started with and no more; on CPython one input
# in 64 is measured. An endless loop: CPython has an alarm, and who started us waits so long only.
import sys

sys.path.insert(0, "")
import random  # noqa: E402

from hil_tests.fuzz.mutate import damaged  # noqa: E402
from hil_tests.fuzz.sound_targets import SOUND_TARGETS  # noqa: E402
from hil_tests.fuzz.targets import TARGETS  # noqa: E402

HOST = sys.implementation.name == "cpython"
ALARM_S = 20  # for 1024 inputs
MEASURED = 64  # one in so many
# The most that a parser may hold at once: in proportion to the input, and what a block of 1,000
# samples of 3 columns expands to.
BYTES_A_BYTE = 300
BYTES_MORE = {"report": 1_000_000, "explain": 1_000_000}
BYTES_AT_LEAST = 100_000


def peak(work, data):
    # -> what work returns, and how many bytes were held at once
    import tracemalloc

    tracemalloc.start()
    try:
        result = work(data)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return result, most


def alarm(seconds):
    if HOST:
        import signal

        signal.alarm(seconds)


def fuzz(name, target, count, seed):
    # -> how many inputs were taken; raises what the parser raised, with the input
    random.seed(seed)
    seeds, work = target()
    for data in seeds:  # loads what is only loaded when it is needed
        work(data)
    taken = 0
    for i in range(count):
        if not i & 1023:
            alarm(ALARM_S)
        data = damaged(seeds)
        try:
            if HOST and i % MEASURED == 1:
                result, most = peak(work, data)
                limit = BYTES_MORE.get(name, BYTES_AT_LEAST) + BYTES_A_BYTE * len(data)
                if most > limit:  # once more: what is loaded when it is first needed is no input's
                    result, most = peak(work, data)
                if most > limit:
                    raise AssertionError("too much held at once: " + str(most))
            else:
                result = work(data)
        except BaseException as error:
            alarm(0)
            print("FOUND", name, "input", i, "of seed", seed, data.hex())
            raise error
        taken += bool(result)
    alarm(0)
    return taken


def main(count, seed, names):
    TARGETS.update(SOUND_TARGETS)
    if HOST:
        from hil_tests.fuzz.host_targets import HOST_TARGETS

        TARGETS.update(HOST_TARGETS)
    for name in names or sorted(TARGETS):
        print(name, count, fuzz(name, TARGETS[name], count, seed))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
