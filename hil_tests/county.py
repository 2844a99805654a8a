"""A county in real time: `fieldbeat collect` itself, its socket and its files, and many poles.

    with County(folder, crowd=990, poles=10, loss=0.1) as county:
        told = county.alarm()
        print(told.all_s, told.collector_s, told.lost)

The poles are whole virtual boards of a bench in this process, the crowd loudspeakers at protocol
level in processes of their own (crowd.py). Loss is injected both ways, at the crowd and in the
bench's network, from `alarm()` on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fieldbeat.host_tools.dispatcher import TRIES_WRITTEN_S
from fieldbeat.host_tools.orders import Delivery, Order
from fieldbeat.protocols import receipt
from fieldbeat.protocols.command import EMERGENCY

from .district import District

TONE = [0, 0, 500]
CROWD_MAX = 5000  # of a process
SETTLE_S = 60.0  # until boards have booted and all have said hello
HOST = "127.0.0.1"


@dataclass
class Told:
    """What became of an alarm: seconds from the order in the store until receipts were there."""

    all_s: float
    median_s: float
    poles_s: float  # of the boards alone, 0 without any
    tries: float  # datagrams a unit
    collector_s: float  # processor time of `fieldbeat collect`
    lost: Counter[str]
    deliveries: list[Delivery] = field(repr=False, default_factory=list)


class _Desk(District):
    """A district in real time, whose collector is another process."""

    @property
    def now_s(self) -> float:
        return time.time()

    def attach_collector(self, *_where: Any) -> None:
        """Nobody in this process answers."""

    def dispatch(self) -> None:
        """Nor does anybody here send."""


def processor_s(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def wait(condition: Callable[[], object], timeout_s: float, step_s: float = 0.05) -> bool:
    """Sleep until a condition holds; False after `timeout_s`."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(step_s)
    return True


class County:
    """See the module; `seed` chooses what is lost."""

    def __init__(
        self, folder: Path, crowd: int, poles: int = 0, loss: float = 0.0, seed: int = 1
    ) -> None:
        self.loss = loss
        self._crowds: list[subprocess.Popen[str]] = []
        with ExitStack() as stack:
            self.desk = stack.enter_context(_Desk(folder, seed))
            self.desk.network.bridge = True
            names = self._register(crowd)
            self.collector = self._start_collector(stack, folder)
            self._add_poles(poles)
            for number, name in enumerate(names):
                self._crowds.append(self._start_crowd(stack, folder, name, seed + number))
            for process in self._crowds:
                assert process.stdout is not None
                assert json.loads(process.stdout.readline())["ready"]
            stack.callback(self.desk.stop_real)
            self._close = stack.pop_all()

    def __enter__(self) -> County:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._close.close()

    def _register(self, count: int) -> list[str]:
        """Give the crowd names and keys; returns how the names of each process begin."""
        registry = self.desk.registry
        with registry.database.transaction():
            for n in range(count):
                name = f"crowd-{n // CROWD_MAX}-{n:05}"
                registry.allocate(name)
                registry.describe(name, "crowd", role="speaker", site="riverside", groups="7")
        return [f"crowd-{n}-" for n in range(-(-count // CROWD_MAX))]

    def _start_collector(self, stack: ExitStack, folder: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "fieldbeat.host_tools.cli", "collect", "--json"]
        command += ["--bind", f"{HOST}:0", "--db", str(folder / "collector.db")]
        command += ["--registry", str(folder / "registry.db")]
        process = self._start(stack, command)
        assert process.stdout is not None
        self.port = int(json.loads(process.stdout.readline())["listening"].rpartition(":")[2])
        quiet = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        stack.callback(quiet.wait)
        stack.callback(process.kill)
        return process

    def _start_crowd(
        self, stack: ExitStack, folder: Path, names: str, seed: int
    ) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "fieldbeat.hil_tests.crowd", str(folder / "registry.db")]
        command += [HOST, str(self.port), names, str(self.loss), str(seed)]
        return self._start(stack, command)

    @staticmethod
    def _start(stack: ExitStack, command: list[str]) -> subprocess.Popen[str]:
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = stack.enter_context(subprocess.Popen(command, **pipes))
        stack.callback(process.kill)
        return process

    def _add_poles(self, count: int) -> None:
        for n in range(count):
            self.desk.begin_pole(f"speaker-{n:02}", host=f'"{HOST}"', port=self.port)
        self.desk.start_real()
        for name in self.desk.boards:
            assert wait(partial(self._has_told, name), SETTLE_S), name

    def _has_told(self, name: str) -> bool:
        return self.desk.views.unit(name, time.time()).records > 0

    def alarm(self, timeout_s: float = 60.0) -> Told:
        """Order an alert for all; returns when the last receipt is in the store, or too late."""
        for process in self._crowds:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["loses"] == self.loss
        self.desk.network.loss = self.loss
        before_s = processor_s(self.collector.pid)
        ordered_s = time.time()
        order = self.desk.order([TONE], EMERGENCY, 1)
        wait(lambda: not self._silent(order), timeout_s, 0.1)
        used_s = processor_s(self.collector.pid) - before_s
        wait(lambda: not self._unfinished(order), timeout_s, 0.1)
        time.sleep(TRIES_WRITTEN_S + 0.5)
        return self._told(order, ordered_s, used_s)

    def _silent(self, order: Order) -> int:
        """How many have told nothing yet."""
        sql = "SELECT COUNT(*) FROM deliveries WHERE heard_s IS NULL"
        return self.desk.desk_store.database.one(sql)[0]

    def _unfinished(self, order: Order) -> int:
        """How many boards have not told that they are through."""
        return sum(self.desk.told(order, name).stage != receipt.DONE for name in self.desk.boards)

    def _told(self, order: Order, ordered_s: float, used_s: float) -> Told:
        deliveries = self.desk.desk.orders.deliveries(order)
        after = sorted((d.heard_s or float("inf")) - ordered_s for d in deliveries)
        poles = [d for d in deliveries if d.unit in self.desk.boards]
        return Told(
            after[-1],
            after[len(after) // 2],
            max([(d.heard_s or float("inf")) - ordered_s for d in poles], default=0.0),
            sum(d.tries for d in deliveries) / len(deliveries),
            used_s,
            self._lost(),
            deliveries,
        )

    def _lost(self) -> Counter[str]:
        """What the crowd has counted, and what the network of the boards has."""
        found: Counter[str] = Counter()
        for process in self._crowds:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            found.update(json.loads(process.stdout.readline()))
        for name in ("up_lost", "down_lost"):
            found[f"poles_{name}"] = self.desk.network.counts[name]
        return found
