"""Short names for what is private to one file: MicroPython keeps every name (decision 18).

Functions, variables and attributes with a leading underscore that each file has for itself get
names of a small pool that all files share; the text stays otherwise as it is. Since no two files
mean the same by an old name, one that was renamed and one that was not go together.

Left alone is what more than `def _name`, `_name` or `self._name` names: classes, imports,
`global`, attributes of other objects; also what const() compiles away, each name that is in a
string of any file, and what two files have whose classes inherit from one another.

What modules give to one another is renamed by short_globals.py.

Parameters, whatever they are called, get such names too, where no file has that name for anything
but parameters and variables of functions: then nobody gives them by keyword.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from string import ascii_lowercase
from typing import NamedTuple

from . import short_globals
from .errors import FieldbeatError
from .language import tr

_PRIVATE = re.compile(r"\b_[^\W_]\w*")
_WORD = re.compile(r"\w+")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_Place = tuple[int, int]  # line from 0, byte in the line


class _Facts(NamedTuple):
    """What one file says of its private names and of its classes."""

    places: Mapping[str, tuple[_Place, ...]]  # where the names are that may change
    kept: frozenset[str]  # those that no file may change
    classes: frozenset[str]
    bases: frozenset[str]  # of its classes
    parameters: Mapping[str, tuple[_Place, ...]]  # where they are, if parameters and nothing else
    words: frozenset[str]  # what it has for anything but parameters and variables of functions


def shorten(
    sources: Mapping[str, bytes], parameters: bool = True, shared: bool = True
) -> dict[str, bytes]:
    """Return the files of a slot, path -> content, with short private names.

    Args:
        parameters: theirs, too; not of modules that somebody else calls by keyword.
        shared: what modules give to one another, too; not of modules that somebody else imports.

    Raises:
        FieldbeatError: a source is not Python.
    """
    result = dict(sources)
    for path, names in new_names(sources, parameters, shared).items():
        facts = _facts_of(path, sources)
        places = {**facts.places, **facts.parameters}
        if shared:
            places.update(short_globals.places_of(path, sources))
        changes = [(place, name) for name in names for place in places[name]]
        lines = sources[path].split(b"\n")
        for (row, start), name in sorted(changes, reverse=True):  # what is before keeps its place
            line = lines[row]
            lines[row] = line[:start] + names[name].encode() + line[start + len(name.encode()) :]
        result[path] = b"\n".join(lines)
    return result


def new_names(
    sources: Mapping[str, bytes], parameters: bool = True, shared: bool = True
) -> dict[str, dict[str, str]]:
    """Return what is renamed: path -> old name -> new name.

    Raises:
        FieldbeatError: a source is not Python.
    """
    facts = {path: _facts_of(path, sources) for path in sorted(sources)}
    kept = frozenset[str]().union(*(fact.kept for fact in facts.values()))
    taken = kept.union(*(fact.places for fact in facts.values()))
    words = frozenset(dir(builtins)).union(*(fact.words for fact in facts.values()))
    result = {}
    for family in _families(facts):
        pool = (name for name in _pool() if name not in taken)
        files_with = Counter(name for path in family for name in facts[path].places)
        for path in family:
            own = (name for name in facts[path].places if files_with[name] == 1)
            result[path] = {name: next(pool) for name in sorted(own) if name not in kept}
            given = sorted(facts[path].parameters.keys() - words) if parameters else ()
            result[path] |= {name: next(pool) for name in given}
    for path, names in short_globals.new_names(sources).items() if shared else ():
        result[path].update(names)
    return result


def _facts_of(path: str, sources: Mapping[str, bytes]) -> _Facts:
    if path.endswith(".py"):
        try:
            return _facts(sources[path])
        except SyntaxError as error:
            raise FieldbeatError(
                tr("{path} does not compile: {error}").format(path=path, error=error),
                tr("correct {path}").format(path=path),
            ) from None
    text = sources[path].decode("utf-8", "replace")
    words = _PRIVATE.findall(text)
    return _Facts(
        {}, frozenset(words), frozenset(), frozenset(), {}, frozenset(_WORD.findall(text))
    )


@cache  # a bench builds one image after the other out of the same files
def _facts(content: bytes) -> _Facts:
    places: dict[str, list[_Place]] = {}
    bound, kept, classes, bases = set[str](), set[str](), set[str](), set[str]()
    lines = content.split(b"\n")

    def note(name: str, row: int | None, start: int, binds: bool) -> None:
        if _PRIVATE.fullmatch(name):
            places.setdefault(name, []).append(((row or 0) - 1, start))
            bound.update([name] if binds else ())

    for node in ast.walk(ast.parse(content)):
        if not node._fields:  # nothing but its kind
            continue
        match node:
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
                start = (node.end_col_offset or 0) - len(name.encode())
                note(name, node.end_lineno, start, isinstance(node.ctx, ast.Store))
                continue
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                start = lines[node.lineno - 1].find(name.encode(), node.col_offset + len("def "))
                note(name, node.lineno, start, binds=True)
                continue
            case ast.JoinedStr():  # where its parts are differs between versions of Python
                kept.update(_PRIVATE.findall(ast.unparse(node)))
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="const"))
            ):
                kept.add(name)
            case ast.ClassDef(name=name):
                classes.add(name)
                bases.update(ast.unparse(base).rpartition(".")[2] for base in node.bases)
            case ast.alias(name=name, asname=str()):
                bases.add(name)  # it may be a base under another name
        text = _strings(node)
        if "_" in text:
            kept.update(_PRIVATE.findall(text))
    kept |= places.keys() - bound  # they come from somewhere else
    fixed = {name: tuple(found) for name, found in places.items()}
    names = frozenset(kept), frozenset(classes), frozenset(bases)
    return _Facts(fixed, *names, *_parameters(content))


def _parameters(content: bytes) -> tuple[dict[str, tuple[_Place, ...]], frozenset[str]]:
    """Return where each parameter is, and all words that are more than variables of functions."""
    tree = ast.parse(content)
    places: dict[str, list[_Place]] = {}
    parameters, words = set[str](), set(_bound_outside(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                places.setdefault(name, []).append((node.lineno - 1, node.col_offset))
            case ast.arguments(vararg=rest, kwarg=more):
                words.update(each.arg for each in (rest, more) if each)
                own = (*node.posonlyargs, *node.args, *node.kwonlyargs)
                parameters.update(each.arg for each in own)
            case ast.JoinedStr():
                words.update(_WORD.findall(ast.unparse(node)))
            case _:
                words.update(_WORD.findall(_strings(node)))
    mine = {name for name in parameters - words if not name.startswith("_")} - {"self"}
    return {name: tuple(places[name]) for name in mine}, frozenset(words)


def _bound_outside(node: ast.AST) -> Iterator[str]:
    """Yield the variables of a module and of its classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        if not isinstance(child, _FUNCTIONS):
            yield from _bound_outside(child)


def _strings(node: ast.AST) -> str:
    """Return the strings of a node itself: names that it gives or takes, or a text."""
    found = []
    for value in vars(node).values():
        for one in value if type(value) is list else (value,):
            if type(one) is str:
                found.append(one)
            elif type(one) is bytes:
                found.append(one.decode("latin-1"))
    return " ".join(found)


def _families(facts: Mapping[str, _Facts]) -> list[list[str]]:
    """Return the files in groups: those whose classes inherit from one another are in one.

    An object of theirs has the attributes of all of them.
    """
    ours = frozenset[str]().union(*(fact.classes for fact in facts.values()))
    families: list[tuple[frozenset[str], list[str]]] = []
    for path, fact in facts.items():
        names, paths = fact.classes | (fact.bases & ours), [path]
        for family in [family for family in families if family[0] & names]:
            families.remove(family)
            names, paths = names | family[0], family[1] + paths
        families.append((names, paths))
    return [paths for _, paths in families]


def _pool() -> Iterator[str]:
    for first, second in product(["", *ascii_lowercase], ascii_lowercase):
        yield f"_{first}{second}"
