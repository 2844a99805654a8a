"""IMA ADPCM against ffmpeg, bit for bit, and against sox, which rounds in another way."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from array import array
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import wav
from protocols.ima_adpcm import AdpcmError, Decoder
from protocols.tests.sound import decoded, needs_ffmpeg, needs_sox, run, write_wav
from protocols.tests.test_wav import chunk, fmt
from protocols.tests.test_wav import file as wav_file
from protocols.wav import Format

SOURCES = {
    "tone": "sine=frequency=440:sample_rate=48000:duration=0.5",
    "noise": "anoisesrc=d=0.5:a=1:seed=5:r=48000",
    "square": "aevalsrc=0.99*sgn(sin(2*PI*50*t)):s=48000:d=0.5",
    "silence": "anullsrc=r=48000:d=0.5",
}


def played(file: Path) -> tuple[Format, array[int]]:
    """The head of a clip and its samples, block after block as a speaker reads them."""
    data = file.read_bytes()
    clip = wav.parse(data[:512], len(data))
    decoder = Decoder(clip.block_align)
    dst = bytearray(2 * decoder.samples)
    samples = array("h")
    end = clip.data_offset + clip.data_size
    for at in range(clip.data_offset, end, clip.block_align):
        n = decoder.block(memoryview(data)[at : min(at + clip.block_align, end)], dst)
        samples.frombytes(dst[: 2 * n])
    return clip, samples


@needs_ffmpeg
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("more", [(), ("-block_size", "256")], ids=["1024", "256"])
@pytest.mark.parametrize("rate_hz", wav.RATES_HZ)
def test_clips_of_ffmpeg(tmp_path: Path, rate_hz: int, more: tuple[str, ...], source: str) -> None:
    file = tmp_path / "clip.wav"
    write_wav(file, "adpcm_ima_wav", rate_hz, source, *more)
    clip, samples = played(file)
    assert clip.block_align == (256 if more else 1024)
    assert len(samples) > 0.4 * rate_hz
    assert samples.tobytes() == decoded(file)


@needs_ffmpeg
@settings(max_examples=25)
@given(st.binary(min_size=28, max_size=28), st.integers(0, 88), st.integers(0, 88))
def test_any_codes_as_ffmpeg_reads_them(
    tmp_path_factory: pytest.TempPathFactory, codes: bytes, one: int, other: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "codes.wav"
    blocks = codes[:2] + bytes((one, 0)) + codes[2:14]
    blocks += codes[14:16] + bytes((other, 0)) + codes[16:]
    extra = pack("<HH", 2, 25)
    file.write_bytes(wav_file(fmt(wav.IMA_ADPCM, 1, 16000, 16, 4, extra), chunk(b"data", blocks)))
    assert played(file)[1].tobytes() == decoded(file)


@needs_sox
@needs_ffmpeg
def test_a_clip_of_sox(tmp_path: Path) -> None:
    file = tmp_path / "clip.wav"
    encoding = ("-e", "ima-adpcm", "-b", "4", file)
    run("sox", "-n", "-r", "16000", "-c", "1", *encoding, "synth", "0.5", "sine", "440")
    clip, samples = played(file)
    assert clip.block_align == 256
    assert samples.tobytes() == decoded(file)
    raw = run("sox", "-D", file, "-t", "s16", "-")
    theirs = array("h", raw)
    # Its sums drop a fraction of the step less: over a block of 505 samples that adds up.
    assert all(abs(a - b) < 400 for a, b in zip(samples, theirs, strict=False))


@given(st.integers(-8, 300), st.binary(max_size=300))
def test_whatever_comes(block_align: int, data: bytes) -> None:
    try:
        decoder = Decoder(block_align)
        dst = bytearray(2 * decoder.samples)
        n = decoder.block(data, dst)
    except AdpcmError:
        return
    assert n == 2 * (len(data) - 4) + 1 <= decoder.samples
