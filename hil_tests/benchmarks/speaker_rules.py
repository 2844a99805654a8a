"""Rules that hold or do not: a stream on a bad network, and the arbiter's whole grid."""

from __future__ import annotations

from array import array
from itertools import product

from fieldbeat.hil_tests.benchmarks import Figure

from protocols import rtp
from protocols.command import DAILY, DRILL, EMERGENCY
from protocols.jitter import CONCEALED, PLAYED, JitterBuffer
from protocols.tests import test_arbiter as arbiter
from protocols.tests.stream import Noise, Player, arrivals, datagram

PACKET_US = 20_000
MINUTES = 10
DEPTH_MS = 120  # as firmware/stream.py has it
SKEWS_PPM = (-100, 0, 100)


def figures() -> list[Figure]:
    return [*streams(), *grids()]


def one_of_twenty(index: int) -> bool:
    """5 % loss, never two in a row."""
    return index % 20 == (index // 20 * 7 + 3) % 17


def stream(skew_ppm: int, seed: int = 3) -> tuple[JitterBuffer, list[int], set[int]]:
    """Ten minutes of a sender whose clock runs so much faster; 60 ms of jitter, 5 % loss."""
    out = Player(JitterBuffer(DEPTH_MS, 20, 16000, rtp.PCMA))
    count = MINUTES * 60 * 1_000_000 // PACKET_US
    packet_us = PACKET_US * (1 - skew_ppm / 1e6)
    levels: list[int] = []
    kinds: set[int] = set()
    for us, index in arrivals(count, Noise(seed), packet_us, 60_000, one_of_twenty):
        out.put(int(us), datagram(index))
        if index % 500 == 499:
            levels.append(out.buffer.buffered_ms())
            kinds |= set(out.kinds())
            out.heard = array("h")
    return out.buffer, levels, kinds


def streams() -> list[Figure]:
    found = []
    for skew_ppm in SKEWS_PPM:
        buffer, levels, kinds = stream(skew_ppm)
        assert buffer.lost > 1400 and buffer.jitter_ms() > 10 and kinds <= {PLAYED, CONCEALED}
        name = f"stream, 5 % loss, 60 ms jitter, {skew_ppm:+} ppm"
        peer = f"{buffer.lost} lost, {buffer.skipped} left out, {buffer.inserted} put in"
        drift = max(levels) - min(levels)
        found += [
            Figure(f"{name}: longest gap", buffer.longest_gap_ms, "ms", 20, peer),
            Figure(f"{name}: drift in 10 min", drift, "ms", DEPTH_MS, "of the level, with jitter"),
        ]
    return found


def grids() -> list[Figure]:
    """Every pair and triple of class x level x window, in every arrival, against the model."""
    classes, windows = (DAILY, DRILL, EMERGENCY), arbiter.WINDOWS
    pairs = arbiter.grid(classes, (1, 2, 3, 4), windows)
    triples = arbiter.grid(classes, (1, 4), windows)
    found = []
    for name, kinds, size in (("pairs", pairs, 2), ("triples", triples, 3)):
        count = 0
        for chosen in product(kinds, repeat=size):
            requests = tuple(arbiter.request(n, kind) for n, kind in enumerate(chosen, 1))
            for come in arbiter.ARRIVALS:
                arbiter.run(requests, come)  # raises where both differ
                count += 1
        peer = f"{len(kinds)} kinds of commands, {len(arbiter.ARRIVALS)} arrivals; 0 differ"
        found.append(Figure(f"arbiter: {name} against the model", count, "", None, peer))
    return found
