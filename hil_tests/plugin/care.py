"""Brings a board into a known state as seldom as possible: flash, boot, reset, each counted.

A flash wears with each write and a boot takes seconds, so a session flashes once, a module boots
once, and a test resets. A board that does not come back climbs the ladder.

The reset of a test is a soft one: the firmware takes boots without a proof of health for its own
fault and goes into safe mode after three, and the tests of a module come faster than that proof.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .ladder import Ladder

NO_TRIES = (
    "import esp32; n = esp32.NVS('fieldbeat'); n.set_i32('tries', 0); n.set_i32('fell', 0); "
    "n.commit()"
)
if TYPE_CHECKING:
    from ..benches.rig import RigBoard


class Care:
    """One board's care; `counts` has flash, boot, reset.

    `switched` says that its supply is switched without asking a person. `known_state` is a line of
    Python for the REPL, typed before each reset.
    """

    def __init__(
        self,
        board: RigBoard,
        switched: bool = True,
        prompt: bytes = b"fieldbeat> ",
        known_state: str = NO_TRIES,
    ) -> None:
        self.board = board
        self.switched = switched
        self.known_state = known_state
        self.ladder = Ladder(board.name, board.console, board.lines, board.power, prompt)
        self.counts: Counter[str] = Counter()

    def flash(self, image: bytes, secrets: bytes | None = None) -> None:
        """Fills the flash; the board boots afterwards."""
        self.ladder.check()
        self.counts["flash"] += 1
        self.board.flasher.flash(image, secrets)

    def boot(self) -> None:
        """From no supply to the prompt, and makes sure that this is the board that was named.

        Raises:
            Blocked: it is another board, or it is broken.
        """
        self.ladder.check()
        self.counts["boot"] += 1
        ladder = self.ladder
        ladder.drain()
        if self.switched or self.board.lines is None:
            self.board.power.cycle()
        else:
            self.board.lines.reset()
        if not ladder.boots():
            ladder.climb()
        self.board.check_identity()

    def reset(self) -> None:
        """From wherever the last test left it to the prompt."""
        self.ladder.check()
        self.counts["reset"] += 1
        if not self.ladder.soft_reset(self.known_state):
            self.ladder.climb()
