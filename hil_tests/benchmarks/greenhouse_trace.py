"""What a station signs: how fast a buyer verifies it, and what a signature takes of the station.

Part of the area `greenhouse`.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from fieldbeat.hil_tests.benchmarks import Figure, wire
from fieldbeat.host_tools import trace_file, trace_keys, trace_proof
from fieldbeat.host_tools.trace_file import TraceFile
from fieldbeat.protocols import event, p256, trace, trace_signed

RECORDS_A_S = 100_000
DAYS, A_DAY = 4 * 365, 100  # reports and operations of four years
REPORT_BYTES = 82  # of 12 samples of a greenhouse: docs/performance.md
SIGNATURES = 1.6  # of a signature's time in a verification's


def trace_figures() -> list[Figure]:
    """All of them."""
    return [verify_a_trace(), *sign_a_day()]


def verify_a_trace() -> Figure:
    """Reading a file and proving it, signatures included."""
    data = trace_file.encode(four_years())
    proofs: list[trace_proof.Proof] = []

    def work() -> None:
        proofs.append(trace_proof.prove(trace_file.decode(data, "four years")))

    took_s = min(processor_s(work) for _ in range(3))
    proof = proofs[0]
    assert not proof.problems and proof.proven == proof.count
    us = took_s / proof.count * 1e6
    note = f"processor; {proof.count} records, {len(proof.roots)} roots, {len(data) >> 20} MiB"
    return Figure("verify a trace, us a record", us, "us", 1e6 / RECORDS_A_S, note)


def processor_s(work: Callable[[], None]) -> float:
    """Seconds of processor time: other programs take turns on the machine."""
    start = time.process_time()
    work()
    return time.process_time() - start


def four_years() -> TraceFile:
    """A trace of that length."""
    key = trace_keys.generate()
    private = ec.derive_private_key(int.from_bytes(key.for_unit[:32], "big"), ec.SECP256R1())
    records: list[bytes] = []
    checks = bytearray()
    value, gaps = trace.START, [[1, 0, None, trace.START]]

    def add(raw: bytes) -> None:
        nonlocal value
        rn = len(records) + 1
        value = hashlib.sha256(value + rn.to_bytes(4, "big") + raw).digest()
        records.append(raw)
        checks.extend(value[: trace_file.CHECK_BYTES])

    for day in range(DAYS):
        for n in range(A_DAY):
            rn = len(records) + 1
            if n:
                add(b"\x01\0" + varint(rn) + os.urandom(REPORT_BYTES))
            else:
                body = {2: "irrigated", 4: 30_000, 5: "l", 7: 1, 9: True}
                add(event.encode(rn, event.OPERATION, day * 86_400, body))
        rn, t = len(records) + 1, day * 86_400
        body = {2: 1, 3: value, 4: trace_signed.key_id(key.public), 7: True}
        body |= {6: gaps} if gaps else {}
        gaps = []
        message = trace_signed.signed("gh-01", b"\0\1", rn, {0: event.ROOT, 1: t} | body)
        r, s = utils.decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
        body[5] = r.to_bytes(32, "big") + min(s, p256.CURVE.n - s).to_bytes(32, "big")
        add(event.encode(rn, event.ROOT, t, body))
    return TraceFile("gh-01", b"\0\1", (key.public,), records, bytes(checks))


def varint(number: int) -> bytes:
    """LEB128, as a record has its number."""
    out = bytearray()
    while number >> 7:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def sign_a_day() -> list[Figure]:
    """What a signature takes of a station, beside a verification in the same process."""
    key = trace_keys.generate()
    found = wire.measure("sign", "96k", [key.for_unit.hex()])
    scale = wire.LOOP_US / found["loop_us"]
    note = f"scaled; here {found['sign_us'] / 1000:.1f} ms, loop {found['loop_us'] / 1000:.1f} ms"
    share = found["sign_us"] / found["verify_us"]
    return [
        Figure("sign a day, 96 kB heap", found["sign_us"] * scale / 1000, "ms", None, note),
        Figure("the same, in verifications", share, "times", SIGNATURES, "in the same process"),
    ]
