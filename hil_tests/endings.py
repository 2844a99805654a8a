"""Ends a program in order when it is told to: by Ctrl-C, `kill`, or a terminal that is closed."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], object]


def told_to_end() -> Callable[[], bool]:
    """Returns what tells whether a signal to end has come; nothing else happens then."""
    came: list[int] = []
    _take(lambda number, frame: came.append(number), signal.SIGINT, *SIGNALS)
    return lambda: bool(came)


def end_as_by_ctrl_c() -> None:
    """Lets the signals that end a program raise KeyboardInterrupt, so that it cleans up.

    What follows the first one is ignored, for a terminal that is closed sends several and the
    cleaning must not be cut short. A forked child ends at once.
    """
    ours = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        if os.getpid() != ours:
            os._exit(128 + number)
        raise KeyboardInterrupt

    _take(end, *SIGNALS)


def forks_end_with_us() -> None:
    """Lets what this process forks from now on end with it, even if it is killed.

    A child that outlives a worker of the tests keeps its pipe open, and the run waits for ever.
    """
    libc, parent_dies = ctypes.CDLL(None), 1  # PR_SET_PDEATHSIG
    parent = 0

    def before() -> None:
        nonlocal parent
        parent = os.getpid()

    def in_child() -> None:
        libc.prctl(parent_dies, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before we said so
            os._exit(128 + signal.SIGKILL)

    os.register_at_fork(before=before, after_in_child=in_child)


def hear_signals() -> None:
    """In a process that is about to become another program: it hears what its parent ignores.

    Tests start programs and send them signals; on a machine where the tests themselves run in the
    background, the shell has told them to ignore Ctrl-C.
    """
    for number in (signal.SIGINT, *SIGNALS):
        signal.signal(number, signal.SIG_DFL)


def _take(handler: Handler, *numbers: int) -> None:
    for number in numbers:
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, handler)
