"""`fieldbeat bench check`: says line by line what is wrong with a bench, and what to do about it.

The file comes first; then, without `--offline`, programs, ports, switches and the boards
themselves, which are asked who they are. A board that does not run our firmware is asked by its
boot loader, which resets it. Nothing is written to a board, and no power is switched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from fieldbeat.host_tools.errors import FieldbeatError
from fieldbeat.host_tools.output import print_json
from fieldbeat.host_tools.validation import InvalidData

from . import bench_file, opening
from .bench_file import BenchFile, BoardTable, Gpio, Manual, Switch, Uhubctl
from .blocked import Blocked
from .rig import Rig, RigBoard
from .stimulus_table import open_stimulus

FINE, WRONG, UNTRIED = "ok", "wrong", "not tried"
EXIT_CODES = {FINE: 0, WRONG: 1, UNTRIED: 0}


@dataclass(frozen=True)
class Finding:
    """One line: about what, whether it is as it should be, what was found, what to do."""

    subject: str
    verdict: str
    text: str
    next_step: str = ""

    def __str__(self) -> str:
        step = f"; next: {self.next_step}" if self.next_step else ""
        return f"{self.verdict:<9}  {self.subject}: {self.text}{step}"


def check(path: str, offline: bool, as_json: bool) -> int:
    """Prints what was found; returns the exit code: 0 fine, 1 something is wrong, 2 not tried."""
    findings = []
    for finding in examine(Path(path), offline):
        findings.append(finding)
        if not as_json:
            print(finding, flush=True)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    return max(EXIT_CODES[finding.verdict] for finding in findings)


def examine(path: Path, offline: bool = False) -> Iterator[Finding]:
    """Yields the findings of a bench.

    Raises:
        CannotTry: there is no such file.
    """
    try:
        file = bench_file.load(path)
    except InvalidData as error:
        for problem in error.problems:
            text, _, step = problem.partition("; ")
            yield Finding(str(path), WRONG, text, step or f"correct {path}")
        return
    count = len(file.boards)
    boards = f"{count} board{'s' if count > 1 else ''}"
    yield Finding(str(path), FINE, f"{boards}; features: {', '.join(sorted(file.features))}")
    missing = set()  # what cannot be looked at for want of its program
    for name, table in file.boards.items():
        if table.unit is not None:
            yield _try(f"{name} unit", partial(_unit, file, name))
        for finding in _programs(name, table, file.power(name)):
            missing |= {finding.subject} if finding.verdict == WRONG else set()
            yield finding
    if offline:
        yield Finding("boards", UNTRIED, "--offline: neither ports nor switches were touched")
        return
    for name, table in file.boards.items():
        if f"{name} power" not in missing:
            yield from _power(name, file.power(name))
        if f"{name} port" not in missing:
            yield from _board(name, file)
        if table.stimulus is not None:
            yield _try(f"{name} stimulus", partial(_stimulus, name, table, file.folder))


def _programs(name: str, table: BoardTable, power: Switch | None) -> Iterator[Finding]:
    from ..instruments import labgrid_place, power_gpio, power_uhubctl

    needed = []
    if isinstance(power, Uhubctl):
        needed.append((f"{name} power", "uhubctl", power_uhubctl.INSTALL))
    if isinstance(power, Gpio):
        needed.append((f"{name} power", "gpioset", power_gpio.INSTALL))
    if table.port.startswith(bench_file.LABGRID):
        needed.append((f"{name} port", labgrid_place.CLIENT, labgrid_place.INSTALL))
    for subject, command, install in needed:
        yield _try(subject, partial(_program, command, install))


def _program(name: str, install: str) -> str:
    from ..instruments import program

    return f"program {program.need(name, install)}"


def _power(name: str, power: Switch | None) -> Iterator[Finding]:
    """A switch is asked for its state; a relay at a GPIO cannot be, and people are not."""
    subject = f"{name} power"
    if power is None:
        yield Finding(subject, UNTRIED, "no [power]: tests that need it are skipped")
    elif isinstance(power, Manual | Gpio):
        yield Finding(subject, UNTRIED, f"kind {power.kind} shows no state before it is used")
    elif power.kind != bench_file.VIRTUAL:  # type: ignore[attr-defined]
        switch = opening.open_power(name, power)
        yield _try(subject, lambda: f"is {'on' if switch.is_on() else 'off'}")


def _board(name: str, file: BenchFile) -> Iterator[Finding]:
    """Opens one board alone, so that one that is absent does not hide the others."""
    alone = file.only(name)
    with tempfile.TemporaryDirectory(prefix="fieldbeat-check-") as workdir:
        try:
            rig = Rig.of(alone, Path(workdir))
        except Blocked as blocked:
            yield Finding(f"{name} port", WRONG, blocked.reason, blocked.next_step)
            return
        try:
            board = rig.boards[name]
            slow = "" if board.virtual else ", and is asked who is there: up to 20 s"
            yield Finding(f"{name} port", FINE, f"{file.boards[name].port} can be opened{slow}")
            yield _who(f"{name} board", board)
        finally:
            rig.close()


def _stimulus(name: str, table: BoardTable, folder: Path) -> str:
    assert table.stimulus is not None
    stimulus = open_stimulus(name, table.stimulus, table.manifest, folder)
    try:
        return f"{table.stimulus.id}, plays {', '.join(stimulus.parts())}"
    finally:
        stimulus.close()


def _unit(file: BenchFile, name: str) -> str:
    node = file.unit(name)
    assert node is not None
    return f"{node.tables.node.name}, which keeps this configuration"


def _who(subject: str, board: RigBoard) -> Finding:
    if board.virtual is not None:
        return Finding(subject, FINE, f"virtual, {board.virtual.mac.hex(':')}")
    try:
        found = board.check_identity()
    except FieldbeatError as error:
        return Finding(subject, WRONG, error.message, error.next_step)
    who = f"{board.manifest} {found.mac}"
    if found.build_id:
        return Finding(subject, FINE, f"{who}, runs build {found.build_id}")
    step = f"pytest hil_tests --bench {board.source} flashes it"
    return Finding(subject, FINE, f"{who}, no fieldbeat answers", step)


def _try(subject: str, work: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, FINE, work())
    except FieldbeatError as error:
        return Finding(subject, WRONG, error.message, error.next_step)
