"""Every fault switch of a bench in one object, so that none can be asked for and forgotten.

faults.modem.silent = True            # of the only board
faults.of("gh-02").air.unplugged = True
faults.expect("outage", lambda: bench.network.counts["up_outage"])
faults.unfired()                      # ["modem.silent"]: asked for, without effect until now
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from .bench import Bench
from .board import VirtualBoard
from .models.faults import Faults


class Switches:
    """The fault switches of one board, by the name of the part."""

    def __init__(self, board: str, parts: dict[str, Faults]) -> None:
        self._board = board
        self._parts = parts

    def __getattr__(self, part: str) -> Faults:
        try:
            return self._parts[part]
        except KeyError:
            raise AttributeError(
                f"{self._board} has no part {part!r}; faults are in: {', '.join(self._parts)}"
            ) from None

    __getitem__ = __getattr__


class FaultPanel:
    """The faults of all boards of a bench and of its network; boards may come later.

    `board` is the one that is meant where none is named; empty: the only one.
    """

    def __init__(self, bench: Bench, board: str = "") -> None:
        self.bench = bench
        self._board = board
        self._expected: dict[str, Callable[[], int]] = {}

    def of(self, board: str) -> Switches:
        """The switches of one board."""
        if board not in self.bench.boards:
            known = ", ".join(self.bench.boards)
            raise AttributeError(f"this bench has no board {board!r}, but: {known}")
        return Switches(board, faults_of(self.bench.boards[board]))

    def __getattr__(self, part: str) -> Faults:
        if part.startswith("_"):
            raise AttributeError(part)
        owner: Any = self._of_all().get(part)
        if isinstance(getattr(owner, "faults", None), Faults):
            return owner.faults
        if not self._board and len(self.bench.boards) != 1:
            raise AttributeError(f"this bench has {len(self.bench.boards)} boards: of(NAME) first")
        return self.of(self._board or next(iter(self.bench.boards)))[part]

    def _of_all(self) -> dict[str, Any]:
        """What has switches and is no board's."""
        network = self.bench.network
        return {"network": network, "lan": getattr(network, "lan", None), "site": self.bench}

    def expect(self, name: str, fired: Callable[[], int]) -> None:
        """Names a fault that is no switch: `fired()` counts its effects since now."""
        before = fired()
        self._expected[name] = lambda: fired() - before

    def unfired(self) -> list[str]:
        """Names what was asked for and never took effect."""
        found = [f"{where}.{name}" for where, part in self.all() for name in part.unfired()]
        return found + [name for name, fired in self._expected.items() if not fired()]

    def clear(self) -> None:
        """Turns everything off and forgets what fired: for a bench that tests share."""
        self._expected.clear()
        for _where, part in self.all():
            part.clear()

    @property
    def fired(self) -> Counter[str]:
        """Effects by full name."""
        total = Counter({name: fired() for name, fired in self._expected.items()})
        for where, part in self.all():
            total.update({f"{where}.{name}": count for name, count in part.fired.items()})
        return +total

    def all(self) -> Iterator[tuple[str, Faults]]:
        """Where it is, and the switches: `modem`, or `gh-02.modem` on a bench of several."""
        for name, owner in self._of_all().items():
            switches = getattr(owner, "faults", None)
            if isinstance(switches, Faults):
                yield name, switches
        for name, board in self.bench.boards.items():
            prefix = f"{name}." if len(self.bench.boards) > 1 else ""
            for part, switches in faults_of(board).items():
                yield prefix + part, switches


def faults_of(board: VirtualBoard) -> dict[str, Faults]:
    """The fault switches of a board and of what is fitted to it, by the name of the part."""
    fitted = board.fitted
    own: dict[str, Any] = {"board": board, "flash": board.flash, "hardware": board.hardware}
    if fitted is not None:
        own |= {"modem": fitted.modem, **fitted.uart, **fitted.parts}
    found: dict[str, Faults] = {}
    for part, model in own.items():
        switches = getattr(model, "faults", None)
        if isinstance(switches, Faults) and all(known is not switches for known in found.values()):
            found[part] = switches
    return found
