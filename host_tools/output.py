"""What commands print: tables and progress for people, JSON for machines.

`rich` is imported inside the functions: importing it takes longer than most verbs take to run.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TextIO

import typer

from .language import tr
from .paths import registry_file, store_file
from .wide_text import columns as in_columns
from .wide_text import padded, pieces, wrapped

if TYPE_CHECKING:
    from rich.console import Console

_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
_EDGES, _GAP = 1, 1  # around a table, and after each of its columns
WORDS_OF_OURS = frozenset(  # columns of tables that show words of a fixed list, states mostly
    ("state", "State", "verdict", "Verdict", "Quality", "quality", "Result", "result", "What")
)
WIDTH_WITHOUT_TERMINAL = 160  # characters; a pipe or a log file must not cut a table off


def complete_board(incomplete: str) -> list[str]:
    """Return the boards whose names a shell may complete what was typed to."""
    from . import boards

    return [name for name in boards.names() if name.startswith(incomplete)]


def _short(path: Path) -> str:
    text, home = str(path), str(Path.home())
    return f"~{text.removeprefix(home)}" if text.startswith(f"{home}/") else text


JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for a machine to read.")]
RegistryOption = Annotated[
    Path | None,
    typer.Option(
        help=tr("The registry, a SQLite file; default: {file}.").format(
            file=_short(registry_file())
        )
    ),
]
DbOption = Annotated[
    Path | None,
    typer.Option(
        help=tr("The store, a SQLite file; default: {file}.").format(file=_short(store_file()))
    ),
]


def console(stderr: bool = False) -> Console:
    """Return a rich console on stdout (or stderr)."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False, markup=False)


def print_json(value: Any) -> None:
    """Write one JSON document to stdout; bytes become hexadecimal."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def print_json_line(value: Any) -> None:
    """Write one of several JSON documents to stdout, each a line of its own."""
    print(json.dumps(value, ensure_ascii=False, default=_plain), flush=True)


def say(text: str, stream: TextIO | None = None, indent: int = 2) -> None:
    """Write a line; on a terminal that is too narrow it goes on below, indented, at a word's end.

    A path or command's word is never broken, and what goes into a pipe or file stays one line.
    """
    stream = sys.stdout if stream is None else stream
    if stream.isatty():
        import shutil

        text = "\n".join(wrapped(text, shutil.get_terminal_size().columns, indent))
    print(text, file=stream, flush=True)


def remark(text: str, as_json: bool = False) -> None:
    """Tell a person on stderr what goes on; a machine that reads JSON is spared."""
    if not as_json:
        say(text, sys.stderr)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: str | None = None,
    whole: Sequence[str] = (),
) -> None:
    """Write a table to stdout; `None` becomes an empty cell, and a column without any is left out.

    Where the terminal is too narrow, cells go on below at a word's end; nothing is cut. Times and
    the columns in `whole` stay in one piece.
    """
    from rich import box
    from rich.table import Table

    told = [column in WORDS_OF_OURS for column in columns]
    cells = [
        ["" if cell is None else tr(str(cell)) if word else str(cell) for cell, word in line]
        for line in (zip(row, told, strict=True) for row in rows)
    ]
    whole, columns = [tr(column) for column in whole], [tr(column) for column in columns]
    kept = [n for n in range(len(columns)) if not cells or any(row[n] for row in cells)]
    look: Any = {"box": box.SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0)}
    table = Table(title=title and tr(title), title_justify="left", **look)
    out = console()
    fitted = [_Fit.of(columns[n], [row[n] for row in cells], whole) for n in kept]
    widths = _widths(fitted, out.width - _EDGES - (_GAP + 1) * len(kept))
    for n, fit, width in zip(kept, fitted, widths, strict=True):
        table.add_column(columns[n], no_wrap=fit.whole, overflow="fold", width=width)
    for row in cells:
        table.add_row(*(row[n] for n in kept))
    out.print(table)


class _Fit(NamedTuple):
    """How wide a column can be: its longest word, and its longest line; `whole`: no less."""

    least: int
    most: int
    whole: bool

    @classmethod
    def of(cls, head: str, cells: Sequence[str], whole: Sequence[str]) -> _Fit:
        lines = [line for cell in (head, *cells) for line in cell.splitlines()]
        most = max(map(in_columns, lines), default=1)
        words = [piece for cell in (head, *cells) for piece in pieces(cell)]
        times = any(_TIME.match(cell) for cell in cells)
        least = max(map(in_columns, words), default=1)
        stays = times or head in whole
        return cls(most if stays else least, most, stays)


def _widths(columns: Sequence[_Fit], room: int) -> list[int | None]:
    """Return how wide each column is to be; None where that is left to `rich`."""
    widths = [each.most for each in columns]
    if sum(widths) <= room or sum(each.least for each in columns) > room:
        return [None] * len(columns)
    while sum(widths) > room:  # the widest that can give way does
        free = [n for n, each in enumerate(columns) if widths[n] > each.least]
        widths[max(free, key=lambda n: widths[n])] -= 1
    return list(widths)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Write named values to stdout, one a line, in two columns."""
    rows = [(tr(name), str(value)) for name, value in facts]
    width = max((in_columns(name) for name, _ in rows), default=0)
    for name, value in rows:
        print(f"{padded(name, width)}  {value}")


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr while the block runs; silent when stderr is no terminal.

    Args:
        label: what is being done.
        total: the amount that means done, in any unit.

    Yields:
        A function that takes the amount done so far.
    """
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
    with Progress(*columns, TimeRemainingColumn(), console=console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value)
