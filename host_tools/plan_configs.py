"""The configurations that the rows of a plan name, each read and checked once."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from . import boards, node_config, profiles, toml_words
from .calibration_table import Calibration
from .errors import CannotTry
from .language import tr
from .node_config import NodeConfig
from .validation import InvalidData, Strict, check, did_you_mean

if TYPE_CHECKING:
    from .unit_plan import Row, Source

Read = TypeVar("Read")


class Calibrations(Strict):
    """The file that a row's `calibration` names."""

    calibration: dict[str, Calibration]


class Configs:
    """The files that rows name, each read and checked once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._plain: dict[str, NodeConfig | None] = {}
        self._calibrated: dict[tuple[str, str], NodeConfig | None] = {}

    def of(self, line: int, row: Row, mistakes: list[tuple[int, str]]) -> NodeConfig | None:
        """Return the configuration of a row; what is wrong is added to `mistakes`."""
        found: list[str] = []
        config = self._config(row.config, found)
        if row.calibration:
            key = (row.config, row.calibration)
            if key not in self._calibrated:
                self._calibrated[key] = self._with(config, row.calibration, found)
            config = self._calibrated[key]
        mistakes += [(line, problem) for problem in found]
        mistakes += [(line, problem) for problem in _wrong_kind(row, config)]
        if config is None:
            return None
        named = config.renamed(row.unit or None, row.site)
        place = {"latitude": row.latitude, "longitude": row.longitude}
        moved = named.tables.node.model_copy(update=place)
        return replace(named, tables=named.tables.model_copy(update={"node": moved}))

    def _config(self, name: str, found: list[str]) -> NodeConfig | None:
        def parsed() -> NodeConfig:
            return node_config.parse(self._text(name), name)

        if name and name not in self._plain:
            self._plain[name] = _tried(parsed, "config", name, found)
        return self._plain.get(name)

    def _with(self, config: NodeConfig | None, name: str, found: list[str]) -> NodeConfig | None:
        """Return a configuration with the calibrations of another file."""

        def calibrations() -> Calibrations:
            return check(Calibrations, tomllib.loads(self._text(name)), name)

        given = _tried(calibrations, "calibration", name, found)
        if config is None or given is None:
            return None
        both = config.tables.calibration | given.calibration
        tables = config.tables.model_copy(update={"calibration": both})
        board, profile = config.board, config.profile
        return _tried(
            lambda: node_config.checked(tables, board, profile, name), "calibration", name, found
        )

    def _text(self, name: str) -> str:
        try:
            return self._source.file(name).decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidData(name, [tr("the file is not UTF-8 text")]) from None


def _tried(read: Callable[[], Read], column: str, name: str, found: list[str]) -> Read | None:
    """Return what is in a file that a row names, or None after what is wrong with it."""
    try:
        return read()
    except InvalidData as error:
        found += [f"{error.source}: {each}" for each in error.problems]
    except CannotTry as error:
        found.append(tr("column {column}: {error}").format(column=column, error=error))
    except toml_words.UNREADABLE as error:
        found.append(
            tr("{file}: this is no TOML: {error}").format(
                file=name, error=toml_words.reason(error)
            )
        )
    return None


def _wrong_kind(row: Row, config: NodeConfig | None) -> Iterator[str]:
    """Yield what a row says of board and profile that its file, if it can be read, does not."""
    node = config.tables.node if config else None
    there = {"board": node and node.board, "profile": node and node.profile}
    known = {"board": boards.names(), "profile": profiles.names()}
    for column, is_there in there.items():
        wanted = getattr(row, column)
        if wanted is None or wanted == is_there:
            continue
        if wanted not in known[column]:
            problem = tr("column {column} = '{wanted}': unknown, {hint}")
            hint = did_you_mean(wanted, known[column])
        elif is_there:
            problem = tr("column {column} = '{wanted}': {hint}")
            hint = tr("{file} is for {there}").format(file=row.config, there=is_there)
        else:
            continue
        yield problem.format(column=column, wanted=wanted, hint=hint)
