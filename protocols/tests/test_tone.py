# Attention tones: without a click in pieces of any length, faded, as long as they should be.
# SPDX-License-Identifier: Apache-2.0
from struct import unpack

from protocols import gain, tone
from protocols.tests.support import raises
from protocols.tone import STEADY, SWEEP, TWO_TONE, Tone

LEVEL = 20000


def raw(source, n, size=331):
    # Up to n samples as bytes, asked for in buffers of this size.
    out = bytearray(2 * n)
    done = 0
    while done < n:
        dst = memoryview(out)[2 * done : 2 * min(done + size, n)]
        got = source.fill(dst)
        done += got
        if 2 * got < len(dst):
            break
    return out[: 2 * done]


def played(source, n):
    data = raw(source, n)
    return unpack("<%dh" % (len(data) // 2), data)


def ups(samples):
    # How often it rises through zero.
    return sum([samples[i - 1] < 0 <= samples[i] for i in range(1, len(samples))])


def test_no_click_in_any_pattern():
    for pattern, hz in ((STEADY, 1000), (TWO_TONE, 900), (SWEEP, 1200)):
        for rate_hz in (8000, 16000):
            source = Tone(pattern, rate_hz, LEVEL)
            steepest = 1.05 * LEVEL * 2 * 3.1416 * hz / rate_hz
            last = highest = lowest = 0
            for _ in range(21):
                for sample in played(source, rate_hz // 10):
                    assert abs(sample - last) <= steepest, (pattern, rate_hz)
                    last = sample
                    highest = max(highest, sample)
                    lowest = min(lowest, sample)
            assert 0.98 * LEVEL < highest <= LEVEL and -0.98 * LEVEL > lowest >= -LEVEL


def test_steady():
    samples = played(Tone(STEADY, 16000, LEVEL), 3200)
    assert samples[160 : 160 + 16] == samples[1600 : 1600 + 16]
    assert 199 <= ups(samples) <= 200


def test_two_tone_changes_at_a_zero():
    source = Tone(TWO_TONE, 16000, LEVEL)
    for hz in (700, 900, 700, 900):
        samples = played(source, 4000)
        assert samples[0] == 0
        assert abs(ups(samples) - hz // 4) <= 1, hz
        played(source, 4000)


def test_sweep_rises_and_begins_again():
    source = Tone(SWEEP, 16000, LEVEL)
    for i in range(21):
        # 200 ms: the mean of the band that is passed, 80 Hz wide.
        hz = 400 + 80 * (i % 10) + 40
        assert abs(ups(played(source, 3200)) - hz // 5) <= 2, i


def test_the_size_of_a_buffer_changes_nothing():
    for pattern in (STEADY, TWO_TONE, SWEEP):
        whole = raw(Tone(pattern, 8000, LEVEL, 700), 6000, 6000)
        assert len(whole) == 2 * 5600
        for size in (1, 79, 80, 81, 512):
            assert raw(Tone(pattern, 8000, LEVEL, 700), 6000, size) == whole, (pattern, size)


def test_as_long_as_it_should_be():
    for rate_hz in (8000, 16000):
        for ms in (100, 101, 577, 1000):
            source = Tone(STEADY, rate_hz, LEVEL, ms)
            assert len(raw(source, 17000)) == 2 * (rate_hz * ms // 1000)
            dst = bytearray(b"\x55" * 8)
            assert source.fill(dst) == 0 and dst == b"\x55" * 8


def test_fades():
    samples = played(Tone(STEADY, 16000, LEVEL, 200), 5000)
    for i in range(160):
        limit = LEVEL * (i + 1) // 160
        assert abs(samples[i]) <= limit and abs(samples[-1 - i]) <= limit, i
    assert max(samples[80:160]) > LEVEL // 2
    assert max(samples[-160:-80]) > LEVEL // 2
    assert max(samples[160:-160]) == LEVEL


def test_stop_fades_out():
    for played_before in (0, 1, 100, 5000):
        source = Tone(TWO_TONE, 16000, LEVEL)
        played(source, played_before)
        source.stop()
        source.stop()
        samples = played(source, 5000)
        assert len(samples) == 160
        assert all([abs(samples[-1 - i]) <= LEVEL * (i + 1) // 160 for i in range(160)])
    source = Tone(STEADY, 16000, LEVEL, 100)
    played(source, 1590)
    source.stop()
    assert len(played(source, 5000)) == 10


def test_levels():
    assert set(played(Tone(SWEEP, 16000, 0), 3000)) == {0}
    loud = played(Tone(SWEEP, 16000, 32767), 3000)
    assert max(loud) > 32000 and min(loud) < -32000


def test_refused():
    raises(ValueError, Tone, 3, 16000, LEVEL)
    raises(ValueError, Tone, -1, 16000, LEVEL)
    raises(ValueError, Tone, STEADY, 11025, LEVEL)
    raises(ValueError, Tone, STEADY, 16000, 32768)
    raises(ValueError, Tone, STEADY, 16000, -1)
    assert (tone.STEADY, tone.TWO_TONE, tone.SWEEP) == (0, 1, 2)


def test_ramp():
    samples = bytearray(b"\xff\x7f\x00\x80" * 3)
    gain.ramp(samples, 1, 4, gain.FULL, -gain.FULL // 4)
    assert unpack("<6h", samples) == (32767, -32768, 24575, -16384, 8191, -32768)
