"""Prints one row of numbers about our own tree, room by room: make stats.

Counted with `ast` over the packages' sources without their tests; blank lines are not counted.
"""

from __future__ import annotations

import ast
import io
import statistics
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("protocols", "drivers", "firmware", "host_tools", "hil_tests")
HEADER = (
    "room | files | loc | median loc/file | functions | median fn | p90 fn | longest fn"
    " | docstring % | comment % of loc"
)
Functions = ast.FunctionDef | ast.AsyncFunctionDef


def count_comments(source: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return sum(token.type == tokenize.COMMENT for token in tokens)


def row(name: str, paths: list[Path]) -> str:
    locs, lengths, comments, documented, longest = [], [], 0, 0, (0, "")
    for path in paths:
        source = path.read_text()
        locs.append(sum(bool(line.strip()) for line in source.splitlines()))
        comments += count_comments(source)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, Functions):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                lengths.append(length)
                documented += ast.get_docstring(node) is not None
                longest = max(longest, (length, f"{path.name}:{node.name}"))
    if not lengths:
        return f"{name} | {len(paths)} | no functions yet"
    lengths.sort()
    figures = (
        len(paths),
        sum(locs),
        round(statistics.median(locs)),
        len(lengths),
        round(statistics.median(lengths)),
        lengths[len(lengths) * 9 // 10],
        f"{longest[0]} ({longest[1]})",
        round(100 * documented / len(lengths)),
        round(100 * comments / sum(locs)),
    )
    return " | ".join([name, *map(str, figures)])


def sources(room: str) -> list[Path]:
    paths = sorted((ROOT / room).rglob("*.py"))
    return [
        p
        for p in paths
        if not {"tests", "build"} & set(p.parts)
        and not p.name.startswith("test_")
        and p.stat().st_size
    ]


def main() -> None:
    print(HEADER)
    for room in ROOMS:
        print(row(room, sources(room)))
    print(row("all", [path for room in ROOMS for path in sources(room)]))


if __name__ == "__main__":
    main()
