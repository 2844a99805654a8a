"""Talk to a unit's text shell."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..language import tr
from ..output import JsonOption, print_json_line, remark

if TYPE_CHECKING:
    from ..smp_link import SmpLink

REPORTS = "uplink"  # a verb whose answer takes as long as a wake


def console(
    port: str = typer.Option(help="Serial port of the unit."),
    execute: str | None = typer.Option(None, "--exec", help="Run one verb and print its answer."),
    code_file: Path | None = typer.Option(
        None, help="File whose first line is the code, for the verb 'unlock' of a script."
    ),
    as_json: JsonOption = False,
) -> int:
    """Open a terminal to a unit's shell (Ctrl-] ends it), or run verbs for a script.

    Ctrl-C reaches the unit and stops its program; Ctrl-D at the prompt >>> starts it again. With
    --json each verb's answer is one line. In a script the verb 'unlock' stands alone: its code is
    in --code-file or $FIELDBEAT_CODE, else it is asked for.

    \b
    Example:
        fieldbeat console --port /dev/ttyUSB0
        fieldbeat console --port /dev/ttyUSB0 --exec "read air"
        fieldbeat console --port /dev/ttyUSB0 --exec unlock --code-file gh-07.code
        echo status | fieldbeat console --port /dev/ttyUSB0
    """
    import sys

    from ..errors import CannotTry

    if execute is None and not as_json and sys.stdin.isatty():
        if code_file:
            message = tr("--code-file is for --exec, --json or verbs from a pipe")
            raise CannotTry(message, tr("leave it out, and type 'unlock CODE' in the terminal"))
        from ..console_link import terminal

        terminal(port)
        return 0
    from ..smp_link import SmpLink, shown

    if execute is not None and not execute.strip():
        raise CannotTry(tr("--exec names no verb"), tr("give one, for instance --exec status"))
    if execute and shown(execute.split()) != " ".join(execute.split()):
        message = tr("other programs can read a code behind --exec, and the shell keeps it")
        raise CannotTry(message, tr("give --exec unlock alone; {where}").format(where=_instead()))
    lines = [execute] if execute is not None else sys.stdin
    worst = 0
    with SmpLink(port, remark=lambda text: remark(text, as_json)) as link:
        link.wait()
        for text in lines:
            if argv := text.split():
                worst = max(worst, _run(link, argv, code_file, as_json))
    return worst


def _run(link: SmpLink, argv: list[str], code_file: Path | None, as_json: bool) -> int:
    """Run a verb and show its answer; return 1 if it failed, else 0."""
    from .. import unit_words
    from ..smp_link import VERB_S, shown

    told = shown(argv)
    if argv[0] == REPORTS:
        message = tr(
            "waiting for the answer to '{verb}': with network and server this takes at "
            "most {seconds:.0f} s ..."
        )
        remark(message.format(verb=told, seconds=VERB_S), as_json)
    output, code = link.run([*argv, _code(code_file)] if argv == ["unlock"] else argv)
    if as_json:
        print_json_line({"verb": told, "output": output, "code": code})
    else:
        print(unit_words.answer(output.rstrip("\n")), flush=True)
    return 1 if code else 0


def _code(file: Path | None) -> str:
    from .. import unit_code
    from ..errors import CannotTry

    code = unit_code.find(file)
    if not code:
        message = tr("nobody is there to ask for the code of the unit")
        raise CannotTry(message, _instead())
    return code


def _instead() -> str:
    from .. import unit_code

    text = tr("name a file that holds it: {option}, or set ${variable}")
    return text.format(option=unit_code.OPTION, variable=unit_code.VARIABLE)
