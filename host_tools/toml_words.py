"""What Python's reader of TOML says of a file, in the language of who wrote it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re

from .language import tr

# As tomllib says it; the first that fits is taken. One that is not here stays as it is.
TEMPLATES = (
    *("Invalid value", "Invalid statement", "Unclosed array", "Unclosed inline table"),
    *("Cannot overwrite a value", "Unterminated string", "Unescaped '\\' in a string"),
    *("Invalid initial character for a key part", "Invalid date or datetime"),
    "Expected '=' after a key in a key/value pair",
    "Expected newline or end of document after a statement",
    "Expected ']' at the end of a table declaration",
    "Expected ']]' at the end of an array declaration",
    *("Cannot declare {name} twice", "Duplicate inline table key {name}"),
    *("Illegal character {mark}", "Found invalid character {mark}", "Expected {mark}"),
)
# What reading raises: its own error, that of a number of 5,000 digits, that of 1,000 brackets.
UNREADABLE = (ValueError, RecursionError)
_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def reason(error: Exception) -> str:
    """Return why a text is no TOML, and where."""
    if isinstance(error, RecursionError):
        return tr("its arrays are nested too deeply")
    found = _PLACE.fullmatch(str(error))
    if not found:
        return str(error)
    what, line, column = found.groups()
    where = tr("end of document")
    if line:
        where = tr("line {line}, column {column}").format(line=line, column=column)
    return tr("{what} (at {where})").format(what=_what(what), where=where)


def _what(text: str) -> str:
    for template in TEMPLATES:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(template))
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return tr(template).format(**found.groupdict())
    return text
