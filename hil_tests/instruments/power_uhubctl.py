"""Power by a USB hub that switches its ports, with the program uhubctl.

[board.gh-01.power]
kind = "uhubctl"
location = "1-1.4"     # uhubctl without arguments lists the hubs
port = 2
"""

from __future__ import annotations

import re

from ..benches.bench_file import Uhubctl
from ..benches.blocked import Blocked
from . import program
from .switch import RealSwitch

INSTALL = "apt install uhubctl"


class UhubctlPower(RealSwitch):
    """Implements `Power`."""

    table: Uhubctl

    def set(self, on: bool) -> None:
        self._uhubctl("-a", "on" if on else "off")
        if self.is_on() != on:  # many hubs take the command and do nothing
            reason = f"hub {self.table.location} did not switch port {self.table.port}"
            raise Blocked(reason, "use a hub of uhubctl's list of those that can")

    def is_on(self) -> bool:
        said = self._uhubctl()
        # "  Port 2: 0103 power enable connect [...]", "  Port 2: 0000 off"
        state = re.findall(rf"^\s*Port {self.table.port}: \S+ (\w+)", said, re.MULTILINE)
        if not state:
            reason = f"hub {self.table.location} has no port {self.table.port}"
            raise Blocked(reason, "uhubctl without arguments lists hubs and ports")
        return state[-1] == "power"

    def _uhubctl(self, *more: str) -> str:
        where = ("-l", self.table.location, "-p", str(self.table.port))
        return program.run("uhubctl", INSTALL, *where, *more)
