"""A DAC, an amplifier's input and a horn: keeps every sample with its time.

    sink = board.fitted.sinks["i2s0"]
    sink.samples(begin_us, end_us)     # what the village hears, 16 kHz
    sink.gaps                          # silence between what was written, where data was late
    sink.wav("build/heard.wav")

What counts as heard is the sum of the I2S samples and of what other sources speak into the same
amplifier, while every gate (amplifier, codec) is open. Does not model a frequency response.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable

from ..world import World

RATE_HZ = 16_000  # of what is handed out
FULL_SCALE = 32_767
FOREVER_US = 1 << 62


class Gate:
    """Something that lets sound through from time to time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.spans: list[list[int]] = []  # begin and end in us

    @property
    def is_open(self) -> bool:
        """True while it is open."""
        return bool(self.spans) and self.spans[-1][1] == FOREVER_US

    def set(self, is_open: bool) -> None:
        """Open or close it now."""
        if is_open and not self.is_open:
            self.spans.append([self.world.now_us, FOREVER_US])
        elif not is_open and self.is_open:
            self.spans[-1][1] = self.world.now_us


class Run:
    """Samples without a gap."""

    def __init__(self, begin_us: int, rate_hz: int) -> None:
        self.begin_us = begin_us
        self.rate_hz = rate_hz
        self.samples = array("h")

    @property
    def end_us(self) -> int:
        """When the last sample ends."""
        return self.begin_us + len(self.samples) * 1_000_000 // self.rate_hz

    def slice(self, begin_us: int, end_us: int) -> array[int]:
        """The samples between two times, at RATE_HZ."""
        first = (begin_us - self.begin_us) * self.rate_hz // 1_000_000
        last = (end_us - self.begin_us) * self.rate_hz // 1_000_000
        if self.rate_hz == RATE_HZ:
            return self.samples[first:last]
        n = (end_us - begin_us) * RATE_HZ // 1_000_000
        step = self.rate_hz / RATE_HZ
        top = len(self.samples) - 1
        return array("h", [self.samples[min(first + int(i * step), top)] for i in range(n)])


class I2sSink:
    """See the module. Times are those of the world, in us."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs: list[Run] = []
        self.voices: list[tuple[int, Run]] = []  # of other sources: until when they sound
        self.codec: Gate | None = None  # between I2S and the amplifier
        self.amplifier: Gate | None = None
        self.clocked = Gate(world)  # while there is a bit clock
        self.listeners: list[Callable[[str], object]] = []  # told of clock and samples

    # What the chip does

    def clock(self, runs: bool) -> None:
        """The bit clock begins or ends."""
        self.clocked.set(runs)
        self._tell("clock begins" if runs else "clock ends")

    def _tell(self, what: str) -> None:
        for listener in self.listeners:
            listener(what)

    def play(self, begin_us: int, rate_hz: int, samples: array[int]) -> None:
        """Samples that leave from then on."""
        last = self.runs[-1] if self.runs else None
        if last is None or last.rate_hz != rate_hz or abs(last.end_us - begin_us) > 1:
            last = Run(begin_us, rate_hz)
            self.runs.append(last)
        last.samples.extend(samples)
        self._tell("samples")

    def cut(self, now_us: int) -> None:
        """What has not left yet never does."""
        if self.runs and self.runs[-1].end_us > now_us:
            last = self.runs[-1]
            sent = max(0, now_us - last.begin_us) * last.rate_hz // 1_000_000
            del last.samples[sent:]

    # What another source does

    def speak(self, begin_us: int, samples: array[int]) -> Run:
        """Samples at RATE_HZ of something else that the amplifier hears."""
        voice = Run(begin_us, RATE_HZ)
        voice.samples = samples
        self.voices.append((voice.end_us, voice))
        return voice

    def hush(self, voice: Run) -> None:
        """It stops speaking now."""
        sent = max(0, self.world.now_us - voice.begin_us) * RATE_HZ // 1_000_000
        del voice.samples[sent:]

    # What was heard

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """Begin and end of each silence between samples that were written."""
        runs = self.runs
        return [(runs[i].end_us, runs[i + 1].begin_us) for i in range(len(runs) - 1)]

    def samples(
        self, begin_us: int = 0, end_us: int | None = None, gated: bool = True
    ) -> array[int]:
        """What was heard between two times (until now), at RATE_HZ; all of it if not `gated`."""
        end_us = self.world.now_us if end_us is None else end_us
        heard = array("h", bytes(2 * ((end_us - begin_us) * RATE_HZ // 1_000_000)))
        amplifier = self.amplifier if gated else None
        codec = self.codec if gated else None
        for run in self.runs:
            for span in _common((begin_us, end_us), run, amplifier, codec):
                _mix(heard, begin_us, run, span)
        for _, voice in self.voices:
            for span in _common((begin_us, end_us), voice, amplifier, None):
                _mix(heard, begin_us, voice, span)
        return heard

    def first_sound_us(self, after_us: int = 0) -> int | None:
        """When the first sample that is not zero was heard."""
        for i, sample in enumerate(self.samples(after_us)):
            if sample:
                return after_us + i * 1_000_000 // RATE_HZ
        return None

    def level_dbfs(self, begin_us: int, end_us: int) -> float:
        """Root mean square of what was heard; 0 is a square wave of full scale."""
        return level_dbfs(self.samples(begin_us, end_us))

    def wav(self, path: object, begin_us: int | None = None, end_us: int | None = None) -> None:
        """Write what was heard to a file; from the first sample that was written."""
        import wave  # not on a MicroPython board

        if begin_us is None:
            begins = [run.begin_us for run in self.runs] + [v.begin_us for _, v in self.voices]
            begin_us = min(begins, default=0)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(self.samples(begin_us, end_us).tobytes())


def _common(within: tuple[int, int], run: Run, *gates: Gate | None) -> list[tuple[int, int]]:
    """The times within which a run sounds and all gates are open."""
    found = [(max(within[0], run.begin_us), min(within[1], run.end_us))]
    for gate in gates:
        if gate is not None:
            found = [(max(begin, a), min(end, b)) for begin, end in found for a, b in gate.spans]
    return [(begin, end) for begin, end in found if begin < end]


def _mix(heard: array[int], origin_us: int, run: Run, span: tuple[int, int]) -> None:
    """Add a part of a run to what is heard."""
    at = (span[0] - origin_us) * RATE_HZ // 1_000_000
    samples = run.slice(*span)[: len(heard) - at]
    if any(heard[at : at + len(samples)]):
        sums = [heard[at + i] + sample for i, sample in enumerate(samples)]
        samples = array("h", [min(max(x, -FULL_SCALE), FULL_SCALE) for x in sums])
    heard[at : at + len(samples)] = samples


def rms(samples: array[int]) -> float:
    """Root mean square."""
    return math.sqrt(sum([s * s for s in samples]) / len(samples)) if samples else 0.0


def level_dbfs(samples: array[int]) -> float:
    """Root mean square in dB below full scale; -120 for silence."""
    return 20 * math.log10(max(rms(samples) / FULL_SCALE, 1e-6))


def frequency_hz(samples: array[int], rate_hz: int = RATE_HZ) -> float:
    """Frequency of a tone, by its zero crossings."""
    signs = [s >= 0 for s in samples]
    rises = [i for i in range(1, len(signs)) if signs[i] and not signs[i - 1]]
    if len(rises) < 2:
        return 0.0
    return (len(rises) - 1) * rate_hz / (rises[-1] - rises[0])
