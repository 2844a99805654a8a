"""From an order to the first sample of a stored clip, on one pole: hop by hop."""

from __future__ import annotations

import io
import math
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import wave
from array import array
from itertools import pairwise
from pathlib import Path

from fieldbeat.hil_tests.benchmarks import Figure
from fieldbeat.hil_tests.benchmarks.bench import LOOP
from fieldbeat.hil_tests.district import District
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.link import OPS, Request
from fieldbeat.host_tools import udp_server
from fieldbeat.protocols import receipt
from fieldbeat.protocols.command import DRILL

CLIP = [[1, "flood"]]
ROUNDS = 24  # in virtual time; in some of them flash wants to be erased
REAL_ROUNDS = 7
REST_S = 3  # until the receipts of the last one are settled
HOPS = ("verified", "decided", "first sample")
LOOP_MS = 60  # of the machine that times are scaled to, as in wire.py
# Hypothesis: MicroPython on an ESP32 at 240 MHz takes 1.6 s for a million additions in a loop.
ESP32_LOOP_MS = 1600


def clip() -> bytes:
    """Half a second of a tone, as ADPCM if there is an ffmpeg that makes it."""
    samples = array("h", [round(9000 * math.sin(i / 4)) for i in range(8000)])
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        out.writeframes(samples.tobytes())
    if not shutil.which("ffmpeg"):
        return file.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "plain.wav", Path(folder) / "packed.wav"
        plain.write_bytes(file.getvalue())
        words = ["ffmpeg", "-v", "error", "-i", str(plain), "-c:a", "adpcm_ima_wav"]
        subprocess.run([*words, str(packed)], check=True)
        return packed.read_bytes()


def loop_ms() -> float:
    """Processor time of a million additions, whatever else the machine does."""
    micropython = str(Path(sys.executable).parent / "micropython")

    def used_s(program: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([micropython, "-c", program], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return 1000 * (used_s(LOOP) - used_s("pass"))


def processor_ms(pole: VirtualBoard) -> float:
    """What the board's interpreter has used of a processor; Linux counts it in ns."""
    assert pole.processor.interpreter is not None
    pid = pole.processor.interpreter.process.pid
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


class Spy:
    """What a board waits for in virtual time: `network_ms` and `flash_ms` since `begin()`."""

    def __init__(self, pole: VirtualBoard) -> None:
        self._processor = pole.processor
        self._answer = pole.processor._answer
        pole.processor._answer = self._look  # type: ignore[method-assign]
        self.begin()

    def begin(self) -> None:
        self._from_us = self._processor.world.now_us
        self.network_ms: float | None = None
        self.flash_ms = 0.0

    def _look(self, request: Request) -> None:
        self._answer(request)
        name = OPS[request.op & 0x7F]
        if name == "socket_receive" and self.network_ms is None:
            self.network_ms = (self._processor.world.now_us - self._from_us) / 1000
        if name.startswith(("flash_", "nvs_")):
            self.flash_ms += self._processor.hardware.busy_us / 1000


def once(
    district: District, pole: VirtualBoard, real: bool, spy: Spy | None = None
) -> tuple[float, ...]:
    """Order to first sample in ms of the world's clock, the board's processor time, and hops."""
    district.run_for(REST_S)
    runs = pole.fitted.sinks["i2s0"].runs
    before, used_ms, ordered_us = len(runs), processor_ms(pole), district.world.now_us
    if spy:
        spy.begin()
    order = district.order(CLIP)
    wait = district.world.run_real if real else district.world.run_until
    args = (20, lambda: len(runs) > before)
    assert wait(*(args if real else args[::-1]))
    used_ms = processor_ms(pole) - used_ms
    waits = (spy.network_ms or 0.0, spy.flash_ms) if spy else ()
    begin_ms = (runs[before].begin_us - ordered_us) / 1000
    args = (20, lambda: district.told(order).ended_s)
    assert wait(*(args if real else args[::-1]))
    return begin_ms, used_ms, *(waits or map(float, district.told(order).hops_ms))


def figures() -> list[Figure]:
    sounds = {"flood": clip()}
    with tempfile.TemporaryDirectory() as folder, District(Path(folder)) as district:
        pole = district.add_pole(sounds={f"{name}.wav": data for name, data in sounds.items()})
        spy = Spy(pole)
        waits = [once(district, pole, False, spy) for _ in range(ROUNDS)]
        loops = [loop_ms() for _ in range(3)]
        wall = [once(district, pole, True) for _ in range(REAL_ROUNDS)]
        loops += [loop_ms() for _ in range(3)]
        drill = district.order(CLIP, DRILL, 1, silent=True)
        silent = district.until(drill, receipt.SILENT)
        amplifier_ms = float(pole.spec["fitted"]["amplifier"]["settle_ms"])
    return [
        *_total(waits, wall, amplifier_ms, statistics.median(loops)),
        Figure("hops that a silent drill tells", len(silent.hops_ms), "", None, "of 4"),
    ]


def _total(
    waits: list[tuple[float, ...]],
    wall: list[tuple[float, ...]],
    amplifier_ms: float,
    loop: float,
) -> list[Figure]:
    begin, used, network, flash = (statistics.median(row[i] for row in waits) for i in range(4))
    worst = max(row[0] for row in waits)
    look_ms = udp_server.COMMANDS_S * 1000
    wall_ms = statistics.median(row[0] for row in wall)
    scaled_ms = begin + max(0.0, wall_ms - begin) * min(1.0, LOOP_MS / loop)
    steps = [[b - a for a, b in pairwise(row[2:])] for row in wall]
    factor = ESP32_LOOP_MS / loop
    scale = f"waits as they are, the rest scaled from a loop of {loop:.0f} ms to {LOOP_MS} ms"
    rest = begin - network - flash - amplifier_ms
    return [
        Figure("order to first sample", look_ms + scaled_ms, "ms", 300, scale),
        Figure("the same, this machine", look_ms + wall_ms, "ms", None, "wall clock"),
        Figure("until the collector looks", look_ms, "ms", None, "at most; in all of these"),
        Figure("waits of the pole", begin, "ms", None, f"virtual time; of {ROUNDS} the median"),
        Figure("waits of the pole, the worst", worst, "ms", None, "flash is erased meanwhile"),
        Figure("wait: network", network, "ms", None, "one way"),
        Figure("wait: flash and NVS", flash, "ms", None, "order, id, counter, number"),
        Figure("wait: the amplifier settles", amplifier_ms, "ms", None, "the board's data"),
        Figure("wait: DMA and turns of the loop", rest, "ms", None, "the rest"),
        Figure("the pole's processor until then", used, "ms", None, "signature included"),
        *(
            Figure(f"hop until {name}", statistics.median(column), "ms", None, "its receipt")
            for name, column in zip(HOPS, zip(*steps, strict=True), strict=True)
        ),
        Figure(
            "order to first sample on an ESP32, estimated",
            look_ms + begin + used * factor,
            "ms",
            2000,
            f"waits, and {factor:.0f} times the processor: a hypothesis",
        ),
    ]
