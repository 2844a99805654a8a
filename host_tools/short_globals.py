"""Short names for what modules give to one another, shared by all modules: decision 18.

A function, class, constant or variable that one module defines and others import gets a name of a
pool, `A0`, `B0` ..., of which each module has each once. So `frame.overhead` and `packing.records`
can both be `A0`, and MicroPython, which keeps every name for good, keeps one.

Renamed is what exactly one file defines, and what all files name only as it is seen from there:
by itself in that file or after `from module import name`, or as `module.name`. Left alone is what
anybody calls an attribute of something else, a parameter, a module, or has in a string; what
boot.py names, which is not compiled; and errors.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import resolve_name
from itertools import count
from string import ascii_uppercase
from typing import NamedTuple

from .app_imports import INIT, module_of

ROOMS = ("protocols", "drivers", "firmware")
BOOT = "firmware/boot.py"
_WORD = re.compile(r"\w+")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Place = tuple[int, int]  # line from 0, byte in the line
Places = Mapping[str, tuple[Place, ...]]


class _Facts(NamedTuple):
    defined: frozenset[str]  # in the module itself
    imported: frozenset[str]  # from modules of ours
    names: Places  # where they stand by themselves
    attributes: Places  # where they are attributes of modules of ours
    kept: frozenset[str]  # what no file may change
    words: frozenset[str]


def new_names(sources: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    """Return what is renamed: path -> old name -> new name. All sources have to be Python."""
    facts, files = _all_facts(sources), _files_with(sources)
    taken = frozenset[str]().union(*(fact.words for fact in facts.values()))
    result: dict[str, dict[str, str]] = {path: {} for path in sources}
    used: dict[str, set[str]] = {path: set() for path in sources}
    for name in sorted(files, key=lambda name: (-len(files[name]), name)):
        others = set[str]().union(*(used[path] for path in files[name]))
        new = next(new for new in _pool() if new not in others and new not in taken)
        for path in files[name]:
            used[path].add(new)
            result[path][name] = new
    return result


def places_of(path: str, sources: Mapping[str, bytes]) -> Places:
    """Return where the names of a file stand that new_names() changes."""
    fact = _all_facts(sources)[path]
    own = fact.defined | fact.imported
    places = {name: found for name, found in fact.names.items() if name in own}
    for name, found in fact.attributes.items():
        places[name] = places.get(name, ()) + found
    return places


def _files_with(sources: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Return the names that change, each with the files that name it.

    One that names it as `module.name` only could have another one of the same new name by itself,
    but whoever reads a traceback could not tell them apart.
    """
    facts = _all_facts(sources)
    kept = frozenset(dir(builtins)).union(*(fact.kept for fact in facts.values()))
    kept |= {module_of(path).rpartition(".")[2] for path in sources}
    defined = Counter(name for fact in facts.values() for name in fact.defined)
    files: dict[str, set[str]] = {}
    for path, fact in facts.items():
        for name in fact.defined | fact.imported | fact.attributes.keys():
            if defined[name] == 1 and name not in kept and not name.startswith("_"):
                files.setdefault(name, set()).add(path)
    return files


def _all_facts(sources: Mapping[str, bytes]) -> dict[str, _Facts]:
    ours = frozenset(module_of(path) for path in sources if path.endswith(".py"))
    return {path: _facts_of(path, sources[path], ours) for path in sorted(sources)}


@cache  # a bench builds one image after the other out of the same files
def _facts_of(path: str, content: bytes, ours: frozenset[str]) -> _Facts:
    none: Places = {}
    if not path.endswith(".py") or path == BOOT:
        words = frozenset(_WORD.findall(content.decode("utf-8", "replace")))
        return _Facts(frozenset(), frozenset(), none, none, words, words)
    tree = ast.parse(content)
    reader = _Reader(path, tree, content.split(b"\n"), ours)
    reader.read()
    words = frozenset(_WORD.findall(content.decode("utf-8", "replace")))
    names = {name: tuple(places) for name, places in reader.names.items()}
    attributes = {name: tuple(places) for name, places in reader.attributes.items()}
    defined = frozenset(_defined(tree))
    own = frozenset(reader.imported)
    return _Facts(defined, own, names, attributes, frozenset(reader.kept), words)


def _defined(node: ast.AST) -> Iterator[str]:
    """Yield what a module defines itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            yield child.name
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        elif not isinstance(child, ast.Lambda | ast.comprehension):
            yield from _defined(child)


class _Reader:
    """One walk through a file."""

    def __init__(
        self, path: str, tree: ast.Module, lines: list[bytes], ours: frozenset[str]
    ) -> None:
        module = module_of(path)
        self._package = module if path.endswith(INIT) else module.rpartition(".")[0]
        self._tree = tree
        self._lines = lines
        self._ours = ours
        self._modules: set[str] = set()  # names that are modules of ours and nothing else
        self.names: dict[str, list[Place]] = {}
        self.attributes: dict[str, list[Place]] = {}
        self.imported: set[str] = set()
        self.kept: set[str] = set()

    def read(self) -> None:
        nodes = list(ast.walk(self._tree))
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
        for node in nodes:  # a variable may be called as a module elsewhere in the file
            if isinstance(node, ast.arg):
                self._modules.discard(node.arg)
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self._modules.discard(node.id)
        for node in nodes:
            self._note(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        origin = ""
        if isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), self._package)
        for alias in node.names:
            bound = alias.asname or alias.name
            if f"{origin}.{alias.name}" in self._ours:
                self._modules.add(bound)
            elif origin.partition(".")[0] in ROOMS and not alias.asname:
                self.imported.add(alias.name)
                self._add(self.names, alias.name, alias.lineno, alias.col_offset)
            else:
                self.kept.update(_WORD.findall(f"{alias.name} {bound}"))

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name):
                self._add(self.names, name, node.lineno, node.col_offset)
            case ast.Attribute(attr=name, value=ast.Name(id=owner)) if owner in self._modules:
                end = (node.end_col_offset or 0) - len(name)
                self._add(self.attributes, name, node.end_lineno or 0, end)
            case ast.Attribute(attr=name) | ast.arg(arg=name):
                self.kept.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self._add_definition(node, name, "def ")
            case ast.ClassDef(name=name):
                self._add_definition(node, name, "class ")
                if name.endswith("Error"):  # people read it in a log
                    self.kept.add(name)
                self._keep_members(node)
            case ast.JoinedStr():  # where its parts are differs between versions of Python
                self.kept.update(_WORD.findall(ast.unparse(node)))
            case ast.Constant(value=str(text)):
                self.kept.update(_WORD.findall(text))
            case ast.Constant(value=bytes(data)):
                self.kept.update(_WORD.findall(data.decode("latin-1")))
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                self.kept.update(names)
            case ast.keyword(arg=str(name)) | ast.ExceptHandler(name=str(name)):
                self.kept.add(name)

    def _keep_members(self, node: ast.ClassDef) -> None:
        for member in node.body:
            if isinstance(member, _FUNCTIONS):
                self.kept.add(member.name)
            else:
                self.kept.update(_defined(ast.Module([member], [])))

    def _add_definition(self, node: ast.stmt, name: str, keyword: str) -> None:
        line = self._lines[node.lineno - 1]
        start = line.find(name.encode(), line.index(keyword.encode()) + len(keyword))
        self._add(self.names, name, node.lineno, start)

    def _add(self, places: dict[str, list[Place]], name: str, row: int, start: int) -> None:
        places.setdefault(name, []).append((row - 1, start))


def _pool() -> Iterator[str]:
    for digit in count():
        for letter in ascii_uppercase:
            yield f"{letter}{digit}"
