"""The host's own link to a unit, over the PTY of a virtual board, while time is virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from fieldbeat.host_tools.smp_link import SmpLink

from .virtual.bench import Bench

STEP_S = 0.02  # of virtual time, between two looks at what has arrived


class VirtualTimeLink(SmpLink):
    """Lets the bench's time pass while an answer is waited for."""

    def __init__(self, bench: Bench, port: str, *more: Any, **options: Any) -> None:
        super().__init__(port, *more, **options)
        self._bench = bench

    def _pause(self, seconds: float) -> None:
        self._bench.run_for(seconds)

    def _run(self, work: Coroutine) -> Any:
        return super()._run(self._alongside(work))

    async def _alongside(self, work: Coroutine) -> Any:
        task = asyncio.ensure_future(work)
        while not task.done():
            self._bench.run_for(STEP_S)
            await asyncio.sleep(0.001)  # the transport looks every 5 ms of the wall clock
        return task.result()
