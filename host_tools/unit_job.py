"""What is to be done for each unit of a plan: the image that it gets, and what it becomes.

All of it is made before the first unit is touched, so a plan that cannot be carried out is refused
whole. Images are put together again when they are written: forty of them are 160 MB.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from fieldbeat.protocols import cbor

from . import (
    clips,
    firmware_cache,
    image,
    image_info,
    provisioning_plan,
    strict_cbor,
    unit_plan,
)
from .board_model import Board
from .unit_plan import Folder, PlannedUnit

CONFIG = "config.cbor"


@dataclass(frozen=True)
class Job:
    """One unit of a plan; `base` is its base firmware, None the stand-in of virtual boards."""

    unit: PlannedUnit
    goal: provisioning_plan.Plan
    files: dict[str, bytes]
    base: bytes | None

    @property
    def name(self) -> str:
        return self.unit.name

    @property
    def board(self) -> Board:
        return self.unit.config.board

    def image(self) -> bytes:
        """Return the whole flash content."""
        return image.assemble(self.board, self.files, self.base)

    @property
    def build_id(self) -> str:
        """That of its app; `job` has seen that there is one."""
        return strict_cbor.loads(self.files["app.cbor"])["build_id"]

    @cached_property
    def digest(self) -> str:
        """Return a hash of all that this unit gets, to tell whether it has that already."""
        total = hashlib.sha256(self.base or b"")
        for path in sorted(self.files):
            total.update(path.encode() + b"\0" + hashlib.sha256(self.files[path]).digest())
        return total.hexdigest()


def job(unit: PlannedUnit, files: dict[str, bytes], base: bytes | None) -> Job:
    """Return the job of a unit with these files, and refuse what makes no image.

    Raises:
        CannotTry: it does not fit, or the base is of another chip.
    """
    goal = replace(provisioning_plan.plan_of(unit.config), config=files[CONFIG])
    made = Job(unit, goal, files, base)
    image_info.inspect(made.image(), unit.name)
    return made


def from_folder(path: Path, virtual: bool) -> list[Job]:
    """Return the jobs of a plan on disk; `virtual` makes images for virtual boards.

    Raises:
        CannotTry: the plan has mistakes, or a base firmware is not in the cache.
    """
    jobs: list[Job] = []
    apps: dict[tuple[str, str, str], dict[str, bytes]] = {}
    bases: dict[str, bytes | None] = {}
    for unit in unit_plan.load(Folder(path)):
        board, profile = unit.config.board, unit.config.profile
        if board.id not in bases:
            bases[board.id] = None if virtual else firmware_cache.read(board)
        key = (board.id, profile.id, unit.row.clips or "")
        if key not in apps:
            sounds = clips.read(path.parent / unit.row.clips) if unit.row.clips else {}
            apps[key] = image.contents(unit.config, sounds)
        own = {CONFIG: cbor.encode(unit.config.to_device_map())}
        jobs.append(job(unit, apps[key] | own, bases[board.id]))
    return jobs
