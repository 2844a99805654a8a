"""What the host tests of the audio rooms share: ffmpeg and sox as oracles, and measures."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import shutil
import subprocess
from array import array
from math import cos, hypot, pi, sin
from pathlib import Path

import pytest

LIMIT_S = 60  # of one run: it hangs

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
needs_sox = pytest.mark.skipif(not shutil.which("sox"), reason="sox is not installed")


def ffmpeg(*arguments: str | Path) -> bytes:
    """Run ffmpeg. -> what it wrote to its standard output"""
    return run("ffmpeg", "-nostdin", "-v", "error", "-y", *arguments)


def run(*command: str | Path) -> bytes:
    """Run a command that has to end well. -> its standard output"""
    done = subprocess.run(command, capture_output=True, timeout=LIMIT_S)
    assert not done.returncode, done.stderr.decode()
    return done.stdout


def write_wav(path: Path, codec: str, rate_hz: int, source: str, *more: str) -> None:
    """A mono WAV file of a source of lavfi, as ffmpeg encodes it."""
    ffmpeg(
        "-f", "lavfi", "-i", source, "-ac", "1", "-ar", str(rate_hz), "-c:a", codec, *more, path
    )


def decoded(path: Path) -> bytes:
    """The samples of a file as ffmpeg decodes them: 16 bit, little-endian."""
    return ffmpeg("-i", path, "-f", "s16le", "-c:a", "pcm_s16le", "-")


def level(samples: array[int], hz: float, rate_hz: int) -> float:
    """The peak of one frequency in the samples."""
    step = 2 * pi * hz / rate_hz
    real = sum(sample * cos(step * i) for i, sample in enumerate(samples))
    imaginary = sum(sample * sin(step * i) for i, sample in enumerate(samples))
    return 2 * hypot(real, imaginary) / len(samples)


def crossings_hz(samples: array[int], rate_hz: int) -> float:
    """The frequency by the upward zero crossings, from the first one to the last."""
    ups = [
        i + samples[i] / (samples[i] - samples[i + 1])
        for i in range(len(samples) - 1)
        if samples[i] < 0 <= samples[i + 1]
    ]
    return (len(ups) - 1) * rate_hz / (ups[-1] - ups[0])
