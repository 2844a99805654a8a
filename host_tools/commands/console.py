"""Talk to a unit's text shell."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import typer

from ..output import JsonOption, print_json_line, remark


def console(
    port: str = typer.Option(help="Serial port of the unit."),
    execute: str | None = typer.Option(None, "--exec", help="Run one verb and print its answer."),
    as_json: JsonOption = False,
) -> int:
    """Open a terminal to a unit's shell (Ctrl-] ends it), or run verbs for a script.

    Ctrl-C reaches the unit and stops its program; Ctrl-D at the prompt >>> starts it again. With
    --json each verb's answer is one line.

    \b
    Example:
        fieldbeat console --port /dev/ttyUSB0
        fieldbeat console --port /dev/ttyUSB0 --exec "read air"
        echo status | fieldbeat console --port /dev/ttyUSB0
    """
    import sys

    if execute is None and not as_json and sys.stdin.isatty():
        from ..console_link import terminal

        terminal(port)
        return 0
    from ..smp_link import SmpLink

    lines = [execute] if execute is not None else sys.stdin
    worst = 0
    with SmpLink(port, remark=lambda text: remark(text, as_json)) as link:
        link.wait()
        for text in lines:
            argv = text.split()
            if not argv:
                continue
            output, code = link.run(argv)
            if as_json:
                print_json_line({"verb": " ".join(argv), "output": output, "code": code})
            else:
                print(output.rstrip("\n"), flush=True)
            worst = max(worst, 1 if code else 0)
    return worst
