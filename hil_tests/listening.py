"""What was heard at a pole: how loud, how long, at which frequency."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .virtual.board import VirtualBoard
from .virtual.models.i2s_sink import I2sSink

SECOND_US = 1_000_000
TONE = [0, 0, 3000]  # steady, 1000 Hz, 3 s


def sink(pole: VirtualBoard) -> I2sSink:
    """Where the samples of a pole leave."""
    return pole.fitted.sinks["i2s0"]


def heard(pole: VirtualBoard, begin_us: int, end_us: int) -> Sequence[int]:
    """The samples between two times."""
    return sink(pole).samples(begin_us, end_us)


def level_of(samples: Sequence[int], hz: float) -> float:
    """The amplitude of one frequency, by Goertzel's algorithm."""
    turn = 2 * math.cos(2 * math.pi * hz / 16000)
    a = b = 0.0
    for sample in samples:
        a, b = sample + turn * a - b, a
    return 2 * math.sqrt(max(a * a + b * b - turn * a * b, 0)) / len(samples)


def loudest_ms(pole: VirtualBoard, begin_us: int, end_us: int) -> int:
    """In how many ms something was heard."""
    loud = np.abs(np.array(heard(pole, begin_us, end_us), np.int32)) > 100
    return int(np.logical_or.reduceat(loud, np.arange(0, len(loud), 16)).sum())
