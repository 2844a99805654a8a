"""Register maps: JSON files of `drivers/maps`, or a person's own, checked, applied to values."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import math
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import Field

from . import scaled
from .errors import CannotTry
from .language import tr
from .validation import Strict, check, did_you_mean

# What a unit can be anywhere on earth.
POSSIBLE = {"%": (0, 100), "%RH": (0, 100), "pH": (0, 14), "Cel": (-90, 150), "deg": (0, 360)}
NAME = r"^[a-z][a-z0-9_]{0,31}$"


class Register(Strict):
    """One value: `scale` is counts per unit; two words have the high one first, unless told."""

    name: str = Field(pattern=NAME, description="lower-case letters, digits and '_'")
    unit: str
    scale: int = Field(ge=1, le=1_000_000)
    register_: int = Field(alias="register", ge=0, le=0xFFFF)
    signed: bool = False
    words: int = Field(default=1, ge=1, le=2)
    low_first: bool = False

    @property
    def numbers(self) -> range:
        """The registers that it takes."""
        return range(self.register_, self.register_ + self.words)

    def counts(self, values: dict[int, int]) -> int:
        """Return its counts out of registers by their numbers."""
        words = [values[number] for number in self.numbers]
        if self.low_first:
            words.reverse()
        count = 0
        for word in words:
            count = count << 16 | word
        top = 1 << 16 * self.words
        return count - top if self.signed and count >= top // 2 else count

    def is_possible(self, values: dict[int, int]) -> bool:
        """Whether its value can be at all; else it is another register, or another map."""
        low, high = POSSIBLE.get(self.unit, (-math.inf, math.inf))
        return low <= self.counts(values) / self.scale <= high

    def told(self, values: dict[int, int]) -> str:
        """Return its value in units, as text."""
        return scaled.text(self.counts(values), self.scale)


class RegisterMap(Strict):
    """A whole map; `level` is what river stations make of it."""

    part: str
    source: str
    function: int = Field(ge=3, le=4, description="3 or 4")
    registers: list[Register] = Field(min_length=1, description="a list of registers")
    level: dict[str, Any] | None = None


def names() -> list[str]:
    """Return the names of the register maps of this project."""
    folder = resources.files("fieldbeat.drivers.maps")
    files = (entry for entry in folder.iterdir() if entry.name.endswith(".json"))
    return sorted(entry.name[:-5] for entry in files if '"registers"' in entry.read_text("utf-8"))


def load(name: str) -> RegisterMap:
    """Return a map by its name in `drivers/maps`, or the path of a file.

    Raises:
        CannotTry: there is no such map, or it is no JSON.
        InvalidData: it has mistakes.
    """
    path = Path(name)
    if path.suffix == ".json" or path.is_file():
        if not path.is_file():
            raise CannotTry(
                tr("there is no file {name}").format(name=name),
                tr("name a map, or the path of one"),
            )
        text, source = path.read_bytes(), name
    elif name in names():
        file = resources.files("fieldbeat.drivers.maps").joinpath(f"{name}.json")
        text, source = file.read_bytes(), f"drivers/maps/{name}.json"
    else:
        message = tr("there is no map '{name}', {did_you_mean}").format(
            name=name, did_you_mean=did_you_mean(name, names())
        )
        raise CannotTry(message, tr("name one of drivers/maps, or the path of a file"))
    try:
        data = json.loads(text)
    except ValueError as error:
        raise CannotTry(
            tr("{source} is no JSON: {error}").format(source=source, error=error),
            tr("correct the file"),
        ) from None
    return check(RegisterMap, data, source)


def to_text(data: dict[str, Any]) -> str:
    """Return a map as the files of `drivers/maps` are written: a register a line."""
    head = [f"  {json.dumps(key)}: {json.dumps(data[key])}," for key in data if key != "registers"]
    rows = ",\n".join(f"    {json.dumps(entry)}" for entry in data["registers"])
    return "\n".join(["{", *head, '  "registers": [', rows, "  ]", "}", ""])
