"""The `fieldbeat` command: finds its verbs, runs one, turns errors into one line and an exit code.

A verb is an entry point of the group `fieldbeat.commands`. It names a function, or a `typer.Typer`
for a verb with verbs of its own, in this distribution or in anybody's::

    [project.entry-points."fieldbeat.commands"]
    dredge = "riverside_tools.dredge:dredge"

Its line in `fieldbeat --help` is the first line of its module's docstring, read from the source:
only the verb that runs is imported. Exit codes: 0 done, 1 the work failed, 2 it could not be
tried, 130 it was interrupted. An error is one line on stderr; with `--json` it is a JSON object
there, with `error`, `next` and `exit_code`, and what stdout has is whole documents or nothing.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ast
import itertools
import sys
from importlib import util
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import typer
from typer.core import TyperGroup

from . import extras, help_text
from .errors import CannotTry, FieldbeatError, Interrupted
from .language import ENGLISH, os_reason, settle, tr

ENTRY_POINT_GROUP = "fieldbeat.commands"
UsageError: Any = (
    typer.BadParameter.__base__
)  # typer brings its own click or takes the installed one


def verbs() -> dict[str, EntryPoint]:
    """Return the verbs that installed distributions offer, by name and in their order."""
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def summary(point: EntryPoint) -> str:
    """Return the first docstring line of a verb's module, without importing that module."""
    try:
        spec = util.find_spec(point.module)
        source = util.decode_source(spec.loader.get_data(spec.origin))  # type: ignore
        return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0].rstrip(".")
    except (ImportError, OSError, AttributeError, SyntaxError):
        return tr("(cannot be loaded)")


def load(point: EntryPoint) -> Any:
    """Import a verb and return it as a click command.

    Raises:
        CannotTry: the module or something that it needs is not installed.
    """
    try:
        target = point.load()
    except (ImportError, AttributeError) as error:
        message = tr("the verb '{name}' cannot be loaded: {error}").format(
            name=point.name, error=error
        )
        raise CannotTry(
            message, tr("install what it needs (pip install 'fieldbeat[bench]')")
        ) from error
    if not isinstance(target, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(point.name)(target)
        target = app
    command = _told_in_full(typer.main.get_command(target))
    help_text.use(command)
    return command


def _told_in_full(command: Any) -> Any:
    """Let the help of a verb with verbs below it have their first sentences whole."""
    for below in getattr(command, "commands", {}).values():
        below.short_help = below.short_help or (below.help or "").partition("\n\n")[0]
    return command


class VerbGroup(TyperGroup):
    """A group whose members are imported when they are invoked, not when they are listed."""

    def list_commands(self, ctx: Any) -> list[str]:
        if not self.commands:
            names: Any = dict.fromkeys(verbs())  # names are enough for listing and hints
            self.commands = names
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        self.list_commands(ctx)
        point = verbs().get(cmd_name)
        return load(point) if point else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, summary(point)) for name, point in verbs().items()])


app = typer.Typer(cls=VerbGroup, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:
    if wanted:
        print("fieldbeat", version("fieldbeat"))
        raise typer.Exit


@app.callback()
def fieldbeat(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    show_version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Turn a bare board and a modem into a provisioned, tested field device.

    \b
    Example:
        fieldbeat build docs/examples/greenhouse.toml -o greenhouse.img
        fieldbeat flash --port /dev/ttyUSB0 greenhouse.img
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; a verb may return one too."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments  # taken out here, so that it may stand before or after the verb
    arguments = [argument for argument in arguments if argument != "--debug"] or ["--help"]
    settle(ENGLISH if "--json" in arguments else None)
    command = typer.main.get_command(app)
    help_text.use(command)
    try:
        result = command.main(args=arguments, prog_name="fieldbeat", standalone_mode=False)
        if result == Interrupted.exit_code:  # so typer tells of Ctrl-C
            raise typer.Abort
    except Exception as error:
        if debug:
            import traceback

            traceback.print_exception(error)
        failure = foreseen(error, " ".join(["fieldbeat", *_verb(arguments)]))
        _tell(failure, "--json" in arguments)
        return failure.exit_code
    return result if isinstance(result, int) else 0


def _tell(failure: FieldbeatError, as_json: bool) -> None:
    """Write an error to stderr: one line, or two for a terminal that is too narrow for it."""
    import json
    import shutil

    from .output import say

    text = tr("error: {failure}").format(failure=failure)
    if not as_json:
        if sys.stderr.isatty() and len(text) > shutil.get_terminal_size().columns:
            say(tr("error: {failure}").format(failure=failure.message), sys.stderr)
            text = tr("next: {step}").format(step=failure.next_step)
        say(text, sys.stderr)
        return
    told = {"error": failure.message, "next": failure.next_step, "exit_code": failure.exit_code}
    print(json.dumps(told, ensure_ascii=False), file=sys.stderr)


def _verb(arguments: list[str]) -> list[str]:
    """Return the words that name a verb, and one below it where a word follows."""
    return list(itertools.takewhile(lambda word: word[:1].isalpha(), arguments[:2]))


def foreseen(error: Exception, verb: str) -> FieldbeatError:
    """Return the error of a verb as one that tells what to do next."""
    if isinstance(error, FieldbeatError):
        return error
    if isinstance(error, ImportError) and (found := extras.missing(error, f"'{verb}'")):
        return found
    if isinstance(error, typer.Abort):  # Ctrl-C, in a verb that knows nothing better to say
        return Interrupted(tr("interrupted"), tr("run the same command again"))
    text = " ".join(str(error).split())
    if isinstance(error, UsageError):
        place = error.ctx.command_path if error.ctx else "fieldbeat"
        told = help_text.usage_error(error.format_message()).rstrip(".。")
        return CannotTry(told, tr("see '{place} --help'").format(place=place))
    if isinstance(error, OSError) and error.errno:
        named = f"{error.filename}: " if error.filename else ""
        return FieldbeatError(
            named + os_reason(error),
            tr("see that the file or device exists and may be used by you"),
        )
    message = tr("unexpected {kind}: {text}").format(kind=type(error).__name__, text=text)
    return FieldbeatError(message, tr("run it again with --debug and report what it shows"))


if __name__ == "__main__":
    sys.exit(main())
