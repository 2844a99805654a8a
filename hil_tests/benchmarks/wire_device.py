# What the device's side of the wire costs, for wire.py; runs under MicroPython:
#   micropython -X heapsize=192k hil_tests/benchmarks/wire_device.py WHAT
# SPDX-License-Identifier: Apache-2.0
#
# Prints lines `name value`; times in us, the best of many, and that of a loop which tells how fast
# the machine is just then. What to work on comes on stdin.
# mypy: disable-error-code="attr-defined,var-annotated"
import gc
import sys
import time

_CALLS = 5  # in a row: the clock counts whole microseconds


def best_us(rounds, *works):
    # In turns, so that a slow moment hits all of them.
    best = [1 << 30] * len(works)
    for _ in range(rounds):
        for i, work in enumerate(works):
            start = time.ticks_us()
            for _ in range(_CALLS):
                work()
            best[i] = min(best[i], time.ticks_diff(time.ticks_us(), start))
    return [us / _CALLS for us in best]


def garbage(work):
    # Bytes of heap that one call takes, kept or not.
    work()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    work()
    taken = gc.mem_alloc() - before
    gc.enable()
    return taken


def reports():
    # stdin: interval and scales; a line of time and counts for each sample of all the reports
    from protocols import cbor, frame, packing, report, schema

    interval_s, size, *scales = [int(word) for word in sys.stdin.readline().split()]
    columns = [schema.Column("c", "1", scale, 0, 0, 0) for scale in scales]
    schema_ = schema.Schema(1, 1, interval_s, columns)
    keys = frame.KeySet(bytes(range(16)), b"\x00\x2a", 1)

    def works(rows):
        samples = [(row[0], row[1:]) for row in rows]
        batch = report.Batch(schema_, len(rows))

        def fill():
            batch.clear()
            for t, values in samples:
                batch.add(t, values)

        def seal():
            record = batch.encode(1000)
            return keys.seal(frame.TELEMETRY, frame.UP, 1000, packing.pack([record], True))

        fill()
        return lambda: batch.encode(1000), lambda: cbor.encode(rows), fill, seal

    names = ("encode", "cbor", "fill", "seal")
    times = [0] * len(names)
    most = [0] * len(names)
    count = 0
    line = sys.stdin.readline()
    while line:
        rows = []
        while len(rows) < size:
            rows.append([int(word) for word in line.split()])
            line = sys.stdin.readline()
        at_hand = works(rows)
        count += 1
        for i, us in enumerate(best_us(150, *at_hand)):
            times[i] += us
            most[i] = max(most[i], garbage(at_hand[i]))
    for i, name in enumerate(names):
        print(name + "_us", times[i] / count)
        print(name + "_garbage", most[i])


def verify():
    # stdin: key, message and signature in hex
    from protocols import p256

    key, message, signature = [bytes.fromhex(sys.stdin.readline().strip()) for _ in range(3)]

    def work():
        if not p256.verify(key, message, signature):
            raise ValueError("the signature is good, and was refused")

    print("verify_us", best_us(4, work)[0])
    print("heap", gc.mem_alloc() + gc.mem_free())


def sign():
    # stdin: a secret and its public key in hex
    import os

    from protocols import p256, p256_sign

    key = bytes.fromhex(sys.stdin.readline().strip())
    signature = p256_sign.sign(key[:32], b"message", os.urandom)

    def verified():
        if not p256.verify(key[32:], b"message", signature):
            raise ValueError("the signature is good, and was refused")

    works = (lambda: p256_sign.sign(key[:32], b"message", os.urandom)), verified
    sign_us, verify_us = best_us(4, *works)
    print("sign_us", sign_us)
    print("verify_us", verify_us)


def vectors():
    # RFC 8949: what of appendix A does not decode or not come back, what of appendix F passes
    from protocols import cbor
    from protocols.tests.support import vectors

    undecoded = changed = accepted = 0
    for data, kind, _ in vectors("cbor_appendix_a.hex"):
        data = bytes.fromhex(data)
        try:
            value = cbor.decode(data, False)
        except cbor.CBORError:
            undecoded += 1
        else:
            changed += kind == "=" and cbor.encode(value) != data
    for data, _ in vectors("cbor_malformed.hex"):
        try:
            cbor.decode(bytes.fromhex(data), False)
            accepted += 1
        except cbor.CBORError:
            pass
    print("undecoded", undecoded)
    print("changed", changed)
    print("accepted", accepted)


def decide():
    # stdin: the number of inputs and of actuators; rules as CBOR in hex; values, line by line
    from protocols import cbor
    from protocols.control_rules import Rules

    inputs, actuators = [int(word) for word in sys.stdin.readline().split()]
    rows = cbor.decode(bytes.fromhex(sys.stdin.readline().strip()))
    rules = Rules(rows, inputs, [0] * actuators, 120)
    running = [0] * actuators
    orders = [None] * actuators
    worst = 0
    for second, line in enumerate(sys.stdin):
        values = [int(word) for word in line.split()]

        def work(second=second, values=values):
            rules.decide(30 * second, values, (43200, 21600, 64800), running, orders)

        worst = max(worst, best_us(30, work)[0])
    print("decide_us", worst)
    print("decide_garbage", garbage(work))


sys.path.insert(0, "")
loop_us = 1 << 30
for _ in range(5):
    start = time.ticks_us()
    s = 0
    for i in range(1000000):
        s += i
    loop_us = min(loop_us, time.ticks_diff(time.ticks_us(), start))
print("loop_us", loop_us)
works = {"reports": reports, "verify": verify, "sign": sign, "vectors": vectors, "decide": decide}
works[sys.argv[1]]()
