"""The host's clock, so that its tools wait in the virtual time of the board that they talk to.

with virtual():
    use(world)       # this thread's tools wait in this world from now on
    ...
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import SimpleNamespace
from unittest import mock

import esp_pylib.serial_reset
import esptool.cmds
import esptool.loader
import esptool.reset
import esptool.targets.esp32
from fieldbeat.host_tools import batch, smp_link

from ..virtual.world import World

_here = threading.local()
LOOK_S = 0.02  # of a batch: real time, for its main thread has no board


def use(world: World) -> None:
    """Let this thread's tools wait in a world."""
    _here.world = world


def _sleep(seconds: float) -> None:
    _here.world.run_for(seconds)


def _now() -> float:
    world = getattr(_here, "world", None)  # none as long as no port was opened
    return world.now_us / 1e6 if world else 0.0


class _Selector(selectors.SelectSelector):
    """Waits in virtual time, then looks."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout:
            _sleep(timeout)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        return _now()


@contextmanager
def virtual() -> Iterator[None]:
    """Give esptool and our tools that clock."""
    timely = SimpleNamespace(sleep=_sleep, monotonic=_now, time=_now)
    runner = SimpleNamespace(Runner=partial(asyncio.Runner, loop_factory=_Loop))
    modules = (
        esp_pylib.serial_reset,
        esptool.cmds,
        esptool.loader,
        esptool.reset,
        esptool.targets.esp32,
        smp_link,
    )
    with ExitStack() as last:
        for module in modules:
            assert module.time is time
            last.enter_context(mock.patch.object(module, "time", timely))
        last.enter_context(mock.patch.object(smp_link, "asyncio", runner))
        last.enter_context(mock.patch.object(batch, "LOOK_S", LOOK_S))
        yield
