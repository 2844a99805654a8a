"""Tracebacks of units: the names that were shortened for the slot, as the sources have them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from collections.abc import Mapping

from . import short_names
from .app_imports import module_of

_FRAME = re.compile(r'File "([\w.]+)"')
_WORD = re.compile(r"\b(_\w+|[A-Z]\d+)\b")


def explain(text: str, sources: Mapping[str, bytes]) -> str:
    """Return a traceback, or a file of them, with the names of the sources that the unit runs.

    Each frame names its module; the line with the error has the names of the innermost frame.
    """
    originals = {
        module_of(path): {new: old for old, new in names.items()}
        for path, names in short_names.new_names(sources).items()
    }
    lines = []
    names: dict[str, str] = {}
    for line in text.splitlines(keepends=True):
        frame = _FRAME.search(line)
        if frame:
            names = originals.get(frame[1], {})
        pieces = _WORD.split(line)
        lines.append("".join(names.get(piece, piece) for piece in pieces))
    return "".join(lines)
