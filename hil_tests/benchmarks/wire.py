"""The wire: bytes of a report, security and speed, beside the alternatives.

Simulated: a week of the ten channels of a greenhouse, a daily course and first-order noise, every
five minutes with a jitter of a second. Recorded: the year of `hil_tests/data`, nine channels at
the resolutions of the greenhouse profile; its rows are hours, taken as samples as they are.
"""

from __future__ import annotations

import csv
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path

from fieldbeat.hil_tests.benchmarks import Figure, wire_host, wire_peers
from fieldbeat.hil_tests.benchmarks.wire_peers import Channel, Report
from fieldbeat.host_tools import udp_server
from fieldbeat.protocols import frame, packing, report, schema

from protocols.tests import greenhouse, link
from protocols.tests.support import vectors

ROOT = Path(__file__).parents[2]
SAMPLES = 12  # of a report
SCALES = {  # counts per unit, firmware/profiles/greenhouse.json
    "air_temperature": 100,
    "air_humidity": 10,
    "co2": 1,
    "illuminance": 1,
    "soil_moisture": 10,
    "soil_temperature": 10,
    "soil_ec": 1,
    "soil_ph": 10,
    "battery": 1000,
}
SIMULATED = [Channel(*row[:3]) for row in greenhouse.CHANNELS]
RECORDED = [Channel(name, "", scale) for name, scale in SCALES.items()]
LOOP_US = 60_000  # of the machine that times are scaled to, for a million rounds
PICTURE = 40_000
SEEDS = 20


def simulated() -> list[Report]:
    """The reports of the week."""
    return _reports(greenhouse.samples(seed=2))


def recorded() -> list[Report]:
    """The reports of the year, with the jitter that the sampling of a device has."""
    source = random.Random(1)
    with open(ROOT / "hil_tests/data/greenhouse.csv", newline="") as file:
        rows = [
            (
                greenhouse.T0 + 3600 * i + source.randint(-1, 1),
                [round(float(row[channel.name]) * channel.scale) for channel in RECORDED],
            )
            for i, row in enumerate(csv.DictReader(file))
        ]
    return _reports(rows)


def _reports(rows: list[tuple[int, list[int]]]) -> list[Report]:
    return [rows[i : i + SAMPLES] for i in range(0, len(rows), SAMPLES)]


def schema_of(channels: list[Channel], interval_s: int) -> schema.Schema:
    """The schema of the reports of some channels."""
    return schema.Schema(1, 1, interval_s, [schema.Column(*c, 0, 0, 0) for c in channels])


def encode(reports: list[Report], schema_: schema.Schema, first_rn: int) -> list[bytes]:
    """The report blocks."""
    batch = report.Batch(schema_, SAMPLES)
    blocks = []
    for rn, samples in enumerate(reports, first_rn):
        batch.clear()
        for t, values in samples:
            batch.add(t, values)
        blocks.append(batch.encode(rn))
    return blocks


def run() -> list[Figure]:
    return [*payload(), *security(), *peers(), *device(), *host(), *blocks(), *cbor()]


def _mean(sizes: list[int]) -> float:
    return statistics.fmean(sizes)


def payload() -> list[Figure]:
    figures = []
    for name, reports, channels, interval_s in (
        ("simulated", simulated(), SIMULATED, 300),
        ("recorded", recorded(), RECORDED, 3600),
    ):
        size = _mean([len(block) for block in encode(reports, schema_of(channels, interval_s), 1)])
        bound = wire_peers.entropy_bound(reports, interval_s)
        peer = f"mean of {len(reports)} reports of {len(channels)} channels"
        limit: float | None = 85
        if bound > 85:  # then nobody can: hourly values differ more than those of five minutes
            limit, peer = None, f"{peer}, every hour: the bound alone is over 85"
        figures += [
            Figure(f"report, {name}", size, "B", limit, peer),
            Figure(f"entropy bound, {name}", bound, "B", None, "differences, first values, head"),
            Figure(f"report, {name}", size / bound, "times", 1.25, "entropy bound"),
        ]
    return figures


def security() -> list[Figure]:
    block = encode(simulated(), schema_of(SIMULATED, 300), 1)[0]
    keys = frame.KeySet(bytes(16), b"\0\1", 1)
    sealed = keys.seal(frame.TELEMETRY, frame.UP, 1000, packing.pack([block], True))
    extra = len(sealed) - len(block)
    return [Figure("security and packing on top", extra, "B", 14, "PIV of 2 bytes")]


LIMITS = {
    "SenML-CBOR, tightest legal form": 1 / 15,
    "packed structs": 1 / 3,
    "CBOR delta columns": 1 / 2,
}


def peers() -> list[Figure]:
    reports = simulated()
    ours = _mean([len(block) for block in encode(reports, schema_of(SIMULATED, 300), 1)])
    figures = []
    for name, size_of in wire_peers.ENCODINGS.items():
        size = _mean([size_of(samples, SIMULATED) for samples in reports])
        peer = f"{name}: {size:.1f} B"
        figures.append(Figure("report, simulated", ours / size, "times", LIMITS.get(name), peer))
    return figures


