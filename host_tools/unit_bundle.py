"""A plan and all that it takes in one file, to make its units where there is no network.

A zip: `bundle.json` says what is in it, `blobs/SHA256` are the contents, each once. There are no
keys and no passwords in it. What it holds is what units get, whatever fieldbeat reads it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import io
import json
import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from . import strict_cbor, unit_job, unit_plan
from .errors import CannotTry
from .language import os_reason, tr
from .unit_job import Job
from .unit_plan import Folder
from .validation import InvalidData, Strict, check

SUFFIX = ".fieldbeat"
_WORKBOOKS = (".xlsx", ".xlsm", ".ods")
KIND, VERSION = "fieldbeat bundle", 1
_INDEX, _BLOBS = "bundle.json", "blobs/"
_KINDS = ("board", "profile")  # each has a file of its own on a unit
# What a file that is no zip of ours makes the layers below raise, a deep or endless one included.
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(NotImplementedError, RuntimeError, ValueError, OSError),
)
_SOME_DAY = (2024, 1, 1, 0, 0, 0)  # of every member: the same plan gives the same bundle
LARGEST_BYTES = 32 * 1024 * 1024  # of a member; no flash has more
MOST_BYTES = 256 * 1024 * 1024  # of all members together: they are all in memory

Sha = str
_PATH = r"^[\w.-]+(/[\w.-]+)*$"  # of a file on a unit


class _Unit(Strict):
    files: dict[Annotated[str, Field(pattern=_PATH)], Sha]
    base: Sha | None


class _Contents(Strict):
    kind: str
    version: int
    made_by: str
    plan: str = Field(pattern=r"^[^/\\]+\.(csv|toml|CSV|TOML)$")
    virtual: bool
    sources: dict[str, Sha]
    units: dict[str, _Unit]


@dataclass
class _Blobs:
    """Contents by their hash."""

    by_hash: dict[Sha, bytes] = field(default_factory=dict)

    def put(self, content: bytes) -> Sha:
        name = hashlib.sha256(content).hexdigest()
        self.by_hash[name] = content
        return name


def make(path: Path, virtual: bool) -> tuple[bytes, list[Job]]:
    """Return the bundle of a plan on disk, and the jobs that are in it.

    Raises:
        CannotTry: the plan has mistakes, a base firmware is not in the cache, or it is too much.
    """
    jobs = unit_job.from_folder(path, virtual)
    blobs, source = _Blobs(), Folder(path)
    rows = [job.unit.row for job in jobs]
    named = {name for row in rows for name in (row.config, row.calibration) if name}
    sources = {name: blobs.put(source.file(name)) for name in sorted(named)}
    sources[path.name] = blobs.put(source.plan())
    units = {
        job.name: {
            "files": {name: blobs.put(job.files[name]) for name in sorted(job.files)},
            "base": None if job.base is None else blobs.put(job.base),
        }
        for job in jobs
    }
    contents = {
        "kind": KIND,
        "version": VERSION,
        "made_by": f"fieldbeat {metadata.version('fieldbeat')}",
        "plan": path.name,
        "virtual": virtual,
        "sources": sources,
        "units": units,
    }
    members = {_INDEX: json.dumps(contents, indent=1, ensure_ascii=False).encode()}
    members |= {_BLOBS + name: blobs.by_hash[name] for name in sorted(blobs.by_hash)}
    if (size := sum(map(len, members.values()))) > MOST_BYTES:
        message = tr("what {path} takes is {size} MiB, a bundle holds {most}")
        message = message.format(path=path, size=size >> 20, most=MOST_BYTES >> 20)
        raise CannotTry(message, tr("make a bundle of each half of the plan"))
    return _zip(members), jobs


def is_bundle(path: Path) -> bool:
    """Tell a bundle from a plan by its name or its first bytes; a workbook is a ZIP file, too."""
    if path.suffix.lower() == SUFFIX:
        return True
    if path.suffix.lower() in _WORKBOOKS:
        return False
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError:
        return False


def load(path: Path) -> list[Job]:
    """Return the jobs of a bundle, every byte of it checked.

    Raises:
        CannotTry: it cannot be read, is damaged, or is no bundle.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _damaged(str(path), _too_large())
        content = path.read_bytes()
    except OSError as error:
        message = tr("{path} cannot be read: {why}").format(path=path, why=os_reason(error))
        raise CannotTry(message, tr("name a bundle that 'fieldbeat bundle' made")) from None
    bundle = _Bundle(str(path), content)
    jobs = []
    for unit in unit_plan.load(bundle):
        given = bundle.contents.units.get(unit.name)
        if given is None or unit_job.CONFIG not in given.files:
            raise bundle.damaged(tr("what {unit} gets is not in it").format(unit=unit.name))
        files = {name: bundle.blob(sha) for name, sha in given.files.items()}
        base = None if given.base is None else bundle.blob(given.base)
        job = unit_job.job(unit, files, base)
        if not _is_whose(job):
            raise bundle.damaged(tr("what {unit} gets is of another unit").format(unit=unit.name))
        jobs.append(job)
    return jobs


