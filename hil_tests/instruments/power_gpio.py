"""Power by a relay on a GPIO of this machine, with the program gpioset of libgpiod.

[board.gh-01.power]
kind = "gpio"
chip = "gpiochip0"
line = 17
active = "low"         # many relay boards switch on at a low level

A line keeps its level only while a program holds it, so gpioset runs as long as the bench is open.
After that the relay's pull resistor decides: wire it so that it does what `after` says.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..benches.bench_file import Gpio
from ..benches.blocked import Blocked
from . import program
from .switch import RealSwitch

SETTLE_S = 0.2  # a gpioset that may not have the line ends at once
INSTALL = "apt install gpiod"


class GpioPower(RealSwitch):
    """Implements `Power`; knows what it set, since reading a line would make it an input."""

    table: Gpio

    def __init__(self, table: Gpio) -> None:
        super().__init__(table)
        self._holder: subprocess.Popen[bytes] | None = None
        self._on: bool | None = None

    def set(self, on: bool) -> None:
        command = [program.need("gpioset", INSTALL), *self._arguments(on)]
        self._let_go()
        self._holder = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while True:
            try:
                self._holder.wait(SETTLE_S)
            except subprocess.TimeoutExpired:
                if _sleeps(self._holder.pid):
                    self._on = on
                    return
            else:
                raise self._ended()

    def is_on(self) -> bool:
        """Whether it was switched on; False while nobody knows, so that whoever opens does."""
        if self._holder is not None and self._holder.poll() is not None:
            raise self._ended()
        return bool(self._on)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._let_go()

    def _arguments(self, on: bool) -> list[str]:
        table = self.table
        level = f"{table.line}={int(on == (table.active == 'high'))}"
        if " v1" in program.run("gpioset", INSTALL, "--version"):
            return ["--mode=signal", table.chip, level]
        return ["--chip", table.chip, level]

    def _ended(self) -> Blocked:
        holder, self._holder = self._holder, None
        self._on = None
        assert holder is not None and holder.stderr is not None
        said = holder.stderr.read().decode(errors="replace").strip().splitlines()
        holder.stderr.close()
        reason = f"gpioset does not hold line {self.table.line} of {self.table.chip}"
        step = "see gpioinfo for who has the line, and that you may use it (group gpio)"
        return Blocked(f"{reason} ({said[-1] if said else 'it ended'})", step)

    def _let_go(self) -> None:
        if self._holder is not None:
            holder, self._holder = self._holder, None
            holder.terminate()
            holder.wait()
            if holder.stderr:
                holder.stderr.close()


def _sleeps(pid: int) -> bool:
    """Whether a process waits, as gpioset does once it has set its line (proc(5), stat).

    On a busy machine it may not have come so far: ended now, it would never have set it.
    """
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("S")
