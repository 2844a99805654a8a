"""What is missing where a library of an extra of ours is not installed, and how to get it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from .errors import CannotTry
from .language import tr

# module: (its name for people, the extra of pyproject.toml that brings it)
_EXTRAS = {
    "cv2": ("OpenCV", "pictures"),
    "numpy": ("NumPy", "pictures"),
    "matplotlib": ("matplotlib", "plots"),
    "textual": ("Textual", "ui"),
    "jinja2": ("Jinja2", "bench"),
    "mpremote": ("mpremote", "bench"),
    "requests": ("Requests", "bench"),
}


def missing(error: ImportError, what: str = "this") -> CannotTry | None:
    """Return what to tell of a module that was not found, or None if no extra brings it."""
    name = (error.name or "").partition(".")[0]
    if name not in _EXTRAS:
        return None
    library, extra = _EXTRAS[name]
    return CannotTry(
        tr("{what} needs {library}").format(what=what, library=library),
        tr("pip install 'fieldbeat[{extra}]'").format(extra=extra),
    )
