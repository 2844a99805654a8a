"""The PlatformIO platform of the project. PlatformIO's own Python runs it, which has no fieldbeat.

So nothing here imports ours; the `fieldbeat` command does all work.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import shutil
from pathlib import Path

from platformio.exception import UserSideException
from platformio.platform.base import PlatformBase
from platformio.project.helpers import get_project_dir

_YES_NO = {"yes": True, "no": False}


class NoCommand(UserSideException):
    """The `fieldbeat` command is not there."""

    MESSAGE = (
        "error: there is no fieldbeat command, neither in {0} nor in PATH;"
        " next: run 'make .venv/.installed' in the project, or 'pip install fieldbeat'"
    )


class FieldbeatPlatform(PlatformBase):
    """Knows where the `fieldbeat` command is, and what an environment says of its unit."""

    def command(self, tool: str = "fieldbeat") -> str:
        """Return the path of `fieldbeat`, or of a tool that is installed beside it.

        The project's own .venv comes first, then PATH.

        Raises:
            NoCommand: it is not there.
        """
        project_bin = Path(get_project_dir()) / ".venv" / "bin"
        found = shutil.which("fieldbeat", path=str(project_bin)) or shutil.which("fieldbeat")
        if not found:
            raise NoCommand(str(project_bin))
        return str(Path(found).resolve().parent / tool)

    def option(self, environment: str, name: str, default: str = "") -> str:
        """Return `custom_NAME` of an environment.

        Raises:
            UserSideException: nothing says it.
        """
        value = self.config.get(f"env:{environment}", f"custom_{name}", default).strip()
        if not value:
            raise UserSideException(
                f"error: environment {environment} has no custom_{name};"
                f" next: write custom_{name} = ... into [env:{environment}] of platformio.ini"
            )
        return value

    def is_virtual(self, environment: str) -> bool:
        """Return whether the images of an environment are for virtual boards.

        Raises:
            UserSideException: it is said neither with yes nor with no.
        """
        said = self.option(environment, "virtual", "no").lower()
        if said not in _YES_NO:
            raise UserSideException(
                f"error: custom_virtual = {said} of environment {environment} is neither yes nor"
                " no; next: write yes for a virtual board, no for a real one"
            )
        return _YES_NO[said]
