"""Fetch and list the official MicroPython builds of the boards, and read a unit's tracebacks."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import typer

from ..language import tr
from ..output import JsonOption, complete_board, print_json, print_table, progress, say

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def firmware() -> None:
    """Fetch and list the official MicroPython builds of the boards; read a unit's tracebacks.

    \b
    Example:
        fieldbeat firmware list
        fieldbeat firmware get greenhouse_esp32 --trust-first
        fieldbeat firmware crash crash.txt
    """


@app.command("get")
def get(
    board: str = typer.Argument(
        help="The board whose build to fetch.", autocompletion=complete_board
    ),
    sha256: str = typer.Option(None, metavar="HEX", help="The hash that the publisher states."),
    trust_first: bool = typer.Option(False, help="Accept the first download, remember its hash."),
    as_json: JsonOption = False,
) -> None:
    """Fetch the official MicroPython build of a board into the cache.

    \b
    Example:
        fieldbeat firmware get greenhouse_esp32 --trust-first
        fieldbeat firmware get greenhouse_esp32 --sha256 9f3c...
    """
    from .. import boards, firmware_cache

    chosen = boards.load(board)
    with progress(tr("{board} firmware").format(board=board), 100) as show:
        cached = firmware_cache.get(
            chosen, sha256, trust_first, lambda done, total: show(100 * done // max(total, 1))
        )
    if as_json:
        print_json(vars(cached))
    else:
        print(f"{cached.build} {cached.version}: {cached.path}, sha256 {cached.sha256}")


@app.command("list")
def list_builds(as_json: JsonOption = False) -> None:
    """List the official builds of all boards and say which are cached.

    \b
    Example:
        fieldbeat firmware list --json
    """
    from .. import boards, firmware_cache

    found = {name: firmware_cache.status(boards.load(name)) for name in boards.names()}
    if as_json:
        print_json([{"board": name, **vars(cached)} for name, cached in found.items()])
        return
    rows = [
        (
            name,
            each.build,
            each.version,
            each.sha256 or tr("unknown"),
            tr("yes" if each.present else "no"),
        )
        for name, each in found.items()
    ]
    print_table(("board", "build", "version", "sha256", "cached"), rows)


@app.command("crash")
def crash(
    file: Path = typer.Argument(help="A unit's /crash.txt, or what its console said."),
) -> None:
    """Print a unit's tracebacks with the names of the sources.

    In an image private names are short. Use the fieldbeat that built it: another one has others.

    \b
    Example:
        smpmgr --port /dev/ttyUSB0 file download /crash.txt crash.txt
        fieldbeat firmware crash crash.txt
    """
    from .. import app_files, files, tracebacks

    content = files.read(file, tr("name a file that you may read"))
    text = content.decode("utf-8", "replace")
    if not text.strip():
        say(tr("{file} is empty: the unit has kept no traceback").format(file=file))
        return
    print(tracebacks.explain(text, app_files.source_files()), end="")
