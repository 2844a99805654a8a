"""One AT command line as ITU-T V.250 writes it, taken apart for a modem model."""

from __future__ import annotations

from collections import namedtuple

READ, TEST, SET, EXECUTE = "read", "test", "set", "execute"


class AtError(Exception):
    """The final line that refuses a command: `+CME ERROR: <code>`, or `ERROR` without a code."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__("ERROR" if code is None else f"+CME ERROR: {code}")


class Call(namedtuple("Call", ("name", "kind", "arguments"))):
    """A command: `name` with its sign ("+CEREG", "E", "I"), kind, and arguments as text."""

    def number(self, index: int, low: int, high: int, default: int | None = None) -> int:
        """Return an argument as a number within limits; error 50 otherwise."""
        text = self.arguments[index] if index < len(self.arguments) else ""
        if not text and default is not None:
            return default
        if not is_number(text) or not low <= int(text) <= high:
            raise AtError(50)
        return int(text)

    def text(self, index: int) -> str:
        """Return an argument without its quotes; error 50 if it is missing."""
        if index >= len(self.arguments):
            raise AtError(50)
        return self.arguments[index].strip('"')


def parse(line: str) -> Call | None:
    """Return the call in a line without its carriage return, None if it is not a command."""
    line = line.strip()
    if line[:2].upper() != "AT":
        return None
    body = line[2:]
    if body.endswith("=?"):
        return Call(body[:-2].upper(), TEST, [])
    if body.endswith("?"):
        return Call(body[:-1].upper(), READ, [])
    name, equals, rest = body.partition("=")
    if equals:
        return Call(name.upper(), SET, split_arguments(rest))
    if body[:1].isalpha() and is_number(body[1:]):  # basic syntax: ATE0
        return Call(body[0].upper(), SET, [body[1:]])
    return Call(body.upper(), EXECUTE, [])


def is_number(text: str) -> bool:
    """Return whether it has decimal digits alone, and at least one."""
    return bool(text) and all("0" <= character <= "9" for character in text)


def split_arguments(text: str) -> list[str]:
    """Split at commas outside quotes."""
    arguments, quoted, start = [], False, 0
    for i, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            arguments.append(text[start:i])
            start = i + 1
    arguments.append(text[start:])
    return arguments
