"""The doubled rate: level and frequency of a tone, and what the images take, against sox."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from array import array
from math import cos, log10, pi
from pathlib import Path

import pytest

from protocols.resample import Doubler
from protocols.tests.sound import crossings_hz, level, needs_sox, run

PEAK = 16000


def doubled(samples: array[int]) -> array[int]:
    dst = bytearray(4 * len(samples))
    Doubler().double(samples, dst)
    return array("h", bytes(dst))


def tone(hz: float, rate_hz: int, count: int) -> array[int]:
    return array("h", [round(PEAK * cos(2 * pi * hz * i / rate_hz)) for i in range(count)])


@pytest.mark.parametrize("hz", [100, 700, 1000, 1900, 3000])
def test_a_tone_keeps_its_frequency(hz: int) -> None:
    samples = doubled(tone(hz, 8000, 4000))
    assert crossings_hz(samples, 16000) == pytest.approx(hz, rel=1e-3)
    # A line between samples is a filter: cos^2 of a quarter turn at half of the new rate.
    loss = cos(pi * hz / 16000) ** 2
    assert level(samples, hz, 16000) == pytest.approx(PEAK * loss, rel=2e-3)
    image = level(samples, 8000 - hz, 16000)
    assert image == pytest.approx(PEAK * (1 - loss), rel=2e-2, abs=20)


@needs_sox
def test_speech_band_as_sox_has_it(tmp_path: Path) -> None:
    """Up to 1 kHz, where the tones of alarms are, the level is within 0.4 dB of a good filter."""
    for hz in (400, 1000):
        raw = tmp_path / "tone"
        raw.write_bytes(tone(hz, 8000, 8000).tobytes())
        format_of = ("-t", "raw", "-e", "signed-integer", "-b", "16", "-c", "1")
        theirs = array(
            "h", run("sox", "-D", "-r", "8000", *format_of, raw, "-r", "16000", *format_of, "-")
        )
        ours = doubled(tone(hz, 8000, 8000))
        ratio = level(ours[800:-800], hz, 16000) / level(theirs[800:-800], hz, 16000)
        assert abs(20 * log10(ratio)) < 0.4
