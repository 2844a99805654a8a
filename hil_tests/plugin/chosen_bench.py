"""The bench that `--bench` names, opened once, when the first test asks for it."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..benches.blocked import Blocked

if TYPE_CHECKING:
    from ..benches.rig import Rig

VIRTUAL = "virtual"
QEMU = "qemu:"
OWN_WORLD = "own_world"  # every test gets a world, a collector and boards of its own
EVERY_VIRTUAL = frozenset(
    {OWN_WORLD, "virtual", "virtual_time", "faults", "lines", "power", "modem", "modem_model"}
    | {"collector", "stimulus"}
)
ABOUT = {  # for whoever reads why a test was skipped
    OWN_WORLD: "a world of its own for each test, as 'pytest' without --bench has it",
    "collector": "a provisioned unit and a collector that answers it: docs/run-on-hardware.md",
    "faults": "faults can be switched where all boards are virtual",
    "modem_model": "the played modem, which virtual boards have",
    "power": "a [power] table for each board",
    "stimulus": "a fixture that plays sensors and modem: docs/run-on-hardware.md",
}
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
        self.unanswered: Blocked | None = None  # the promised collector is silent

    @property
    def own_world(self) -> bool:
        """Whether each test can have a world of its own."""
        return self.choice == VIRTUAL

    @cached_property
    def features(self) -> frozenset[str]:
        """What tests may ask for; nothing is opened for that.

        Raises:
            FieldbeatError: the bench file cannot be read, or has mistakes.
        """
        if self.own_world:
            return EVERY_VIRTUAL
        if self.choice.startswith(QEMU):
            from ..benches import qemu_board

            return qemu_board.FEATURES
        from ..benches import bench_file

        return bench_file.load(Path(self.choice)).features

    def lacks(self, feature: str) -> str:
        """Why a test that needs this feature cannot run here; empty if it can."""
        if feature in self.features:
            return ""
        about = f" ({ABOUT[feature]})" if feature in ABOUT else ""
        return f"needs {feature!r}{about}, which bench {self.choice} does not have"

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
        try:
            if rig is not None:
                rig.close()
        finally:
            self._workdir.cleanup()
