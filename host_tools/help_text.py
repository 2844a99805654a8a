"""The help of verbs and the errors of their usage in the reader's language.

Both come from docstrings, options and `typer`, in English; they are translated where they are
written, paragraph by paragraph.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

import typer

from .language import ENGLISH, chosen, tr
from .wide_text import columns, padded, wrapped

_AS_IT_STANDS = "\b\n"  # so click marks a paragraph whose lines stay
_RANGE_OR_DEFAULT = re.compile(r"(?:^|  )\[((?:default: |required|x?[<>=\d.-]).*)\]$", re.DOTALL)
# What typer says of a usage, as it says it. The first that fits is taken.
USAGE_ERRORS = (
    "Invalid value for {place}: {problem}",
    "Missing argument {place}.",
    "Missing option {place}.",
    "Missing command.",
    "{problem} Did you mean {listed}?",
    "{problem} (Possible options: {listed})",
    "No such command {name}.",
    "No such option: {name}",
    "Got unexpected extra argument(s) ({listed})",
    "Option {name} requires an argument.",
    "Option {name} requires {count} arguments.",
    "Option {name} does not take a value.",
    "{value} is not a valid integer.",
    "{value} is not a valid integer range.",
    "{value} is not a valid float.",
    "{value} is not a valid float range.",
    "{value} is not in the range {range}.",
    "{value} is not one of {listed}.",
)
# What it writes for what is typed; names of arguments stay, their help is below.
PLACEHOLDERS = (
    *("[OPTIONS]", "COMMAND [ARGS]...", "<str>", "<path>", "<file>", "<int>", "<float>"),
    *("<int range>", "<float range>"),
)
OF_TYPER = (
    *("Usage: ", "Example:", "Options", "Arguments", "Commands", "Verbs", "{heading}:"),
    *("default: ", "required", "Show this message and exit."),
    "Install completion for the current shell.",
    "Show completion for the current shell, to copy it or customize the installation.",
)


def paragraphs(text: str) -> list[str]:
    """Return what a help text has to translate, each paragraph as one line."""
    whole = inspect.cleandoc(text).split("\n\n")
    return [" ".join(each.split()) for each in whole if not each.startswith(_AS_IT_STANDS)]


def use(command: Any) -> None:
    """Let a command, and those below it, tell their help in the reader's language."""
    if chosen() == ENGLISH:
        return
    command.context_class = _Context
    if command.help:  # what a shell shows beside a word that it completes
        command.short_help = tr(paragraphs(command.help)[0])
    for each in command.params:
        if getattr(each, "help", None):
            each.help = tr(" ".join(each.help.split()))
    for below in (getattr(command, "commands", None) or {}).values():
        if below is not None:
            use(below)


_HelpFormatter: Any = typer.Context.formatter_class


class _Formatter(_HelpFormatter):
    """Writes what it is given in another language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, _placed(args), tr("Usage: "))

    def write_heading(self, heading: str) -> None:
        self.write(" " * self.current_indent + tr("{heading}:").format(heading=tr(heading)) + "\n")

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        parts = []
        for part in text.split("\n\n"):
            if part.startswith(_AS_IT_STANDS):
                lines = part.removeprefix(_AS_IT_STANDS).splitlines()
                lines = [tr(line) for line in lines]
            else:
                said = tr(" ".join(part.split()))
                lines = wrapped(said, self.width - self.current_indent)
            parts.append("\n".join(indent + line for line in lines))
        self.write("\n\n".join(parts) + "\n")

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        rows = [(_placed(name), text) for name, text in rows]
        first = min(max(columns(name) for name, _ in rows), col_max) + col_spacing
        margin = " " * (first + self.current_indent)
        for name, text in rows:
            lines = wrapped(_spoken(text), max(self.width - first - 2, 10)) if text else [""]
            head = " " * self.current_indent + padded(name, first)
            if columns(name) > first - col_spacing:
                self.write(head.rstrip() + "\n")
                head = margin
            self.write((head + f"\n{margin}".join(lines)).rstrip() + "\n")


class _Context(typer.Context):
    formatter_class = _Formatter


def _placed(text: str) -> str:
    """Translate the placeholders in a usage, or behind the name of an option."""
    for each in PLACEHOLDERS:
        text = text.replace(each, tr(each))
    return text


def _spoken(text: str) -> str:
    """Translate the help of an option, behind which typer puts its default and its range."""
    text = " ".join(text.split(" "))
    found = _RANGE_OR_DEFAULT.search(text)
    said = tr(" ".join(text[: found.start() if found else None].split()))
    if not found:
        return said
    rest = re.sub(r"^default: ", lambda match: tr(match[0]), found[1])
    return f"{said} [{re.sub(r'required$', lambda match: tr(match[0]), rest)}]".strip()


def usage_error(text: str) -> str:
    """Return what typer says of a wrong usage in the reader's language."""
    if chosen() == ENGLISH:
        return text
    for template in USAGE_ERRORS:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(template))
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return tr(template).format(
                **{
                    name: usage_error(value) if name == "problem" else value
                    for name, value in found.groupdict().items()
                }
            )
    return text
