"""The device shell: what a line takes of the processor, and what it takes of the heap.

Typed at the whole greenhouse board. What is free is counted, garbage aside, before and after each
import, before code is forgotten and when the rows of an answer are laid out, to which an answer's
text is added; and when it is written, with what of it is in the heap then.
"""

from __future__ import annotations

import re
import statistics
from pathlib import Path

from fieldbeat.hil_tests.benchmarks import Figure, wire
from fieldbeat.hil_tests.benchmarks.bench import loop_ms
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.site import Site
from fieldbeat.host_tools import app_files

VERBS = (
    *("help", "status", "id", "sensors", "read air", "counters", "log", "modem"),
    *("config show", "config set uplink.interval_s 1800", "config check"),
    *("selftest list", "bench", "update"),
)
ANSWER_MS = 50
HEAP_BYTES = 12 * 1024
ROUNDS = 9
SCALED = "processor, scaled to 60 ms a loop of a million"
SETTLED_S = 1_210  # sampled and sent; the next sample is far
REST_S = 1_500  # what is loaded for the shell is forgotten, and the next sample is far
ASKED_S = 2  # virtual, for an answer
FREE = re.compile(rb"(FREE|TOLD) (\d+)\r?\n")
PROBE = b"""\
import builtins
import gc

_delattr = delattr
_import = __import__
_max = max

def _free(when="FREE"):
    gc.collect()
    print(when, gc.mem_free())

def _forgotten(*args):
    _free()
    _delattr(*args)

def _probed(*args):
    _free()
    made = _import(*args)
    _free()
    return made

def _laid_out(*args):
    _free()
    return _max(*args)

builtins.delattr = _forgotten
builtins.__import__ = _probed
builtins.max = _laid_out

from firmware import console

# The stream, whatever it is called in a slot.
(_stream,) = [each for each in console.__dict__.values() if hasattr(each, "write")]
_write = _stream.write

def _told(self, data):
    if len(data) > 20:
        _free("TOLD")
    _write(self, data)

_stream.write = _told

"""


def figures() -> list[Figure]:
    return [*answers(), *heap()]


def answers() -> list[Figure]:
    with Site(seed=1) as site:
        station = site.add_station()
        site.run_for(SETTLED_S)
        took_ms = {verb: answer_ms(site, station, verb) for verb in VERBS}
    slowest = max(VERBS, key=took_ms.__getitem__)
    return [Figure(f"device shell, {slowest}", took_ms[slowest], "ms", ANSWER_MS, SCALED)]


def heap() -> list[Figure]:
    takes, stays = heap_bytes()
    rows = [
        Figure(f"device shell, {verb}", takes[verb], "bytes", HEAP_BYTES, "of heap, at most")
        for verb in sorted(VERBS, key=takes.__getitem__, reverse=True)
    ]
    return [*rows, Figure("the same, stays afterwards", stays, "bytes", HEAP_BYTES, "of heap")]


def ask(site: Site, station: VirtualBoard, line: str) -> bytes:
    """What a line is answered with; the prompt is its end."""
    start = len(station.output)
    station.console_write(line.encode() + b"\r")
    site.run_for(ASKED_S)
    return station.output[start:]


def processor_ms(station: VirtualBoard) -> float:
    """What the interpreter has used of a processor."""
    assert station.processor.interpreter is not None
    pid = station.processor.interpreter.process.pid
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def answer_ms(site: Site, station: VirtualBoard, line: str) -> float:
    """The median of some rounds, less what the board does meanwhile without being asked."""
    took = []
    for _ in range(ROUNDS):
        start = processor_ms(station)
        site.run_for(ASKED_S)
        idle = processor_ms(station)
        ask(site, station, line)
        took.append((processor_ms(station) - 2 * idle + start, loop_ms()))
    return statistics.median(ms * wire.LOOP_US / 1000 / loop for ms, loop in took)


def heap_bytes() -> tuple[dict[str, int], int]:
    """What each line takes while it is answered, and what is less free after all of them."""
    before = app_files.MAIN_SOURCE
    app_files.MAIN_SOURCE = PROBE + before
    try:
        with Site(seed=1) as site:
            station = site.add_station()
            site.run_for(SETTLED_S)
            said = {line: ask(site, station, line) for line in VERBS}
            site.run_for(REST_S)
            last = ask(site, station, VERBS[0])
    finally:
        app_files.MAIN_SOURCE = before
    at_first = counted(said[VERBS[0]])[0][0]
    takes = {line: at_first - min(map(min, counted(told))) for line, told in said.items()}
    return takes, at_first - counted(last)[0][0]


def counted(told: bytes) -> list[tuple[int, int]]:
    """What was free each time, and less an answer's text where that was still to come."""
    size = len(FREE.sub(b"", told))
    free = [(int(each), when == b"FREE") for when, each in FREE.findall(told)]
    return [(each, each - size * is_to_come) for each, is_to_come in free]
