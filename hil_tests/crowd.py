"""Loudspeakers as a collector sees them, thousands in one process: real frames over one UDP port.

    python -m fieldbeat.hil_tests.crowd REGISTRY HOST PORT NAMES LOSS SEED

The units whose names begin with NAMES say hello until all of them were answered; `{"ready": n}`
tells it. From the next line on stdin on, which is answered, LOSS of what comes and of what they
say is lost. Each opens its commands with its own keys, judges them, and says that it accepts, as
often as it is told. When stdin ends, what was counted is printed.

They share a port, as units behind one router do, and a processor: a signature over the same bytes
is verified once for all of them, where poles do it each for itself.
"""

from __future__ import annotations

import functools
import json
import random
import select
import socket
import sys
import time
from collections import Counter
from pathlib import Path

from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.protocols import event, frame, p256, packing, receipt
from fieldbeat.protocols.authority import REPEATED, Authority
from fieldbeat.protocols.replay import Window

HELLOS_S = 0.0005  # between two of them
AGAIN_S = 1.0
BUFFER_SIZE = 4 << 20


class Member:
    """One loudspeaker, without a sound."""

    def __init__(self, registry: Registry, unit, issuers: dict) -> None:
        epoch, master = registry.keys(unit.kid)[0]
        self.keys = frame.KeySet(master, unit.kid, epoch)
        self.authority = Authority(issuers, {})
        self.groups = unit.group_numbers
        self.window = Window()
        self.piv = self.rn = 0
        self.is_known = False  # the collector has answered

    def seal(self, records: list[bytes]) -> bytes:
        self.piv += 1
        plaintext = packing.pack(records, True)
        return self.keys.seal(frame.TELEMETRY, frame.UP, self.piv, plaintext, not self.is_known)

    def take(self, datagram: bytes, counts: Counter[str], now_s: float) -> bytes | None:
        """Take a datagram; returns the answer to a command."""
        cls, piv, plaintext = self.keys.open(frame.DOWN, datagram, self.window)
        self.window.accept(piv)
        if cls != frame.COMMAND:
            self.is_known = True
            return None
        now = int(now_s) - DEVICE_EPOCH_S
        verdict = self.authority.check(plaintext, self.keys.kid, self.groups, now, True)
        if verdict.reason == REPEATED:
            counts["repeated"] += 1
        elif verdict.reason:
            raise ValueError(f"a command was refused: {verdict.reason}")
        else:
            counts["obeyed"] += 1
            self.authority.accept(verdict)
            self.authority.note(verdict.command.id, receipt.ACCEPTED)
        self.rn += 1
        body = receipt.body(verdict.command.id, receipt.ACCEPTED)
        return self.seal([event.encode(self.rn, event.RECEIPT, now, body)])


class Crowd:
    """The members behind one socket."""

    def __init__(self, registry: Registry, names: str, loss: float, seed: int) -> None:
        issuers = {each.kid: each.for_units() for each in Issuers(registry).all()}
        units = [unit for unit in registry.units() if unit.name.startswith(names)]
        self.members = {unit.kid: Member(registry, unit, issuers) for unit in units}
        self.kid_size = registry.kid_size
        self.loss = loss
        self.loses = False
        self.random = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_SIZE)
        self.socket.setblocking(False)

    def is_lost(self, way: str) -> bool:
        lost = self.loses and self.random.random() < self.loss
        self.counts[f"{way}_lost" if lost else way] += 1
        return lost

    def say_hello(self) -> None:
        """Until each has been answered."""
        while silent := [m for m in self.members.values() if not m.is_known]:
            for member in silent:
                self.socket.send(member.seal([]))
                time.sleep(HELLOS_S)
                self.listen(0)
            end_s = time.monotonic() + AGAIN_S
            while not all(m.is_known for m in silent) and time.monotonic() < end_s:
                self.listen(0.05)

    def listen(self, wait_s: float) -> None:
        """Take what has come."""
        if not select.select([self.socket], [], [], wait_s)[0]:
            return
        while True:
            try:
                datagram = self.socket.recv(0xFFFF)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if self.is_lost("down"):
                continue
            member = self.members[frame.parse(datagram, self.kid_size).kid]
            answer = member.take(datagram, self.counts, time.time())
            if answer and not self.is_lost("up"):
                self.socket.send(answer)


def main(registry: str, host: str, port: str, names: str, loss: str, seed: str) -> None:
    p256.verify = functools.cache(p256.verify)
    crowd = Crowd(Registry(Path(registry)), names, float(loss), int(seed))
    crowd.socket.connect((host, int(port)))
    crowd.say_hello()
    print(json.dumps({"ready": len(crowd.members)}), flush=True)
    while True:
        crowd.listen(0.02)
        if select.select([sys.stdin], [], [], 0)[0]:
            if not sys.stdin.readline():
                break
            crowd.loses = True
            crowd.counts.clear()
            print(json.dumps({"loses": crowd.loss}), flush=True)
    print(json.dumps({**crowd.counts, "verified": p256.verify.cache_info().misses}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
