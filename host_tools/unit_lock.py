"""Opens a unit whose serial port is locked, by the code that the registry has for it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from . import check_records, unit_code
from .errors import CannotTry, FieldbeatError
from .language import tr

if TYPE_CHECKING:
    from .smp_link import SmpLink


@contextmanager
def opened(link: SmpLink, registry: Path | None, tell: Callable[[str], None]) -> Iterator[None]:
    """Have a unit open for a while: who was locked is locked again, however the work ends.

    Args:
        link, registry: as `open_unit` has them.
        tell: is told that the unit could not be locked again.

    Raises:
        CannotTry: it stays locked, and why.
    """
    was_locked = open_unit(link, registry)
    try:
        yield
    finally:
        if was_locked:
            _lock(link, tell)


def _lock(link: SmpLink, tell: Callable[[str], None]) -> None:
    try:
        _, failed = link.run(["lock"], attempts=3)
    except FieldbeatError:  # the work has told of the connection, or what it found counts
        failed = 1
    if failed:
        tell(tr("the unit is open still: type 'lock' in its console, or wait 15 minutes"))


def open_unit(link: SmpLink, registry: Path | None) -> bool:
    """Unlock a unit that is locked, until a quarter of an hour after its last line.

    Returns:
        Whether it was locked: then its `lock` belongs at the end of the work.

    Args:
        link: the unit, which answers.
        registry: file that has its code; None: the usual one, if it is there.

    Raises:
        CannotTry: it stays locked, and why.
    """
    if link.status().get("lock") != "locked":
        return False
    units = check_records.registry(registry)
    try:
        is_open, told = unit_code.unlock(link, link.read_setting("key/code"), units)
    finally:
        if units:
            units.close()
    if is_open:
        return True
    name = (link.read_setting("id/unit") or b"").decode("utf-8", "replace")
    if not told:
        message = tr("{unit} is locked, and its code is in no registry here").format(unit=name)
        step = tr("name the registry with --registry, or type 'unlock CODE' in its console first")
        raise CannotTry(message, step)
    message = tr("{unit} stays locked: {told}").format(unit=name, told=told)
    raise CannotTry(message, tr("see that this registry is the one that made its code"))
