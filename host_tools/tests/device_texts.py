"""The texts in the device's sources that a host shows: refusals, errors, rows of self-tests.

A text is a template: %s stands for what is filled in.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FIRMWARE, DRIVERS, PROTOCOLS = (ROOT / room for room in ("firmware", "drivers", "protocols"))
_OF_SELF_TESTS = ("unit_checks.py", "self_checks.py", "verbs/selftest.py")
# What a request or a part can meet in there.
_OF_PROTOCOLS = ("cbor_reader.py", "modbus.py", "operation.py", "smp.py")
_PLACE = re.compile(r"%(?:0?\d*[dsrx])")
_Names = dict[str, list[ast.AST]]
_RAISED = re.compile(r"Refused|\w*Error|error|_wrong")


def told() -> list[tuple[Path, str]]:
    """Return the texts that a host may show, with the files where they stand."""
    files = [
        *FIRMWARE.glob("*.py"),
        *DRIVERS.glob("*.py"),
        *map(PROTOCOLS.joinpath, _OF_PROTOCOLS),
    ]
    found = [(path, text) for path in sorted(files) for text in _errors(path)]
    rows = [FIRMWARE / name for name in _OF_SELF_TESTS]
    return found + [(path, text) for path in rows for text in _rows(path)]


def constants() -> Iterator[str]:
    """Yield every text of the device."""
    for path in (path for room in (FIRMWARE, DRIVERS, PROTOCOLS) for path in room.rglob("*.py")):
        if "tests" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield _PLACE.sub("%s", node.value)


def _errors(path: Path) -> set[str]:
    """Return the texts of the errors that a file makes: the last argument that is one."""
    found: set[str] = set()
    for call, names in _within(path, ast.Call):
        name = getattr(call.func, "id", "") or getattr(call.func, "attr", "")
        if _RAISED.fullmatch(name):
            given = [*call.args, *(each.value for each in call.keywords if each.arg == "text")]
            texts = (set(_templates(each, names)) for each in reversed(given))
            found |= next(filter(None, texts), set())
    return found


def _rows(path: Path) -> set[str]:
    rows = ((row, names) for row, names in _within(path, ast.Tuple) if len(row.elts) == 3)
    return {text for row, names in rows for text in _templates(row.elts[2], names)}


def _within(path: Path, kind: type) -> Iterator[tuple[Any, _Names]]:
    """Yield the nodes of a kind in the functions of a file, with what names stand for there."""
    tree = ast.parse(path.read_text())
    of_file = _assigned(tree.body) | {
        name: nodes
        for name, nodes in _assigned(ast.walk(tree)).items()
        if name.startswith("self.")
    }
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            names = of_file | _assigned(ast.walk(function))
            yield from ((node, names) for node in ast.walk(function) if isinstance(node, kind))


def _assigned(nodes: Iterable[ast.AST]) -> _Names:
    found: _Names = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            found.setdefault(ast.unparse(node.targets[0]), []).append(node.value)
    return found


def _templates(node: ast.AST, names: _Names) -> Iterator[str]:
    """Yield what an expression may say; nothing if that is not known."""

    def within(*nodes: ast.AST) -> Iterator[str]:
        return (text for each in nodes for text in _templates(each, names))

    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield _PLACE.sub("%s", node.value)
    elif isinstance(node, ast.IfExp):
        yield from within(node.body, node.orelse)
    elif isinstance(node, ast.BoolOp):
        yield from within(*node.values)
    elif isinstance(node, ast.BinOp):
        is_filled = isinstance(node.op, ast.Mod)
        parts = [node.left, node.right]
        if is_filled:
            parts = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        known = [list(within(each)) for each in parts]
        values = list(product(*(each or ["%s"] for each in known)))
        if is_filled:
            yield from (_filled(text, each) for text in within(node.left) for each in values)
        elif any(known):
            yield from map("".join, values)
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "const":
        yield from within(node.args[0])
    elif isinstance(node, ast.Name | ast.Attribute):
        name = ast.unparse(node)
        others = {each: nodes for each, nodes in names.items() if each != name}
        for each in names.get(name, ()):
            yield from filter(None, _templates(each, others))


def _filled(text: str, values: tuple[str, ...]) -> str:
    pieces = text.split("%s")
    if len(pieces) != len(values) + 1:  # one value that is a tuple
        return text
    return "".join(map("".join, zip(pieces, (*values, ""), strict=True)))
