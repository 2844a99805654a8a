"""Where something is ordered: areas, groups and names as the parts that commands can name.

parts = choose(registry, areas=["riverside"])
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .alert_error import AlertError
from .language import tr
from .registered_unit import SPEAKER, Unit
from .registry import Registry

MAX_TARGETS = 16


@dataclass(frozen=True)
class Part:
    """What one command can name: `target` on the wire, and the units that this means."""

    target: Any
    units: tuple[Unit, ...]


Asked = Sequence[tuple[Part, Any]]  # where, and the arguments of the command there


def speakers(registry: Registry) -> list[Unit]:
    """Return the loudspeakers of a registry that are in use, by name."""
    return [unit for unit in registry.units() if unit.role == SPEAKER and unit.in_use]


def choose(
    registry: Registry,
    areas: Iterable[str] = (),
    groups: Iterable[int] = (),
    units: Iterable[str] = (),
    everyone: bool = False,
    known: Sequence[Unit] | None = None,
) -> list[Part]:
    """Return the loudspeakers of areas, groups and names, in as few parts as commands need.

    `known`: the units that may be meant, in place of all loudspeakers.

    Raises:
        AlertError: a name means no loudspeaker, or nothing was named.
    """
    who = tr("loudspeaker") if known is None else tr("Unit").lower()
    known = speakers(registry) if known is None else list(known)
    if everyone:
        if not known:
            raise AlertError(
                tr("{path} has no {who}s").format(path=registry.path, who=who),
                tr("provision one first"),
            )
        return [Part(True, tuple(known))]
    groups = sorted(set(groups))
    grouped = tuple(u for u in known if not set(groups).isdisjoint(u.group_numbers))
    for group in groups:
        if not any(group in unit.group_numbers for unit in known):
            numbers = sorted({number for unit in known for number in unit.group_numbers})
            raise _unknown(who, tr("group {group}").format(group=group), numbers)
    single: dict[str, Unit] = {}
    for name, found in _named(known, list(areas), list(units)):
        if not found:
            names = sorted({u.site for u in known} if name.startswith("area") else by_name(known))
            raise _unknown(who, name, names)
        single |= {unit.name: unit for unit in found if unit not in grouped}
    if not grouped and not single:
        step = tr("add --area, --group, --unit or --all")
        raise AlertError(tr("nobody said which {who}s are meant").format(who=who), step)
    return _parts(groups, grouped, list(single.values()))


def by_name(units: Iterable[Unit]) -> dict[str, Unit]:
    """Return units by name."""
    return {unit.name: unit for unit in units}


def _named(known: list[Unit], areas: list[str], units: list[str]) -> Iterable[tuple[str, Any]]:
    for area in areas:
        yield (
            tr("area '{area}'").format(area=area),
            [u for u in known if u.site.casefold() == area.casefold()],
        )
    for name in units:
        yield tr("unit '{name}'").format(name=name), [u for u in known if u.name == name]


def _unknown(who: str, what: str, known: Sequence[Any]) -> AlertError:
    names = ", ".join(str(each) for each in known[:12]) + ", ..." * (len(known) > 12)
    return AlertError(
        tr("no {who} is in or called {what}").format(who=who, what=what),
        tr("known: {value}").format(value=names or tr("none")),
    )


def _parts(groups: list[int], grouped: tuple[Unit, ...], single: list[Unit]) -> list[Part]:
    """Groups reach many in one command; single units are named, sixteen at a time."""
    parts: list[Part] = []
    for at in range(0, len(groups), MAX_TARGETS):
        some = groups[at : at + MAX_TARGETS]
        members = tuple(u for u in grouped if not set(some).isdisjoint(u.group_numbers))
        told = {u.name for part in parts for u in part.units}
        parts.append(Part(_target(some), tuple(u for u in members if u.name not in told)))
    return parts + parts_of(single)


def parts_of(units: Sequence[Unit]) -> list[Part]:
    """Return units by their names, in as few parts as commands need."""
    chunks = [units[at : at + MAX_TARGETS] for at in range(0, len(units), MAX_TARGETS)]
    return [Part(_target([unit.kid for unit in chunk]), tuple(chunk)) for chunk in chunks]


def _target(items: list[Any]) -> Any:
    return items[0] if len(items) == 1 else items
