"""Finds texts for people that do not go through `tr()`, so that nobody could translate them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_WORDS = re.compile(r"[a-z]{2,}[,;:.']* '?[a-z]{2,}")
_WORD = re.compile(r"(?<!<)\b[a-z]{2,}")
_SQL = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE FROM|CREATE|PRAGMA|WHERE|ORDER BY|ALTER|BEGIN|COMMIT|DROP)\b"
)
_MARKUP = re.compile(r"[{}]fill:|stroke|</|<svg|<style|<text|^(bold|dim) |\bfont-family:")
# Calls whose texts are translated (help of options, heads), or are no texts for people.
_CALLS = {
    *("Option", "Argument", "Typer", "tr", "counted", "print_table", "table", "print_facts"),
    *("compile", "match", "search", "sub", "fullmatch", "split", "partition", "find", "index"),
    *("startswith", "endswith", "removeprefix", "removesuffix", "replace", "count"),
    *("execute", "executescript", "executemany", "getLogger", "import_module"),
    *("TypeVar", "NewType", "cast", "Field"),
}
_OF_PROGRAMMERS = {"AssertionError", "RuntimeError", "NotImplementedError", "TypeError"}


def unwrapped(source: str) -> Iterator[tuple[int, str]]:
    """Return the line and text of each text for people that is not translated."""
    finder = _Finder()
    finder.visit(ast.parse(source))
    yield from finder.found


class _Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []
        self._above: list[ast.AST] = []

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.JoinedStr) or _is_text(node):
            text = _text_of(node)
            is_between = getattr(self._above[-1], "attr", "") == "join" and _WORD.search(text)
            is_said = self._is_raised() and " " in text and _WORD.search(text)
            is_told = is_between or is_said or _WORDS.search(text)
            is_told = is_told and not (_SQL.search(text) or _MARKUP.search(text))
            if is_told and not self._excused(node):
                self.found.append((node.lineno, text))  # type: ignore[attr-defined]
            return
        self._above.append(node)
        for child in ast.iter_child_nodes(node):
            if not _is_docstring(child) and child is not getattr(node, "returns", None):
                self.visit(child)
        self._above.pop()

    def _is_raised(self) -> bool:
        """Whether it is what an error says: "give HOST:PORT" has one word only."""
        return isinstance(self._above[-1], ast.Call) and isinstance(self._above[-2], ast.Raise)

    def _excused(self, node: ast.AST) -> bool:
        directly = self._above[-1]
        if isinstance(directly, ast.Compare | ast.Subscript):
            return True
        if isinstance(directly, ast.Dict) and node in directly.keys:
            return True
        return any(_is_excusing(each) for each in self._above)


def _is_excusing(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        return getattr(getattr(node.exc, "func", None), "id", "") in _OF_PROGRAMMERS
    if isinstance(node, ast.Call):
        return (getattr(node.func, "attr", "") or getattr(node.func, "id", "")) in _CALLS
    return False


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and _is_text(node.value)


def _text_of(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if _is_text(part) else "X" for part in node.values)  # type: ignore
    return node.value  # type: ignore[attr-defined]