def _is_whose(job: Job) -> bool:
    """Whether the files of a job are of the unit that the plan has: nothing else binds them."""
    try:
        node = strict_cbor.loads(job.files[unit_job.CONFIG])["node"]
        kinds = [strict_cbor.loads(job.files[f"{name}.cbor"])["id"] for name in _KINDS]
        told = [node[name] for name in ("name", "site", *_KINDS)] + kinds
    except (ValueError, KeyError, TypeError):
        return False
    goal = job.goal
    kind = [goal.board, goal.profile]
    return told == [goal.unit, goal.site, *kind, *kind]


class _Bundle:
    """An open bundle, as the source of a plan."""

    def __init__(self, path: str, content: bytes) -> None:
        self._path = path
        self._blobs: dict[Sha, bytes] = {}
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as zipped:
                if sum(each.file_size for each in zipped.filelist) > MOST_BYTES:
                    raise self.damaged(_too_large())
                members = {each.filename: self._member(zipped, each) for each in zipped.filelist}
        except _UNREADABLE:
            raise self.damaged(tr("it is cut short or changed")) from None
        for name, data in members.items():
            if name.startswith(_BLOBS):
                sha = name.removeprefix(_BLOBS)
                if hashlib.sha256(data).hexdigest() != sha:
                    raise self.damaged(tr("{name} is changed").format(name=name[:18]))
                self._blobs[sha] = data
        self.contents = self._read(members.get(_INDEX, b"{}"))
        self.name = self.contents.plan

    def _member(self, zipped: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
        if member.file_size > LARGEST_BYTES:
            raise self.damaged(tr("{name} is too large").format(name=member.filename[:40]))
        return zipped.read(member)

    def _read(self, text: bytes) -> _Contents:
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError):
            raise self.damaged(tr("it does not say what it holds")) from None
        if not isinstance(data, dict) or data.get("kind") != KIND:
            message = tr("{path} is no bundle of fieldbeat").format(path=self._path)
            raise CannotTry(message, tr("name a bundle that 'fieldbeat bundle' made"))
        if data.get("version") != VERSION:
            message = tr("{path} was made by {maker}, this is another fieldbeat")
            message = message.format(path=self._path, maker=data.get("made_by"))
            raise CannotTry(message, tr("make the bundle anew with this fieldbeat"))
        try:
            return check(_Contents, data, self._path)
        except InvalidData as error:
            raise self.damaged(error.problems[0]) from None

    def damaged(self, what: str) -> CannotTry:
        return _damaged(self._path, what)

    def blob(self, sha: Sha) -> bytes:
        if sha not in self._blobs:
            raise self.damaged(tr("a part of it is missing"))
        return self._blobs[sha]

    def plan(self) -> bytes:
        return self.file(self.name)

    def file(self, name: str) -> bytes:
        if name not in self.contents.sources:
            raise self.damaged(tr("{name} is not in it").format(name=name))
        return self.blob(self.contents.sources[name])


def _damaged(path: str, what: str) -> CannotTry:
    message = tr("{path} is damaged: {what}").format(path=path, what=what)
    step = tr("copy it again from where it was made, or make it anew: 'fieldbeat bundle'")
    return CannotTry(message, step)


def _too_large() -> str:
    return tr("all that is in it would be more than {most} MiB").format(most=MOST_BYTES >> 20)


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _SOME_DAY)
            info.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(info, content)
    return out.getvalue()
