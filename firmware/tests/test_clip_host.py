"""Clips in every form that a speaker takes, against ffmpeg's own samples at 16 kHz."""

import math
import shutil
import struct
import subprocess
import wave

import pytest

from firmware.clip import Clip

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg (apt)")
CODECS = ("pcm_s16le", "pcm_mulaw", "pcm_alaw", "adpcm_ima_wav")


def tone(path, rate_hz, seconds=1.3):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        turns = [2 * math.pi * 440 * i / rate_hz for i in range(round(rate_hz * seconds))]
        file.writeframes(b"".join(struct.pack("<h", round(9000 * math.sin(x))) for x in turns))


def ffmpeg(*arguments):
    done = subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def played(path, room=2048):
    clip, heard, buffer = Clip(str(path)), [], bytearray(room)
    try:
        while samples := clip.fill(buffer):
            heard += struct.unpack(f"<{samples}h", buffer[: 2 * samples])
    finally:
        clip.close()
    return heard


@needs_ffmpeg
@pytest.mark.parametrize("room", [2048, 400])
@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("codec", CODECS)
def test_a_clip_sounds_as_ffmpeg_plays_it(tmp_path, codec, rate_hz, room):
    source, clip = tmp_path / "tone.wav", tmp_path / "clip.wav"
    tone(source, rate_hz)
    ffmpeg("-i", source, "-c:a", codec, clip)
    raw = ffmpeg("-i", clip, "-f", "s16le", "-c:a", "pcm_s16le", "-")
    wanted = list(struct.unpack(f"<{len(raw) // 2}h", raw))
    heard = played(clip, room)
    if rate_hz == 8000:
        assert heard[0::2][0] == wanted[0] // 2  # between silence and the first one
        heard = heard[1::2]
    assert heard == wanted


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_what_follows_the_samples_is_not_heard(tmp_path, rate_hz):
    path = tmp_path / "clip.wav"
    tone(path, rate_hz, 0.1)
    whole = played(path)
    with open(path, "ab") as file:
        file.write(b"LIST" + struct.pack("<I", 400) + b"\x55" * 400)
    assert played(path) == whole and len(whole) == 1600


def test_what_is_no_clip(tmp_path):
    path = tmp_path / "clip.wav"
    with pytest.raises(OSError):
        Clip(str(path))
    tone(path, 16000)
    whole = path.read_bytes()
    for damaged in (b"", b"ID3" + whole, whole[:30], whole[:-2], whole.replace(b"data", b"dust")):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="WAV file refused"):
            Clip(str(path))
