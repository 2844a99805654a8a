"""What each file of the device rooms makes the interpreter load, and when."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import resolve_name
from typing import NamedTuple

INIT = "/__init__.py"
MAPS = "drivers/maps"
ROOTS = ("firmware/boot.py", "firmware/main.py")
# Tables of the firmware of which a unit uses a few entries: app_pruning.py knows which.
TABLES = ("PARTS", "MODEMS", "_KINDS", "_ELSEWHERE", "_ROLES", "_RARE")
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Edge(NamedTuple):
    """A file that another one may load.

    `at_once`: with itself, not in the course of a function. `table` is where its name stands, ""
    if in none, and `keys` are those of the entries.
    """

    target: str
    at_once: bool = False
    table: str = ""
    keys: tuple[str, ...] = ()


Graph = Mapping[str, list[Edge]]  # path -> what it may load


def module_of(path: str) -> str:
    """Return what tracebacks name: the module, a string that the device has anyway."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def reachable(
    edges_of: Callable[[str], list[Edge]], follows: Callable[[str, Edge], bool]
) -> set[str]:
    """Return the paths that a unit can load.

    Args:
        edges_of: tells what a path may load.
        follows: tells whether an edge of a path is one that this unit has.
    """
    wanted, found = set(ROOTS), set[str]()
    while wanted:
        path = wanted.pop()
        found.add(path)
        wanted |= {edge.target for edge in edges_of(path) if follows(path, edge)} - found
    return found


@cache  # a bench builds one image after the other out of the same files
def edges(path: str, source: bytes) -> list[Edge]:
    """Return what a file names: modules, and words that are none.

    It names what it imports (in functions, too) and what its strings say, as `firmware/later.py`
    has it. What is imported where another import has failed is for another interpreter.
    """
    module = module_of(path)
    parent = module.rpartition(".")[0]
    package = module if path.endswith(INIT) else parent
    tree = ast.parse(source)
    found = [Edge(parent, at_once=True)]
    for node, at_once, (table, keys) in _nodes(tree, True, ("", ()), _chosen(tree)):
        imports = isinstance(node, ast.Import | ast.ImportFrom)
        more = (at_once and imports, table, keys)
        found += [Edge(name, *more) for name in _names(node, package)]
    return found


_Choice = tuple[str, tuple[str, ...]]  # a table and keys of it


def _names(node: ast.AST, package: str) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            origin = resolve_name("." * level + (module or ""), package)
            return [origin, *(f"{origin}.{alias.name}" for alias in names)]
        case ast.Constant(value=str(text)):
            return text.split()
    return []


def _nodes(
    tree: ast.AST, at_once: bool, choice: _Choice, chosen: Mapping[ast.AST, _Choice]
) -> Iterator[tuple[ast.AST, bool, _Choice]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ExceptHandler) and ast.unparse(node.type or node) == "ImportError":
            continue
        its = chosen.get(node, choice)
        yield node, at_once, its
        yield from _nodes(node, at_once and not isinstance(node, _FUNCTIONS), its, chosen)


def _chosen(tree: ast.Module) -> dict[ast.AST, _Choice]:
    """Return the parts of a file that only some keys of its tables lead to.

    That is an entry, or the function that it names where nothing else does.
    """
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    used = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    found: dict[ast.AST, _Choice] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=table)], value=value) if table in TABLES:
                for keys, entry in _entries(value):
                    found[entry] = table, keys
                    if isinstance(entry, ast.Name) and used.count(entry.id) == 1:
                        found[functions.get(entry.id, entry)] = table, keys
    return found


def _entries(table: ast.expr) -> Iterator[tuple[tuple[str, ...], ast.expr]]:
    """Yield the keys and the value of each entry.

    There are `{key: value}`, `const(((key, modules), ...))` and `const(("module key key", ...))`.
    """
    match table:
        case ast.Dict(keys=names, values=values):
            for name, value in zip(names, values, strict=True):
                if isinstance(name, ast.Constant):
                    yield (str(name.value),), value
        case ast.Call(args=[ast.Tuple(elts=entries)]):
            for entry in entries:
                match entry:
                    case ast.Tuple(elts=[ast.Constant(value=str(key)), modules]):
                        yield (key,), modules
                    case ast.Constant(value=str(line)):
                        yield tuple(line.split()[1:]), entry
