"""From which signal on a spot is good enough for a unit; a TOML file may say otherwise.

A unit stays for years: leaves, rain and a fuller network take some dB of what is measured today.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field

from .errors import CannotTry
from .language import tr
from .validation import InvalidData, Strict, check

Dbm = Annotated[float, Field(ge=-157, le=-40)]
Db = Annotated[float, Field(ge=-30, le=40)]
Level = Annotated[int, Field(ge=0, le=2)]
Seconds = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Looks = Annotated[int, Field(ge=1)]


class Limits(Strict):
    """`go_...`: this and better is good. `least_...`: worse is no place for a unit.

    Hypotheses, after coupling losses of 144, 154 and 164 dB (3GPP TR 45.820) under a cell that
    sends 35 dBm a subcarrier: -109, -119 and -129 dBm. `level_...`: from there on the coverage
    level is taken to be 0, or 1, where a modem does not tell it.
    """

    go_rsrp_dbm: Dbm = -110
    least_rsrp_dbm: Dbm = -125
    go_snr_db: Db = 3
    least_snr_db: Db = -8
    go_ecl: Level = 0
    most_ecl: Level = 2
    go_attach_s: Seconds = 30
    most_attach_s: Seconds = 120
    registered: Share = 0.9  # of the looks, less is no place
    looks: Looks = 5  # fewer tell nothing
    level_0_dbm: Dbm = -109
    level_1_dbm: Dbm = -119


_PAIRS = (
    ("least_rsrp_dbm", "go_rsrp_dbm"),
    ("least_snr_db", "go_snr_db"),
    ("go_ecl", "most_ecl"),
    ("go_attach_s", "most_attach_s"),
    ("level_1_dbm", "level_0_dbm"),
)


def load(path: Path | None) -> Limits:
    """Return the limits, those of a TOML file in place of ours.

    Raises:
        CannotTry: it cannot be read, or says what is not allowed.
    """
    if path is None:
        return Limits()
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = tr("{path} cannot be read: {why}").format(path=path, why=error)
        raise CannotTry(message, tr("write lines as 'go_rsrp_dbm = -105.0'")) from None
    limits = check(Limits, data, str(path))
    swapped = [(low, high) for low, high in _PAIRS if getattr(limits, low) > getattr(limits, high)]
    if swapped:
        text = tr("{low} is above {high}")
        raise InvalidData(str(path), [text.format(low=low, high=high) for low, high in swapped])
    return limits
