"""The loudspeaker: from an order to the first sample, on one pole by the wall clock."""

from __future__ import annotations

import statistics
import tempfile
from itertools import pairwise
from pathlib import Path

from fieldbeat.hil_tests.benchmarks import Figure
from fieldbeat.hil_tests.benchmarks.bench import loop_ms
from fieldbeat.hil_tests.district import District
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.protocols import receipt
from fieldbeat.protocols.command import DRILL

TONE = [0, 0, 300]
ROUNDS = 7
HOPS = ("verified", "decided", "first sample")
# Hypothesis: MicroPython on an ESP32 at 240 MHz takes 1.6 s for a million additions in a loop.
ESP32_LOOP_MS = 1600


def processor_ms(pole: VirtualBoard) -> float:
    """What the board's interpreter has used of a processor; Linux counts it in ns."""
    assert pole.processor.interpreter is not None
    pid = pole.processor.interpreter.process.pid
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def once(district: District, pole: VirtualBoard, real: bool) -> tuple[float, float, list[int]]:
    """Order to first sample in ms of the world's clock, processor time of the board, and hops."""
    runs = pole.fitted.sinks["i2s0"].runs
    before, used_ms, ordered_us = len(runs), processor_ms(pole), district.world.now_us
    order = district.order([TONE])
    wait = district.world.run_real if real else district.world.run_until
    args = (20, lambda: len(runs) > before)
    assert wait(*(args if real else args[::-1]))
    used_ms = processor_ms(pole) - used_ms
    args = (20, lambda: district.told(order).ended_s)
    assert wait(*(args if real else args[::-1]))
    return (runs[before].begin_us - ordered_us) / 1000, used_ms, district.told(order).hops_ms


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, District(Path(folder)) as district:
        pole = district.add_pole()
        amplifier_ms = pole.spec["fitted"]["amplifier"]["settle_ms"]
        waits = [once(district, pole, real=False) for _ in range(ROUNDS)]
        wall = [once(district, pole, real=True) for _ in range(ROUNDS)]
        drill = district.order([TONE], DRILL, 1, silent=True)
        silent = district.until(drill, receipt.SILENT)
    loop = loop_ms()
    waits_ms = statistics.median(row[0] for row in waits)
    used_ms = statistics.median(row[1] for row in waits)
    wall_ms = statistics.median(row[0] for row in wall)
    steps = [[b - a for a, b in pairwise(row[2])] for row in wall]
    factor = ESP32_LOOP_MS / loop
    return [
        Figure("order to first sample, wall clock", wall_ms, "ms", 300, f"loop {loop:.0f} ms"),
        Figure(
            "of that, waits for network, flash, amplifier", waits_ms, "ms", None, "virtual time"
        ),
        Figure("of that, the amplifier alone", amplifier_ms, "ms", None, "the board's data"),
        *(
            Figure(f"hop until {name}", statistics.median(column), "ms", None, "its receipt")
            for name, column in zip(HOPS, zip(*steps, strict=True), strict=True)
        ),
        Figure("the board's processor until then", used_ms, "ms", None, "signature included"),
        Figure(
            "order to first sample on an ESP32, estimated",
            waits_ms + used_ms * factor,
            "ms",
            2000,
            f"waits, and {factor:.0f} times the processor: a hypothesis",
        ),
        Figure("hops that a silent drill tells", len(silent.hops_ms), "", None, "of 4"),
    ]
