"""G.711 against ffmpeg and sox: every code, bit for bit."""

# SPDX-License-Identifier: Apache-2.0

from pathlib import Path

import pytest

from protocols import g711, wav
from protocols.tests.sound import decoded, ffmpeg, needs_ffmpeg, needs_sox, run, write_wav

EVERY_CODE = bytes(range(256))
LAWS = {"mulaw": g711.ulaw_table(), "alaw": g711.alaw_table()}


def expanded(law: str, codes: bytes) -> bytes:
    dst = bytearray(2 * len(codes))
    assert g711.expand(LAWS[law], codes, dst) == len(codes)
    return bytes(dst)


@needs_ffmpeg
@pytest.mark.parametrize("law", LAWS)
def test_every_code_as_ffmpeg_has_it(tmp_path: Path, law: str) -> None:
    file = tmp_path / "codes"
    file.write_bytes(EVERY_CODE)
    raw = ("-f", law, "-ar", "8000", "-i", file, "-f", "s16le", "-c:a", "pcm_s16le", "-")
    assert expanded(law, EVERY_CODE) == ffmpeg(*raw)


@needs_sox
@pytest.mark.parametrize(("law", "kind"), [("mulaw", "ul"), ("alaw", "al")])
def test_every_code_as_sox_has_it(tmp_path: Path, law: str, kind: str) -> None:
    file = tmp_path / "codes"
    file.write_bytes(EVERY_CODE)
    raw = ("-t", kind, "-r", "8000", "-c", "1", file, "-t", "s16", "-")
    assert expanded(law, EVERY_CODE) == run("sox", "-D", *raw)


@needs_ffmpeg
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("rate_hz", wav.RATES_HZ)
def test_a_clip_of_ffmpeg(tmp_path: Path, law: str, rate_hz: int) -> None:
    file = tmp_path / "clip.wav"
    write_wav(file, f"pcm_{law}", rate_hz, "anoisesrc=d=0.5:a=0.9:seed=5:r=48000")
    data = file.read_bytes()
    clip = wav.parse(data[:512], len(data))
    assert clip.data_size > 3900
    codes = data[clip.data_offset : clip.data_offset + clip.data_size]
    assert expanded(law, codes) == decoded(file)
