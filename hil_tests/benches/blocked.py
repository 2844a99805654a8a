"""What could not be tried because the bench is not as it should be; never counted as a failure."""

from __future__ import annotations

from fieldbeat.host_tools.errors import CannotTry


class Blocked(CannotTry):
    """A board, port, program or switch is not there, or not the one named.

    Args:
        reason: what is wrong, naming the board, port or program.
        next_step: what a person does about it, as an imperative.
    """

    def __init__(self, reason: str, next_step: str) -> None:
        super().__init__(reason, next_step)

    @property
    def reason(self) -> str:
        return self.message
