"""Takes esptool's output away: its messages are kept, its progress bar becomes a call of ours."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from esptool.logger import EsptoolLogger, TemplateLogger, log

Progress = Callable[[float], None]  # the share of the present write that is done, 0 to 1


class Listener(TemplateLogger):
    """The logger that esptool talks to; `messages` has what it said, for a person who asks."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.on_progress: Progress = lambda share: None

    def print(self, *args: Any, **kwargs: Any) -> None:
        self.messages.append(" ".join(map(str, args)))

    def note(self, message: str) -> None:
        self.messages.append(message)

    def warning(self, message: str) -> None:
        self.messages.append(message)

    def error(self, message: str) -> None:
        self.messages.append(message)

    def stage(self, finish: bool = False) -> None:
        pass

    def progress_bar(self, cur_iter: int, total_iters: int, *args: Any, **kwargs: Any) -> None:
        self.on_progress(cur_iter / max(1, total_iters))

    def set_verbosity(self, verbosity: str) -> None:
        pass


@contextmanager
def listening() -> Iterator[Listener]:
    """Receive esptool's output while the block runs."""
    listener = Listener()
    log.set_logger(listener)
    try:
        yield listener
    finally:
        log.set_logger(EsptoolLogger())
