"""A place of a labgrid lab: acquired while the bench is open, with one serial port.

    port = "labgrid:greenhouse-2"       # and $LG_COORDINATOR=host:port

Uses the program `labgrid-client`, not the package: labgrid brings a pyserial of its own, so it
is best installed apart (pipx install labgrid).
"""

from __future__ import annotations

import re

from ..benches.blocked import Blocked
from . import program

CLIENT = "labgrid-client"
INSTALL = "pipx install labgrid"
SCHEMES = {"rfc2217": "rfc2217", "raw": "socket"}


class LabgridPlace:
    """`acquire()` returns the URL of the place's serial port; `release()` gives the place back."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._acquired = False

    def acquire(self) -> str:
        self._client(
            "acquire", f"'{CLIENT} who' says who has it; see that $LG_COORDINATOR is right"
        )
        self._acquired = True
        return self._url(self._client("env", f"see '{CLIENT} -p {self.place} show'"))

    def release(self) -> None:
        if self._acquired:
            self._acquired = False
            self._client("release", f"release it by hand: {CLIENT} -p {self.place} release")

    def _client(self, verb: str, step: str) -> str:
        return program.run(CLIENT, INSTALL, "-p", self.place, verb, step=step)

    def _url(self, environment: str) -> str:
        """Finds the serial port in what labgrid makes for its own tests, a little YAML."""
        ports = re.findall(
            r"- (?:name: \S+\n\s+)?NetworkSerialPort:\n((?:\s+\w+: .*\n?)+)", environment
        )
        if len(ports) != 1:
            reason = f"the labgrid place {self.place} has {len(ports)} serial ports, not one"
            raise Blocked(reason, f"see '{CLIENT} -p {self.place} show' and narrow its matches")
        values = dict(re.findall(r"(\w+): (\S+)", ports[0]))
        scheme = SCHEMES.get(values.get("protocol", "rfc2217"), "rfc2217")
        return f"{scheme}://{values['host']}:{values['port']}"
