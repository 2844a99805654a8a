"""The language in which people are spoken to: English as it stands in the code, or a catalogue.

`FIELDBEAT_LANG` chooses it, else the first of LC_ALL, LC_MESSAGES and LANG that is set. What a
machine reads (`--json`, keys, names of verbs and options) is never translated.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gettext import NullTranslations

DOMAIN = "fieldbeat"
FOLDER = Path(__file__).parent / "locale"
ENGLISH = "en"
_VARIABLES = ("FIELDBEAT_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
_settled: list[str] = []


def settle(language: str | None) -> None:
    """Speak this language from now on; None: the one that the environment asks for."""
    _settled[:] = [] if language is None else [language]


@contextmanager
def spoken(language: str) -> Iterator[None]:
    """Speak another language within."""
    before = list(_settled)
    settle(language)
    try:
        yield
    finally:
        _settled[:] = before


def chosen() -> str:
    """Return the language's code, of two letters; 'en' where none is asked for."""
    if _settled:
        return _settled[0]
    asked = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), "")
    code = asked[:2].lower()
    return code if _is_known(code) else ENGLISH


@cache
def _is_known(code: str) -> bool:
    return code.isalpha() and (FOLDER / code).is_dir()


def tr(text: str) -> str:
    """Return a text in the language of who reads it; the text itself if it has no translation.

    What changes is put in afterwards: `tr("{unit} is silent").format(unit=unit)`.
    """
    language = chosen()
    # gettext has the catalogue's own head under the empty text
    return text if language == ENGLISH or not text else _catalogue(language).gettext(text)


def os_reason(error: OSError) -> str:
    """Return what the system says of a failure: 'No such file or directory'."""
    return tr(error.strerror or str(error))


@cache
def _catalogue(language: str) -> NullTranslations:
    from gettext import translation  # costs time at start, which English does not need

    return translation(DOMAIN, FOLDER, [language], fallback=True)
