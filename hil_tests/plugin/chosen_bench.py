"""The bench that `--bench` names, opened once, when the first test asks for it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..benches.blocked import Blocked

if TYPE_CHECKING:
    from ..benches.rig import Rig

VIRTUAL = "virtual"
QEMU = "qemu:"
OWN_WORLD = "own_world"  # every test gets a world, a collector and boards of its own
EVERY_VIRTUAL = ("virtual", "virtual_time", "faults", "lines", "power", "modem", "modem_model")
SEED = 1


class ChosenBench:
    """`virtual`, a bench file or `qemu:PATH`.

    A bench that cannot be opened is not tried again: whoever asks is blocked for the same reason.
    """

    def __init__(self, choice: str) -> None:
        self.choice = choice
        self._workdir = tempfile.TemporaryDirectory(prefix="fieldbeat-bench-")
        self.rig: Rig | None = None
        self._refusal: Blocked | None = None

    @property
    def own_world(self) -> bool:
        """Whether each test can have a world of its own."""
        return self.choice == VIRTUAL

    def has(self, feature: str) -> bool:
        """Whether tests that need this feature can run."""
        if feature == OWN_WORLD or (self.own_world and feature in EVERY_VIRTUAL):
            return self.own_world
        return feature in self.open().features

    def open(self) -> Rig:
        """The rig, for the rest of the session."""
        if self._refusal is not None:
            raise self._refusal
        if self.rig is None:
            try:
                self.rig = self._opened(Path(self._workdir.name))
            except Blocked as refusal:
                self._refusal = refusal
                raise
        return self.rig

    def _opened(self, workdir: Path) -> Rig:
        if self.choice.startswith(QEMU):
            from ..benches import qemu_board

            return qemu_board.open_rig(self.choice, workdir)
        from ..benches.rig import Rig  # with its instruments, which a virtual run does not need

        return Rig.open(None if self.choice == VIRTUAL else self.choice, workdir, SEED)

    def close(self) -> None:
        """Leaves the bench as its file asks."""
        rig, self.rig = self.rig, None
        if rig is not None:
            rig.close()
        self._workdir.cleanup()
