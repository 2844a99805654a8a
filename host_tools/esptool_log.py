"""Takes esptool's output away: its messages are kept, its progress bar becomes a call of ours."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from esptool.logger import TemplateLogger, log


@dataclass
class Heard:
    """What esptool said, and who is told the share (0 to 1) of the present write that is done."""

    messages: list[str] = field(default_factory=list)
    on_progress: Callable[[float], None] = lambda share: None


_ears: list[Heard] = []  # of the blocks that listen now, the innermost last


class _Logger(TemplateLogger):
    """The logger that esptool gets. It has no state, for esptool 5.2 takes only its class."""

    def print(self, *args: Any, **kwargs: Any) -> None:
        text = " ".join(map(str, args))
        if _ears:
            _ears[-1].messages.append(text)
        else:
            print(text, end=kwargs.get("end", "\n"))

    def note(self, message: str) -> None:
        self.print(message)

    def warning(self, message: str) -> None:
        self.print(message)

    def error(self, message: str) -> None:
        self.print(message)

    def stage(self, finish: bool = False) -> None:
        pass

    def progress_bar(self, cur_iter: int, total_iters: int, *args: Any, **kwargs: Any) -> None:
        if _ears:
            _ears[-1].on_progress(cur_iter / max(1, total_iters))

    def set_verbosity(self, verbosity: str) -> None:
        pass

    def set_logger(self, new_logger: TemplateLogger) -> None:
        pass


@contextmanager
def listening() -> Iterator[Heard]:
    """Receive esptool's output while the block runs; afterwards it is plain text on stdout."""
    if hasattr(log, "set_logger"):  # an installed logger no longer has it
        log.set_verbosity("silent")  # parts of esptool keep the logger that they were born with
        log.set_logger(_Logger())
    _ears.append(Heard())
    try:
        yield _ears[-1]
    finally:
        _ears.pop()
