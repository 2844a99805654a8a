"""An RS485 adapter at a laptop, with the bench's models on its line: a PTY as its serial port."""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from .virtual.models.rs485 import Rs485Line
from .virtual.world import World

STEP_S = 0.02  # of virtual time while the line is looked at
STEPS = 25


@contextmanager
def rs485_desk(world: World, line: Rs485Line, echo: bool = False) -> Iterator[str]:
    """Yield the path of the port; what is written there goes to the line's slaves and back.

    An adapter with an `echo` hears itself, as those whose receiver is always on.
    """
    master, slave = os.openpty()
    tty.setraw(slave)
    stop_r, stop_w = os.pipe()

    def answer(data: bytes) -> None:
        os.write(master, data)

    line.attach(answer)

    def serve() -> None:
        while True:
            ready, _, _ = select.select([master, stop_r], [], [])
            if stop_r in ready:
                return
            request = os.read(master, 512)
            if echo:
                answer(request)
            line.receive(request)
            for _ in range(STEPS):
                world.run_for(STEP_S)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.write(stop_w, b"x")
        thread.join(10)
        for fd in (master, slave, stop_r, stop_w):
            os.close(fd)
