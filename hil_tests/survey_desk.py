"""A technician who carries an antenna around: `fieldbeat survey`, in virtual time.

Verb, port (a PTY) and keyboard are real; what is typed, and where the antenna is, is planned.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from fieldbeat.host_tools import survey_line
from fieldbeat.host_tools.cli import main

from .virtual.models.bc26 import BC26
from .virtual.models.bc95 import BC95
from .virtual.models.sim7020 import SIM7020
from .virtual.network import Network
from .virtual.pty_port import PtyPort
from .virtual.world import World

MODELS = {"bc26": BC26, "bc95": BC95, "sim7020": SIM7020}
START = "2026-06-01T08:00:00Z"
POWERED_S = 3  # before the technician begins


class SurveyDesk:
    """A modem of some part with a PTY as its serial port; `log` is the CSV file.

    Args:
        part: of MODELS.
        folder: for the files.
        monkeypatch, capsys: pytest's.
    """

    def __init__(self, part: str, folder: Path, monkeypatch, capsys) -> None:
        self.part, self._capsys, self._monkeypatch = part, capsys, monkeypatch
        self.log, self.plot = folder / "survey.csv", folder / "survey.png"
        self.world = World(seed=7, start=START)
        self.model = MODELS[part](self.world, Network(self.world))
        self.pty = PtyPort(self.world, self.model.receive, lambda: None)
        self.model.attach(self.pty.write)
        if self.model.PWRKEY:
            self.model.boot()
        self.move(-95)
        self._end_s = 0.0
        clock = survey_line.Clock(lambda: self.world.utc_s, self._pass)
        monkeypatch.setattr(survey_line, "WALL", clock)
        reader, self._keyboard = os.pipe()
        self._stdin = os.fdopen(reader)
        monkeypatch.setattr(sys, "stdin", self._stdin)
        self.world.run_for(POWERED_S)
        self.said = self.errors = ""

    def _pass(self, seconds: float) -> None:
        self.world.run_for(seconds)
        if self._end_s and self.world.now_us >= self._end_s * 1e6:
            raise KeyboardInterrupt

    def close(self) -> None:
        self.pty.close()
        self._stdin.close()
        os.close(self._keyboard)

    def move(self, dbm: float) -> None:
        """Carry the antenna to where the signal is this strong."""
        self.model.radio.move(dbm)

    def at(self, second: float, *acts: Callable[[], object] | str) -> None:
        """Do something, or type it, this many seconds from now."""
        for act in acts:
            do = self._type(act) if isinstance(act, str) else act
            self.world.call_after(round(second * 1e6), do)

    def _type(self, text: str) -> Callable[[], object]:
        return lambda: os.write(self._keyboard, f"{text}\n".encode())

    def interrupt(self, second: float) -> None:
        """Press Ctrl-C this many seconds from now."""
        self._end_s = self.world.now_us / 1e6 + second

    def run(self, *arguments: object, port: str = "") -> int:
        """Run `fieldbeat survey` at the modem's port."""
        at = ("--port", port or self.pty.path, "--modem", self.part, "--log", self.log)
        return self.verb(*at, *arguments)

    def verb(self, *arguments: object) -> int:
        """Run `fieldbeat survey`."""
        code = main(list(map(str, ("survey", *arguments))))
        more = self._capsys.readouterr()
        self.said, self.errors = more.out, more.err
        return code

    def told(self, *arguments: object) -> dict:
        """Return what it says as JSON."""
        self.run("--json", *arguments)
        assert self.said, self.errors
        return json.loads(self.said)
