"""WAV files of ffmpeg and sox, and heads that somebody damaged."""

# SPDX-License-Identifier: Apache-2.0

import tracemalloc
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import wav
from protocols.tests.sound import decoded, needs_ffmpeg, needs_sox, run, write_wav
from protocols.wav import Format, WavError

SOURCE = "aevalsrc=0.5*sin(2*PI*440*t)+0.2*random(0):s=48000:d=0.25"
CODECS = {
    "pcm_s16le": (wav.PCM, 16, 2),
    "pcm_mulaw": (wav.ULAW, 8, 1),
    "pcm_alaw": (wav.ALAW, 8, 1),
    "adpcm_ima_wav": (wav.IMA_ADPCM, 4, 1024),
}


@needs_ffmpeg
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("rate_hz", wav.RATES_HZ)
def test_files_of_ffmpeg(tmp_path: Path, codec: str, rate_hz: int) -> None:
    file = tmp_path / "clip.wav"
    write_wav(file, codec, rate_hz, SOURCE)
    data = file.read_bytes()
    clip = wav.parse(data[:512], len(data))
    number, bits, block_align = CODECS[codec]
    assert clip[:5] == (number, rate_hz, 1, bits, block_align)
    assert data[clip.data_offset - 8 : clip.data_offset - 4] == b"data"
    assert clip.data_offset + clip.data_size == len(data)
    if codec == "pcm_s16le":
        assert data[clip.data_offset :] == decoded(file)


@needs_ffmpeg
@pytest.mark.parametrize(
    ("codec", "rate_hz", "more", "reason"),
    [
        ("pcm_s16le", 44100, (), "rate"),
        ("pcm_s16le", 16000, ("-ac", "2"), "channels"),
        ("pcm_u8", 16000, (), "bits"),
        ("pcm_s24le", 16000, (), "codec"),  # WAVE_FORMAT_EXTENSIBLE
        ("pcm_f32le", 16000, (), "codec"),
        ("adpcm_ms", 16000, (), "codec"),
    ],
)
def test_other_files_are_refused(
    tmp_path: Path, codec: str, rate_hz: int, more: tuple[str, ...], reason: str
) -> None:
    file = tmp_path / "clip.wav"
    write_wav(file, codec, rate_hz, SOURCE, *more)
    with pytest.raises(WavError) as refusal:
        wav.parse(file.read_bytes())
    assert refusal.value.reason == reason


@needs_sox
@pytest.mark.parametrize("encoding", ["signed-integer", "mu-law", "a-law", "ima-adpcm"])
def test_files_of_sox(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "clip.wav"
    bits = {"signed-integer": "16", "ima-adpcm": "4"}.get(encoding, "8")
    run("sox", "-n", "-r", "16000", "-c", "1", "-e", encoding, "-b", bits, file, "synth", "0.2")
    data = file.read_bytes()
    clip = wav.parse(data[:512], len(data))
    # An odd number of bytes is followed by one that belongs to nobody.
    assert clip.data_offset + clip.data_size + (clip.data_size & 1) == len(data)


GOOD = (
    b"RIFF\x30\0\0\0WAVEfmt \x10\0\0\0"
    + pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    + (b"LIST\3\0\0\0abc\0data\x08\0\0\0" + bytes(8))
)


def outcome(data: bytes, size: int | None) -> Format | None:
    try:
        return wav.parse(data, size)
    except WavError:
        return None


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(GOOD)),
    st.none() | st.integers(0, 2 * len(GOOD)),
)
def test_damage(changes: list[tuple[int, int]], keep: int, size: int | None) -> None:
    data = bytearray(GOOD)
    for at, value in changes:
        data[at] = value
    clip = outcome(bytes(data[:keep]), size)
    if clip:
        assert clip.rate_hz in wav.RATES_HZ and clip.channels == 1 and clip.data_size > 0
        assert 0 < clip.data_offset <= keep
        assert size is None or clip.data_offset + clip.data_size <= size


@given(st.binary(max_size=200))
def test_whatever_comes(data: bytes) -> None:
    outcome(data, None)
    outcome(b"RIFF    WAVE" + data, None)


def test_claims_allocate_nothing() -> None:
    huge = GOOD[:12] + b"LIST\xff\xff\xff\xff" + GOOD[12:]
    outcome(huge, None)
    tracemalloc.start()
    outcome(huge, None)
    outcome(GOOD[:-12] + b"\xfe\xff\xff\xff" + bytes(8), None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4096
