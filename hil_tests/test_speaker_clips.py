"""Clips from the folder of `build --clips` to the horn: ordered by name, heard as they are."""

from __future__ import annotations

import math
import shutil
import subprocess
import wave
from array import array

import pytest
from fieldbeat.host_tools import clips
from fieldbeat.protocols import event, receipt
from fieldbeat.protocols.command import DAILY

from .district import District
from .listening import SECOND_US, heard, level_of, loudest_ms, sink

HZ, PEAK = 600, 20000


def write_clip(path, seconds=2):
    step = 2 * math.pi * HZ / 16000
    samples = array("h", [round(PEAK * math.sin(step * i)) for i in range(16000 * seconds)])
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())


def as_adpcm(path):
    """As the remedy of `fieldbeat build` says it."""
    plain = path.with_name("plain.original")
    path.rename(plain)
    words = ["-ac", "1", "-ar", "16000", "-c:a", "adpcm_ima_wav"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", plain, *words, path], check=True)


@pytest.mark.parametrize("codec", ["pcm", "adpcm"])
@pytest.mark.parametrize("volume", [25, 100])
def test_a_clip_is_heard_as_loud_as_it_was_ordered(tmp_path, codec, volume):
    folder = tmp_path / "clips"
    folder.mkdir()
    write_clip(folder / "flood.wav")
    if codec == "adpcm":
        if not shutil.which("ffmpeg"):
            pytest.skip("ffmpeg is not there")
        as_adpcm(folder / "flood.wav")
    with District(tmp_path) as district:
        pole = district.add_pole(sounds=clips.read(folder))
        assert district.events("speaker-01", event.CONFIG)[-1][event.CONFIG_CLIPS] == "flood"
        ordered_us = district.world.now_us
        order = district.order([[1, "flood"]], DAILY, 4, volume=volume)
        done = district.until(order, receipt.DONE)
        assert done.reason is None and done.proof[2] > 200
        begin_us = next(r.begin_us for r in sink(pole).runs if r.begin_us > ordered_us)
        middle = heard(pole, begin_us + SECOND_US // 2, begin_us + 3 * SECOND_US // 2)
        assert level_of(middle, HZ) == pytest.approx(PEAK * volume / 100, rel=0.03)
        assert level_of(middle, HZ * 2) < PEAK / 100
        assert abs(loudest_ms(pole, ordered_us, district.world.now_us) - 2000) <= 70
