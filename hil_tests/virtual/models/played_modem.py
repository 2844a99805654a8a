"""A modem that says what one in the field has said: it plays a transcript.

A command is looked for from where the play is, then from the beginning, whole and then by its
name; what the modem said after it follows at the recorded distance. What it never was asked is
refused with ERROR. Its pins do nothing: it is always on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.language import tr

from ...modem_transcript import Line
from ..world import Event, World
from .uart import UartDevice, to_text

if TYPE_CHECKING:
    from ..board import VirtualBoard


class PlayedModem(UartDevice):
    """On a UART in place of a model: `board.hardware.buses.put(bus, PlayedModem(...))`."""

    def __init__(self, world: World, lines: Sequence[Line], baud: int = 115_200) -> None:
        super().__init__(world, baud)
        self.lines = list(lines)
        self.at = 0  # where the play is
        self.asked: list[str] = []  # all commands of the board
        self.unknown: list[str] = []  # those that the transcript has no answer to
        self._buffer = ""
        self._planned: list[Event] = []

    def receive(self, data: bytes) -> None:
        self._buffer += to_text(data)
        *rows, self._buffer = self._buffer.replace("\n", "\r").split("\r")
        for row in filter(None, (row.strip() for row in rows)):
            if row.upper().startswith("AT"):
                self._answer(row)

    def _answer(self, command: str) -> None:
        self.asked.append(command)
        for event in self._planned:  # what was to come of the one before is history
            event.cancel()
        self._planned = []
        found = self._find(command)
        if found is None:
            self.unknown.append(command)
            self._say_after(20, "ERROR")
            return
        begin_ms = self.lines[found].at_ms
        self.at = found + 1
        for line in self.lines[self.at :]:
            if line.is_sent:
                break
            self.at += 1
            self._say_after(max(line.at_ms - begin_ms, 1), line.text)

    def _find(self, command: str) -> int | None:
        places = [*range(self.at, len(self.lines)), *range(self.at)]
        for is_it in (_is_same, _is_like):
            for place in places:
                if self.lines[place].is_sent and is_it(self.lines[place].text, command):
                    return place
        return None

    def _say_after(self, ms: int, text: str) -> None:
        data = f"\r\n{text}\r\n".encode()
        self._planned.append(self.world.call_after(ms * 1000, lambda: self.transmit(data)))


def _is_same(recorded: str, command: str) -> bool:
    """A datagram stands only in part in the transcript, and a long line."""
    return command == recorded or recorded.endswith(",") and command.startswith(recorded)


def _is_like(recorded: str, command: str) -> bool:
    return recorded.partition("=")[0] == command.partition("=")[0] and "=" in recorded


def played(board: VirtualBoard, lines: Sequence[Line]) -> PlayedModem:
    """Put a transcript in the place of a board's modem.

    Raises:
        CannotTry: the board has none.
    """
    modem = board.spec.get("modem")
    if not modem:
        message = tr("{board} has no modem that could be played").format(board=board.spec["id"])
        raise CannotTry(message, tr("name a board with a modem: fieldbeat boards"))
    bus = modem["bus"]
    player = PlayedModem(board.world, lines, board.spec["buses"][bus]["baud"])
    board.hardware.buses.put(bus, player)
    return player
