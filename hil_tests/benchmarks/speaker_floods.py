"""10,000 forged frames a second, at a pole and at the collector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fieldbeat.hil_tests.benchmarks import Figure
from fieldbeat.hil_tests.benchmarks.speaker_latency import ESP32_LOOP_MS
from fieldbeat.hil_tests.county import County, processor_s
from fieldbeat.hil_tests.district import District
from fieldbeat.hil_tests.flood import KINDS, Flood
from fieldbeat.host_tools.fan_out import FanOut
from fieldbeat.protocols import receipt

ROOT = Path(__file__).parents[2]
RATE_HZ = 10_000
TONE = [0, 0, 500]
READ_US = 200  # hypothesis: what an ESP32 needs to read a datagram out of lwIP
CROWD = 200


def figures() -> list[Figure]:
    costs = device_costs()
    return [*poles(costs), *collector()]


def device_costs() -> dict[str, float]:
    """What a forged frame of each kind costs an ESP32, estimated, in us."""
    micropython = os.environ.get("MICROPYTHON") or str(Path(sys.executable).parent / "micropython")
    command = [micropython, "-X", "heapsize=512k", "hil_tests/benchmarks/speaker_device.py"]
    environment = os.environ | {"MICROPYPATH": ".frozen"}
    output = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    ).stdout
    run = {name: float(value) for name, value in map(str.split, output.splitlines())}
    factor = ESP32_LOOP_MS * 1000 / run["loop_us"]
    return {kind: READ_US + run[f"{kind}_us"] * factor for kind in KINDS}


def poles(costs: dict[str, float]) -> list[Figure]:
    found = []
    with tempfile.TemporaryDirectory() as folder, District(Path(folder)) as district:
        pole = district.add_pole()
        runs = pole.fitted.sinks["i2s0"].runs
        for kind in KINDS:
            flood = Flood(district, pole, "speaker-01", RATE_HZ, kind)
            flood.start()
            district.run_for(0.3)
            before, ordered_us = len(runs), district.world.now_us
            order = district.order([TONE])
            assert district.run_until(lambda n=before: len(runs) > n, 60)
            took_ms = (runs[before].begin_us - ordered_us) / 1000
            flood.stop()
            district.until(order, receipt.DONE)
            name = f"order to first sample in a flood, {kind}"
            peer = f"{RATE_HZ:,} a second; a bench's board computes in no time"
            found.append(Figure(name, took_ms, "ms", 1300, peer))
        for kind in KINDS:
            flood = Flood(district, pole, "speaker-01", RATE_HZ, kind, round(costs[kind]))
            flood.start()
            district.run_for(5)
            flood.stop()
            district.run_for(30)
            found += esp32(kind, costs[kind], flood.fates["delivered"] / flood.fates.total())
    return found


def esp32(kind: str, cost_us: float, share: float) -> list[Figure]:
    """A socket of six datagrams is full: a true frame has the chance of any other one."""
    name = f"an ESP32 in the flood, {kind}"
    each = f"{cost_us / 1000:.1f} ms for each, a hypothesis"
    return [
        Figure(f"{name}: frames that it reads", 100 * share, "%", None, each),
        Figure(f"{name}: half of all orders", median_delay_s(share), "s", None, "by repetition"),
    ]


def median_delay_s(share: float) -> float:
    """When the dispatcher's repetitions have come through with a chance of one half."""
    fan_out = FanOut()
    fan_out.add(b"", "", (2, 1), 1e9, 0.0)
    missed, now_s = 1.0, 0.0
    while missed > 0.5:
        now_s = max(now_s, fan_out.next_s() or 0.0)
        missed *= (1 - share) ** len(fan_out.due(now_s))
    return now_s


def collector() -> list[Figure]:
    """`fieldbeat collect` in real time, forged frames of a unit that it knows."""
    with tempfile.TemporaryDirectory(dir="build") as folder, County(Path(folder), CROWD) as county:
        unit = county.desk.registry.unit("crowd-0-00000")
        assert unit is not None
        command = [sys.executable, "-m", "fieldbeat.hil_tests.flood", "127.0.0.1"]
        command += [str(county.port), unit.kid.hex(), str(RATE_HZ), "8"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flood:
            time.sleep(1)
            used_s, begin_s = processor_s(county.collector.pid), time.monotonic()
            time.sleep(3)
            used_s = processor_s(county.collector.pid) - used_s
            share = used_s / (time.monotonic() - begin_s)
            told = county.alarm()
            assert flood.stdout is not None
            sent = json.loads(flood.stdout.readline())["sent"]
        time.sleep(1.5)  # counts are written once a second
        sql = "SELECT count FROM refusals WHERE reason = 'tag'"
        refused = county.desk.desk_store.database.one(sql)[0]
    peer = f"{sent:,} sent in 8 s, {refused:,} read and refused"
    return [
        Figure(f"{CROWD} receipts in a flood at the collector", told.all_s, "s", 3, peer),
        Figure("its processor meanwhile", 100 * share, "%", None, "of one; opening each"),
    ]
