"""Finds English words that are put into a translated sentence: `tr("… {x}").format(x="none")`.

A piece is a literal that may stand in a place of a template: written there, chosen by `if`, `or`
or a key, joined, part of an f-string, under a name of the same function or file, or returned by a
function of the same file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_WORD = re.compile(r"[A-Za-z]{2,}")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def pieces(source: str) -> Iterator[tuple[int, str]]:
    """Return the line and text of each literal that a translated sentence may have in it."""
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, _Function)}
    constants = _assigned(
        ast.Module([each for each in tree.body if isinstance(each, ast.Assign)], [])
    )
    for scope in (node for node in ast.walk(tree) if isinstance(node, _Function)):
        names = {**constants, **_assigned(scope)}
        for call in _fillings(scope, names):
            for value in (*call.args, *(keyword.value for keyword in call.keywords)):
                for found in _literals(value, names, functions, frozenset()):
                    if _WORD.search(found.value):
                        yield found.lineno, found.value


def _fillings(scope: ast.AST, names: dict[str, list[ast.AST]]) -> Iterator[ast.Call]:
    """Yield each `.format()` of a template that was translated."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format":
            template = node.func.value  # type: ignore[attr-defined]
            values = names.get(template.id, []) if isinstance(template, ast.Name) else [template]
            if any(_is_translated(value) for value in values):
                yield node


def _is_translated(node: ast.AST) -> bool:
    return any(
        isinstance(each, ast.Call) and getattr(each.func, "id", "") == "tr"
        for each in ast.walk(node)
    )


def _assigned(scope: ast.AST) -> dict[str, list[ast.AST]]:
    found: dict[str, list[ast.AST]] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def _literals(
    node: ast.AST,
    names: dict[str, list[ast.AST]],
    functions: dict[str, ast.FunctionDef],
    seen: frozenset[str],
) -> Iterator[ast.Constant]:
    def below(nodes: list[ast.AST], names: dict[str, list[ast.AST]], more: str = "") -> Iterator:
        for each in nodes:
            yield from _literals(each, names, functions, seen | {more})

    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif isinstance(node, ast.IfExp):
        yield from below([node.body, node.orelse], names)
    elif isinstance(node, ast.BoolOp | ast.JoinedStr):
        yield from below(list(node.values), names)
    elif isinstance(node, ast.FormattedValue):
        yield from below([node.value], names)
    elif isinstance(node, ast.BinOp):
        yield from below([node.left, node.right], names)
    elif isinstance(node, ast.Name) and node.id not in seen:
        yield from below(names.get(node.id, []), names, node.id)
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "join":
        yield from below([node.func.value, *node.args], names)  # type: ignore[attr-defined]
    elif isinstance(node, ast.List | ast.Tuple):
        yield from below(list(node.elts), names)
    elif isinstance(node, ast.Subscript):
        yield from below([node.value], names)
    elif isinstance(node, ast.Dict):
        yield from below(list(node.values), names)
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
        yield from below(list(node.args[1:]), names)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        called = functions.get(node.func.id)
        if called and called.name not in seen:
            returned = [each.value for each in ast.walk(called) if isinstance(each, ast.Return)]
            yield from below([each for each in returned if each], _assigned(called), called.name)
