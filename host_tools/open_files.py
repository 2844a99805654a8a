"""Store and registry as verbs open them, and close them however their work ends."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import CannotTry
from .language import tr
from .paths import registry_file, store_file

if TYPE_CHECKING:
    from .registry import Registry
    from .store import Store


@contextmanager
def store(path: Path | None) -> Iterator[Store]:
    """Open a store that must be there.

    Raises:
        NothingCollected: it is not.
    """
    from .store import Store

    with closing(Store(path, create=False)) as opened:
        yield opened


@contextmanager
def store_if_there(path: Path | None) -> Iterator[Store | None]:
    """Open a store that need not be there."""
    if not store_file(path).exists():
        yield None
        return
    with store(path) as opened:
        yield opened


@contextmanager
def registry(path: Path | None) -> Iterator[Registry]:
    """Open a registry that must be there.

    Raises:
        CannotTry: it is not.
    """
    from .registry import Registry

    with closing(Registry(must_be_registry(path), create=False)) as opened:
        yield opened


@contextmanager
def registry_if_there(path: Path | None) -> Iterator[Registry | None]:
    """Open a registry that need not be there."""
    if not registry_file(path).exists():
        yield None
        return
    with registry(path) as opened:
        yield opened


def must_be_registry(path: Path | None) -> Path:
    """Return where a registry is.

    Raises:
        CannotTry: there is none.
    """
    file = registry_file(path)
    if not file.exists():
        message = tr("there is no registry {path}").format(path=file)
        raise CannotTry(message, tr("name it: --registry FILE; 'fieldbeat provision' makes one"))
    return file
