"""What happened to each board of a bench, by the clock of its world.

    timeline = Timeline(bench)
    bench.run_for(86_400)
    timeline.boards()      # one dictionary a board: JSON as it stands

A listener that appends a tuple is all that runs with the world; the lanes are made when somebody
asks. Serial lines come from the console's transcript, free heap from what the unit itself says.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from fieldbeat.protocols import cbor, event

from .bench import Bench
from .board import VirtualBoard
from .fault_panel import faults_of

RADIO = {
    "boot": "starts",
    "search": "searches",
    "connected": "connected",
    "idle": "idle",
    "sleep": "sleeps",
    "off": "off",
    "radio off": "radio off",
}
MAX_NOTES = 200_000  # then the oldest half goes
MAX_LINES = 2_000  # of the serial lane, the last ones
MAX_MARKS = 5_000  # of every other lane
EVENTS = "SELECT t, body FROM events WHERE unit = ? AND type = ? ORDER BY t"
HEAP_LINE = re.compile(r"heap\s+(\d+) bytes free")


class Timeline:
    """Listens to a bench from now on; boards may be added later."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.notes: list[tuple[int, object, str, str]] = []
        self._boards_heard: set[int] = set()
        self._at_close: list[dict[str, Any]] | None = None
        bench.world.listeners.append(self._note)
        network_faults = getattr(bench.network, "faults", None)
        if network_faults is not None:
            network_faults.listen(self._network_fault)

    def _note(self, at_us: int, who: object, what: str, more: str) -> None:
        self.notes.append((at_us, who, what, more))
        if len(self.notes) > MAX_NOTES:
            del self.notes[: MAX_NOTES // 2]
        if what == "state" and id(who) not in self._boards_heard:
            self._listen_to_faults(who)
        elif what == "close" and who is self.bench and self._at_close is None:
            self._at_close = self.boards()

    def _listen_to_faults(self, board: Any) -> None:
        self._boards_heard.add(id(board))
        for part, switches in faults_of(board).items():
            switches.listen(partial(self._fault, board, part))

    def _network_fault(self, name: str, what: str) -> None:
        self._fault(self.bench.network, "network", name, what)
        if name == "away" and not what.startswith("fired"):
            at_us = self.bench.world.now_us
            self._note(at_us, self.bench.network, "back" if what == "off" else "away", "")

    def _fault(self, who: object, part: str, name: str, what: str) -> None:
        self._note(self.bench.world.now_us, who, f"! {part}.{name}", what)

    def boards(self) -> list[dict[str, Any]]:
        """One dictionary a board: its lanes, each a list of rows that begin with microseconds."""
        if self._at_close is not None:
            return self._at_close
        return [self._lanes(name, board) for name, board in self.bench.boards.items()]

    def _lanes(self, name: str, board: VirtualBoard) -> dict[str, Any]:
        lines = serial_lines(board)
        lanes: dict[str, list[list[Any]]] = {"power": [], "resets": [], "radio": [], "sends": []}
        lanes |= {"frames": [], "faults": [], "typed": [], "outages": []}
        ways_out = [getattr(board.fitted, "modem", None), *getattr(board.fitted, "nics", ())]
        state = "off"
        for at_us, who, what, more in self.notes:
            if who is board and what == "state":
                before, state = state, more
                lanes["power"].append([at_us, state])
            elif who is board and what == "reset":
                by_line = more == "power on" and before != "off"
                lanes["resets"].append([at_us, "reset line" if by_line else more])
            elif who in (board, self.bench.network) and what.startswith("! "):
                lanes["faults"].append([at_us, what[2:], more])
            elif who is board and what == "typed":
                lanes["typed"].append([at_us, more.strip()])
            elif who is self.bench.network and what in ("away", "back"):
                if lanes["outages"][-1:] != [[at_us, what]]:
                    lanes["outages"].append([at_us, what])
            elif who is not None and who in ways_out:
                _modem_note(lanes, at_us, what, more)
        return {
            "board": name,
            "start_s": self.bench.world.start.timestamp(),
            "to_us": self.bench.world.now_us,
            **{lane: rows[-MAX_MARKS:] for lane, rows in lanes.items()},
            "serial": [[at_us, line] for at_us, line in lines[-MAX_LINES:]],
            "serial_left_out": max(0, len(lines) - MAX_LINES),
            "heap": self._heap(name, lines),
        }

    def _heap(self, unit: str, lines: list[tuple[int, str]]) -> list[list[int]]:
        """Free bytes, as HEALTH events that arrived and the verb `status` tell it."""
        found = HEAP_LINE.search
        rows = [[at_us, int(match[1])] for at_us, line in lines if (match := found(line))]
        store = getattr(self.bench, "store", None)
        if store is not None and getattr(self.bench, "collector_runs", True):
            start_s = self.bench.world.start.timestamp()
            for row in store.database.all(EVENTS, unit, event.HEALTH):
                free = cbor.decode(row["body"]).get(event.HEALTH_FREE_HEAP)
                if isinstance(free, int) and row["t"] >= start_s:
                    rows.append([round((row["t"] - start_s) * 1e6), free])
        return sorted(rows)[-MAX_MARKS:]


def _modem_note(lanes: dict[str, list[list[Any]]], at_us: int, what: str, more: str) -> None:
    if what in ("up", "down"):
        fate, size = more.rsplit(" ", 1)
        lanes["frames"].append([at_us, what, fate, int(size)])
    elif what == "send":
        lanes["sends"].append([at_us, more])
    else:
        lanes["radio"].append([at_us, RADIO.get(what, what)])


def serial_lines(board: VirtualBoard) -> list[tuple[int, str]]:
    """What the board printed, line by line, each with the time at which it began."""
    lines: list[tuple[int, str]] = []
    begun_us, rest = 0, ""
    for at_us, data in board.console.transcript:
        begun_us = begun_us if rest else at_us
        *whole, rest = (rest + data.decode("utf-8", "replace")).split("\n")
        for line in whole:
            if line.strip():
                lines.append((begun_us, line.rstrip("\r")))
            begun_us = at_us
    return [*lines, (begun_us, rest)] if rest.strip() else lines
