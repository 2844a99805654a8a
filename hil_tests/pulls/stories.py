"""How units stand before the batch whose cable is pulled, and what that batch makes of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from fieldbeat.host_tools import issuer_keys, unit_job
from fieldbeat.host_tools.files import PRIVATE
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.unit_job import Job
from fieldbeat.protocols import cose
from fieldbeat.protocols.command import EMERGENCY

from ..virtual.bench import temporary_folder
from ..virtual.errors import BenchError
from ..virtual.site import CONFIG
from . import clock
from .hub import BOARD, Hub

UNIT, NEIGHBOUR = "gh-1", "gh-2"
PLAN = f"""unit,site,config,slot
{UNIT},valley,node.toml,1-1.1
{NEIGHBOUR},valley,node.toml,1-1.2
"""
SPEAKER = Path(__file__).parents[2] / "docs" / "examples" / "speaker-nbiot.toml"
LIVED_S = 600.0  # so long a finished unit reports, under sequence numbers of its key
# A new app: some modules are longer by a few bytes, which nobody looks at.
NEWER = {"a/drivers/bc26.mpy": 100, "a/firmware/node.mpy": 60, "a/protocols/p256.mpy": 5}


class Known(NamedTuple):
    """What a host keeps: the content of its files; `written` has those about chips, by name."""

    registry: bytes
    key: bytes
    journal: bytes
    written: dict[str, bytes]

    def put(self, hub: Hub) -> None:
        """Let a hub's host know it."""
        hub.registry.write_bytes(self.registry)
        hub.key_file.write_bytes(self.key)
        hub.key_file.chmod(PRIVATE)
        hub.journal.write_bytes(self.journal)
        hub.written.mkdir()
        for name, content in self.written.items():
            (hub.written / name).write_bytes(content)


@dataclass(frozen=True)
class Start:
    """Where each trial of a story begins.

    `flashes` are those of the unit and its neighbour, None for bare ones; `jobs` the plan, `was`
    the one before; `again` as the verb has it.
    """

    story: str
    jobs: tuple[Job, ...]
    flashes: tuple[bytes | None, bytes | None] = (None, None)
    known: Known | None = None
    again: tuple[str, ...] = ()
    was: tuple[Job, ...] = ()
    password: str = ""  # of the Wi-Fi

    @property
    def board(self) -> str:
        """Of all units, and of the stranger in the drawer."""
        return self.jobs[0].goal.board

    @cached_property
    def images(self) -> list[bytes]:
        """What the plan writes, and then what the one before wrote."""
        return [job.image() for job in self.jobs + self.was]

    def job_of(self, number: int, digest: str) -> int:
        """Where in both plans together the job of a unit stands that has this digest."""
        before = number + len(self.jobs)
        both = self.jobs + self.was
        return before if both[before:] and both[before].digest == digest else number


def bare() -> Start:
    """Two boards as they come from the factory; nobody knows them."""
    return Start("bare", _jobs(CONFIG.format(unit=UNIT, board=BOARD)))


def speaker() -> Start:
    """Two bare loudspeakers that obey an issuer and join a Wi-Fi with a password."""
    with temporary_folder() as name, Hub(Path(name), ()) as hub:
        with closing(Registry(hub.registry)) as registry:
            key = issuer_keys.generate(cose.ES256).public
            Issuers(registry).add("district", cose.ES256, key, EMERGENCY, 1)
        hub.journal.touch()
        hub.written.mkdir()
        jobs = _jobs(SPEAKER.read_text().replace("speaker-01", UNIT))
        return Start("speaker", jobs, known=known(hub), password="correct horse")


def _jobs(node: str) -> tuple[Job, ...]:
    """The plan of the unit and its neighbour, of one configuration."""
    with temporary_folder() as name:
        folder = Path(name)
        (folder / "node.toml").write_text(node)
        plan = folder / "village.csv"
        plan.write_text(PLAN)
        return tuple(unit_job.from_folder(plan, virtual=True))


def again() -> Start:
    """Two finished units that have reported; one of them gets a new app and keeps its key."""
    first = bare()
    with temporary_folder() as name, clock.virtual(), Hub(Path(name), first.flashes) as hub:
        summary = hub.batch(list(first.jobs))
        if summary.exit_code:
            raise BenchError(f"the golden run failed: {hub.seen[-1]}")
        for cable in hub.cables:
            cable.bench.run_for(LIVED_S)
        for cable in hub.cables:
            cable.board.power_off()
        one, other = (bytes(cable.board.flash.data) for cable in hub.cables)
        return Start("again", _newer(first.jobs), (one, other), known(hub), (UNIT,), first.jobs)


def elsewhere() -> Start:
    """As `again`, at a computer that has registry and journal, and never wrote into the units."""
    start = again()
    assert start.known
    return replace(start, story="elsewhere", known=start.known._replace(written={}))


STORIES: dict[str, Callable[[], Start]] = {
    each.__name__: each for each in (bare, again, elsewhere, speaker)
}


def known(hub: Hub) -> Known:
    """Copy what the host knows now."""
    database = sqlite3.connect(hub.registry)
    try:
        written = {file.name: file.read_bytes() for file in hub.written.iterdir()}
        key = hub.key_file.read_bytes()
        return Known(database.serialize(), key, hub.journal.read_bytes(), written)
    finally:
        database.close()


def _newer(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    """The plan, with a new app for the unit alone."""
    longer = {path: jobs[0].files[path] + bytes(count) for path, count in NEWER.items()}
    return (replace(jobs[0], files=jobs[0].files | longer), *jobs[1:])
