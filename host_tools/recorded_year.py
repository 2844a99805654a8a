"""Where the recorded year is, which the virtual bench replays and rules are tried with."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

from .errors import CannotTry
from .language import tr

IN_PROJECT = Path("hil_tests", "data", "greenhouse.csv")
_MAKER = "python -m fieldbeat.hil_tests.data.make_greenhouse"


def path(package: Path = Path(__file__).resolve().parent.parent) -> Path:
    """Return the file; a wheel does not have it, the project's folder does.

    Raises:
        CannotTry: it is in neither.
    """
    for folder in (package, Path.cwd()):
        if (found := folder / IN_PROJECT).exists():
            return found
    step = tr("begin in the project's folder, which has it; else '{maker}' fetches it (29 MB)")
    missing = tr("the recorded year {path} is not there").format(path=package / IN_PROJECT)
    raise CannotTry(missing, step.format(maker=_MAKER))
