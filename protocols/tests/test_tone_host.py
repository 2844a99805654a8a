"""Tones as sox hears them: frequency, peak and power."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
import subprocess
from array import array
from pathlib import Path

import pytest

from protocols.tests.sound import crossings_hz, level, needs_sox
from protocols.tone import STEADY, SWEEP, TWO_TONE, Tone

LEVEL = 16384


def samples_of(source: Tone, count: int) -> bytes:
    dst = bytearray(2 * count)
    assert source.fill(dst) == count
    return bytes(dst)


def heard(samples: bytes, file: Path) -> dict[str, float]:
    """What `sox -n stat` says of raw samples."""
    file.write_bytes(samples)
    raw = ("-t", "raw", "-r", "16000", "-e", "signed-integer", "-b", "16", "-c", "1", file)
    said = subprocess.run(["sox", *raw, "-n", "stat"], capture_output=True, text=True).stderr
    return {name.strip(): float(value) for name, value in re.findall(r"(.*):\s+([-\d.]+)", said)}


@needs_sox
@pytest.mark.parametrize(
    ("pattern", "first", "hz"),
    [(STEADY, 1600, 1000), (TWO_TONE, 1600, 700), (TWO_TONE, 8000, 900)],
)
def test_tones_as_sox_hears_them(tmp_path: Path, pattern: int, first: int, hz: int) -> None:
    source = Tone(pattern, 16000, LEVEL)
    samples_of(source, first)
    said = heard(samples_of(source, 6400), tmp_path / "tone")
    # sox's rough frequency takes a difference for a slope: it hears 1 % less at 1 kHz.
    assert said["Rough   frequency"] == pytest.approx(hz, rel=0.02)
    assert said["Maximum amplitude"] == pytest.approx(0.5, rel=0.01)
    assert said["RMS     amplitude"] == pytest.approx(0.5 / 2**0.5, rel=0.005)


def test_the_two_tones_are_clean() -> None:
    source = Tone(TWO_TONE, 16000, LEVEL)
    halves = array("h", samples_of(source, 16000))
    for half, hz, other in ((halves[160:8000], 700, 900), (halves[8000:], 900, 700)):
        assert crossings_hz(half, 16000) == pytest.approx(hz, abs=0.1)
        assert level(half[:6400], hz, 16000) == pytest.approx(LEVEL, rel=1e-3)
        assert level(half[:6400], other, 16000) < 20
        assert level(half[:6400], 3 * hz, 16000) < 20


@pytest.mark.parametrize("ms", [50, 500, 1000, 1500, 1950])
def test_the_sweep_is_where_it_should_be(ms: int) -> None:
    source = Tone(SWEEP, 16000, LEVEL)
    samples_of(source, 16 * (ms - 25))
    assert crossings_hz(array("h", samples_of(source, 800)), 16000) == pytest.approx(
        400 + 0.4 * ms, rel=0.01
    )
