"""A technician at a desk with a virtual unit: `fieldbeat check` in virtual time.

Command, port and unit are real; the person is a function for each question.
"""

from __future__ import annotations

import json
import sys
import termios
from collections.abc import Callable
from functools import partial
from typing import TextIO

from fieldbeat.host_tools import sensor_check, smp_link
from fieldbeat.host_tools.cli import main

from .virtual_time_link import VirtualTimeLink

QUIET = {"air_temperature": 22.0, "air_humidity": 55.0, "illuminance": 8000.0, "co2": 600.0}
QUIET |= {"soil_moisture": 25.0, "soil_temperature": 18.0, "soil_ec": 400.0, "soil_ph": 6.5}


Act = Callable[[], object] | str | list[str]  # what a person does, or types, or types in turn


class Technician:
    """Reads the questions on the terminal, does something, and presses a key.

    Args:
        acts: by a word of the question.
        screen: returns all that was printed until now.
        echo: where the terminal shows what he typed.
    """

    def __init__(self, acts: dict[str, Act], screen: Callable[[], str], echo: TextIO) -> None:
        self._acts, self._screen, self._echo = acts, screen, echo

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        question = self._screen().rsplit("\n", 1)[-1]
        for word, act in self._acts.items():
            if word not in question:
                continue
            print(file=self._echo)
            typed = ""
            if isinstance(act, str):
                typed = act
            elif isinstance(act, list):
                typed = act.pop(0)
            else:
                act()
            return f"{typed}\n"
        print(file=self._echo)
        return ""  # nobody is there


class Desk:
    """A unit, a technician, and what the command said and came to."""

    def __init__(self, bench, board, monkeypatch, capsys) -> None:
        self.bench, self.board, self._capsys = bench, board, capsys
        self._monkeypatch = monkeypatch
        self.said = ""
        clock = sensor_check.Clock(lambda: bench.world.now_us / 1e6, bench.run_for)
        monkeypatch.setattr(sensor_check, "WALL", clock)
        link = partial(VirtualTimeLink, bench)
        monkeypatch.setattr(smp_link, "SmpLink", link)
        monkeypatch.setattr(termios, "tcflush", lambda *where: None)  # he never types ahead
        bench.run_for(5)

    def run(self, *arguments: object, **acts) -> int:
        self.said = self.errors = ""
        echo = sys.stderr if "--json" in arguments else sys.stdout
        self._monkeypatch.setattr(sys, "stdin", Technician(acts, self.more, echo))
        port = ("--port", self.board.port, "--registry", self.bench.registry.path, "--by", "Li")
        code = main(list(map(str, ("check", *arguments, *port))))
        self.more()
        return code

    def sensors(self, *parts: str, **acts) -> int:
        return self.run("sensors", *(f"--part={part}" for part in parts), **acts)

    def findings(self, *parts: str, **acts) -> dict[str, dict]:
        self.run("sensors", "--json", *(f"--part={part}" for part in parts), **acts)
        assert self.said, self.errors
        return {each["channel"]: each for each in json.loads(self.said)["findings"]}

    def hold(self, **values: float) -> Callable[[], None]:
        def act() -> None:
            for name, value in values.items():
                self.bench.scene.hold(name, value)

        return act

    def more(self) -> str:
        more = self._capsys.readouterr()
        self.said += more.out
        self.errors += more.err
        return self.said + self.errors
