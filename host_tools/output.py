"""What commands print: tables and progress for people, JSON for machines.

`rich` is imported inside the functions: importing it takes longer than most verbs take to run.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from .paths import registry_file, store_file

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 160  # characters; a pipe or a log file must not cut a table off


def _short(path: Path) -> str:
    text, home = str(path), str(Path.home())
    return f"~{text.removeprefix(home)}" if text.startswith(f"{home}/") else text


JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for a machine to read.")]
RegistryOption = Annotated[
    Path | None,
    typer.Option(help=f"The registry, a SQLite file; default: {_short(registry_file())}."),
]
DbOption = Annotated[
    Path | None, typer.Option(help=f"The store, a SQLite file; default: {_short(store_file())}.")
]


def console(stderr: bool = False) -> Console:
    """Return a rich console on stdout (or stderr)."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False)


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
        import textwrap

        width = shutil.get_terminal_size().columns
        whole = {"break_long_words": False, "break_on_hyphens": False}
        text = textwrap.fill(text, width, subsequent_indent=" " * indent, **whole)  # type: ignore
    print(text, file=stream, flush=True)


def remark(text: str, as_json: bool = False) -> None:
    """Tell a person on stderr what goes on; a machine that reads JSON is spared."""
    if not as_json:
        say(text, sys.stderr)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None
) -> None:
    """Write a table to stdout; `None` becomes an empty cell."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console().print(table)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Write named values to stdout, one a line, in two columns."""
    rows = [(name, str(value)) for name, value in facts]
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


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
