"""Check a node's configuration file."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import typer

from ..output import JsonOption, print_json, remark, say

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def config() -> None:
    """Check a node's configuration file.

    \b
    Example:
        fieldbeat config check docs/examples/greenhouse.toml
    """


@app.command()
def check(
    file: Path = typer.Argument(help="The node's TOML file."), as_json: JsonOption = False
) -> None:
    """Check a node's TOML file against its board and profile, with a line for every mistake.

    \b
    Example:
        fieldbeat config check docs/examples/greenhouse.toml
    """
    from .. import node_config
    from ..errors import FieldbeatError
    from ..validation import InvalidData

    try:
        found = node_config.load(file)
    except InvalidData as error:
        if as_json:
            print_json({"file": error.source, "ok": False, "problems": error.problems})
        for problem in error.problems:
            remark(f"{error.source}: {problem}", as_json)
        message = f"{error.source} has {_count(len(error.problems), 'mistake')}"
        raise FieldbeatError(message, "correct the lines above and check again") from error
    if as_json:
        values = {"config": found.to_device_map(), "notes": found.notes}
        print_json({"file": found.source, "ok": True, "problems": [], **values})
        return
    for note in found.notes:
        say(f"{file}: note: {note}")
    node = found.tables.node
    say(f"{file}: ok")
    say(f"{node.name} at {node.site}, {node.board} with profile {node.profile}")
    rate = f"a report has {found.report_samples} samples, one every {found.sampling_interval_s} s"
    say(f"{rate}; at most {found.report_bytes} bytes")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
