"""Takes esptool's output away: its messages are kept, its progress bar becomes a call of ours.

esptool has one logger; several units are written at a time, each by a thread that hears its own.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
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


class _Ears(threading.local):
    """Of the blocks that listen now in this thread, the innermost last."""

    def __init__(self) -> None:
        self.open: list[Heard] = []


_ears = _Ears()
_installing = threading.Lock()


class _Logger(TemplateLogger):
    """The logger that esptool gets. It has no state, for esptool 5.2 takes only its class."""

    def print(self, *args: Any, **kwargs: Any) -> None:
        text = " ".join(map(str, args))
        if _ears.open:
            _ears.open[-1].messages.append(text)
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
        if _ears.open:
            _ears.open[-1].on_progress(cur_iter / max(1, total_iters))

    def set_verbosity(self, verbosity: str) -> None:
        pass

    def set_logger(self, new_logger: TemplateLogger) -> None:
        pass


@contextmanager
def listening() -> Iterator[Heard]:
    """Receive esptool's output while the block runs; afterwards it is plain text on stdout."""
    with _installing:
        if hasattr(log, "set_logger"):  # an installed logger no longer has it
            log.set_verbosity("silent")  # parts of esptool keep the logger they were born with
            log.set_logger(_Logger())
    _ears.open.append(Heard())
    try:
        yield _ears.open[-1]
    finally:
        _ears.open.pop()
