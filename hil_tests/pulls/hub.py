"""Boards at a hub and the `fieldbeat batch` that makes units of them, all in this process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Self
from unittest import mock

import serial
from fieldbeat.host_tools import batch_work
from fieldbeat.host_tools.batch import Batch, Summary
from fieldbeat.host_tools.batch_accept import accept
from fieldbeat.host_tools.batch_journal import Journal
from fieldbeat.host_tools.batch_match import Matcher
from fieldbeat.host_tools.batch_ports import Place
from fieldbeat.host_tools.batch_work import Event
from fieldbeat.host_tools.last_written import LastWritten
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.unit_job import Job

from ..virtual.bench import Bench
from ..virtual.module_disk import open_disk
from .cable import Cable, Line

BOARD = "greenhouse_esp32"


class Hub:
    """Boards, each in a world of its own; `folder` has what a host keeps.

    `sockets` has the cable in each socket: 1-1.1, 1-1.2, ... A batch finds those that are in.
    """

    def __init__(
        self, folder: Path, flashes: Sequence[bytes | None], board: str = BOARD, seed: int = 1
    ) -> None:
        self.folder = folder
        open_disk()  # it is made by one thread: two at once trip over each other (CPython #106905)
        self.cables = [self._cable(n, content, board, seed) for n, content in enumerate(flashes)]
        self.sockets = {f"1-1.{n + 1}": cable for n, cable in enumerate(self.cables)}
        self.seen: list[Event] = []

    def _cable(self, number: int, content: bytes | None, name: str, seed: int) -> Cable:
        bench = Bench(seed, self.folder / f"bench{number}")
        board = bench.add_board(name, f"board{number}", power=False)
        if content is not None:
            board.flash.load(0, content)
        cable = Cable(bench, board)
        board.power_on()
        return cable

    @property
    def registry(self) -> Path:
        return self.folder / "registry.sqlite"

    @property
    def key_file(self) -> Path:
        """What opens the registry."""
        return self.folder / "registry.sqlite.key"

    @property
    def journal(self) -> Path:
        return self.folder / "village.journal"

    @property
    def written(self) -> Path:
        """The folder of what was written last into which chip."""
        return self.folder / "written"

    def batch(self, jobs: list[Job], again: Sequence[str] = (), password: str = "") -> Summary:
        """Run a batch over what is plugged in, and return what became of it.

        `password` is that of the Wi-Fi of all units.
        """
        self.seen = []
        places = [
            Place(f"hub://{slot}", slot) for slot, cable in self.sockets.items() if cable.is_in
        ]
        with ExitStack() as last:
            journal = Journal(self.journal)
            last.callback(journal.close)
            registry = Registry(self.registry)
            last.callback(registry.close)
            anew = set(again)
            matcher = Matcher(jobs, journal, registry, anew)
            last_written = LastWritten(self.written)
            bench = batch_work.Bench(
                *(registry, journal, matcher, accept),
                again=anew,
                passwords=dict.fromkeys((job.name for job in jobs), password),
                last=last_written,
            )
            last.enter_context(self.ports())
            return Batch(jobs, bench, lambda: places, self).run()

    def ports(self) -> AbstractContextManager[object]:
        """Let the tools of this process open hub://SLOT."""
        return mock.patch.object(serial, "serial_for_url", self._line)

    def _line(self, url: str, *_words: object, **_options: object) -> Line:
        return Line(self.sockets[url.removeprefix("hub://")])

    def show(self, event: Event) -> None:
        """Keep what the batch tells."""
        self.seen.append(event)

    def progress(self, summary: Summary) -> None:
        """Nothing to show."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        for cable in self.cables:
            cable.bench.close()