def measure(what: str, heap: str, lines: list[str], processes: int = 3) -> dict[str, float]:
    """Run wire_device.py a few times and return the figures of the run with the fastest loop."""
    beside = Path(sys.executable).parent / "micropython"
    interpreter = os.environ.get("MICROPYTHON") or str(beside)
    program = "hil_tests/benchmarks/wire_device.py"
    command = [interpreter, "-X", f"heapsize={heap}", program, what]
    runs = []
    for _ in range(processes):
        output = subprocess.run(
            command,
            input="\n".join(lines),
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env=os.environ | {"MICROPYPATH": ".frozen"},
        ).stdout
        runs.append({name: float(value) for name, value in map(str.split, output.splitlines())})
    return min(runs, key=lambda run: run["loop_us"])


def device() -> list[Figure]:
    day = simulated()[24:48:2]
    lines = [" ".join(str(n) for n in (300, SAMPLES, *(c.scale for c in SIMULATED)))]
    lines += [" ".join(str(n) for n in (t, *values)) for rows in day for t, values in rows]
    run = measure("reports", "192k", lines)
    scale = LOOP_US / run["loop_us"]
    loop = f"scaled to 60 ms a loop of a million; here {run['loop_us'] / 1000:.1f} ms"
    good = next(vectors("p256.hex"))
    check = measure("verify", "96k", good[:3])
    verify_ms = check["verify_us"] / 1000
    check_loop = f"here {verify_ms:.2f} ms, loop {check['loop_us'] / 1000:.1f} ms"
    seal_us = run["seal_us"]
    rows = f"CBOR rows, {run['cbor_us']:.1f} us"
    return [
        Figure(
            "encode a report",
            run["encode_us"],
            "us",
            None,
            "MicroPython; mean of 12 of a day",
        ),
        Figure("encode a report", run["encode_us"] / run["cbor_us"], "times", 0.5, rows),
        Figure(
            "its garbage, at most",
            run["encode_garbage"],
            "B",
            1024,
            f"CBOR {run['cbor_garbage']:.0f}",
        ),
        Figure("add 12 samples to a batch", run["fill_us"] * scale, "us", None, loop),
        Figure("samples to sealed frame", seal_us * scale, "us", 100, f"{loop}, {seal_us:.0f} us"),
        Figure(
            "verify ES256, 96 kB heap",
            verify_ms * LOOP_US / check["loop_us"],
            "ms",
            8,
            f"scaled; {check_loop}",
        ),
    ]


def host() -> list[Figure]:
    """Under load the server finds so many datagrams in its socket that it takes MANY at once."""
    schema_ = schema_of(SIMULATED, 300)
    records = encode(simulated(), schema_, first_rn=2)
    many = udp_server.MANY
    taken, answered, some, alone = (
        min(wire_host.frame_us(schema_, records[:count], *how) for _ in range(5))
        for count, how in ((168, (many,)), (168, (many, True)), (168, (64,)), (50, (1,)))
    )
    sync = f"a sync of this disk takes {wire_host.sync_ms():.1f} ms"
    return [
        Figure("open, decode, store a frame", taken, "us", 200, f"{many} a transaction, {sync}"),
        Figure("the same", 1e6 / taken, "/s", None, "one core, SQLite on disk, WAL, FULL"),
        Figure("the same and answer each", answered, "us", None, f"{many} a transaction"),
        Figure("the same, fewer at once", some, "us", None, "64 a transaction"),
        Figure("the same, each on its own", alone, "us", None, "1 a transaction"),
    ]


def blocks() -> list[Figure]:
    figures = []
    for loss, limit in ((0.0, 14), (0.1, 18)):
        seeds = range(1, SEEDS + 1 if loss else 2)
        ours = statistics.fmean(link.transfer_seconds(PICTURE, loss, seed) for seed in seeds)
        theirs = statistics.fmean(link.block1_seconds(PICTURE, loss, seed) for seed in seeds)
        peer = f"CoAP Block1 {theirs:.0f} s; 28 kbit/s, 1.2 s, mean of {len(seeds)}"
        figures.append(Figure(f"40 kB at {100 * loss:.0f} % loss", ours, "s", limit, peer))
    return figures


def cbor() -> list[Figure]:
    run = measure("vectors", "192k", [], processes=1)
    kinds = [kind for _, kind, _ in vectors("cbor_appendix_a.hex")]
    peers = {
        "undecoded": ("RFC 8949 app. A, not decoded", f"{len(kinds)}, MicroPython"),
        "changed": ("RFC 8949 app. A, not the same again", f"{kinds.count('=')}, MicroPython"),
        "accepted": (
            "RFC 8949 app. F, accepted",
            f"{len(list(vectors('cbor_malformed.hex')))}, MicroPython",
        ),
    }
    return [Figure(name, run[key], "", 0, f"of {peer}") for key, (name, peer) in peers.items()]
