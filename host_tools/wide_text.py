"""Text in a terminal's columns: a Chinese character takes two, and a line may end behind it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
import unicodedata

_BEFORE_NO_LINE = "，。；：、！？）》」』】”…"  # what must not begin a line
_PIECE = re.compile(r"\s+|[^\s\u2e80-\u9fff\uff00-\uffef]+|.")


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


def padded(text: str, width: int) -> str:
    """Return a text with the spaces that it needs to take `width` columns."""
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """Break a text into lines of at most `width` columns, all but the first one indented.

    A line ends at a space or at a wide character, never within a word or before a comma.
    """
    lines, line = [], ""
    for piece in pieces(text):
        if columns(line) + columns(piece.rstrip()) > width and line.strip():
            lines.append(line.rstrip())
            line = " " * indent + piece.lstrip()
        else:
            line += " " * len(piece) if piece.isspace() else piece
    return [*lines, line.rstrip()]


def pieces(text: str) -> list[str]:
    """Return what stays on one line: words, spaces, wide characters with their punctuation."""
    found: list[str] = []
    for piece in _PIECE.findall(text):
        if found and (piece[0] in _BEFORE_NO_LINE or found[-1] in ("（", "《", "「", "“")):
            found[-1] += piece
        else:
            found.append(piece)
    return found
