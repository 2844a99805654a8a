"""The surroundings of a virtual board: the models that are wired to it."""

from __future__ import annotations

from ..virtual.bench import Bench
from ..virtual.board import VirtualBoard
from ..virtual.fault_panel import FaultPanel


class VirtualStimulus:
    """Implements `Stimulus`; all boards of a bench stand at one place, whose values are theirs."""

    def __init__(self, board: VirtualBoard, bench: Bench) -> None:
        self.board = board
        self.bench = bench
        name = next(name for name, known in bench.boards.items() if known is board)
        self.faults = FaultPanel(bench, name)

    def parts(self) -> list[str]:
        fitted = self.board.fitted
        assert fitted is not None  # a board with a manifest has models
        return sorted([*fitted.parts, *(["modem"] if fitted.modem else [])])

    def set(self, name: str, value: float) -> None:
        with self.board.world.lock:
            self.bench.scene.hold(name, value)

    def clear(self) -> None:
        with self.board.world.lock:
            self.bench.scene.held.clear()
            self.faults.clear()

    def close(self) -> None:
        pass
