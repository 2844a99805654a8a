"""A bench file opened: each board with its instruments, whether it is virtual or real.

    with Rig.open(Path("benches/desk.toml"), workdir) as rig:
        board = rig.boards["gh-01"]
        board.flasher.flash(image)
        board.check_identity()
        rig.run_for(60)

On a bench of virtual boards alone time is virtual and `rig.site` is their world, network and
collector. With a real board among them the wall clock drives the virtual ones as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from fieldbeat.host_tools import boards, nvs_reader, partition_table
from fieldbeat.host_tools.errors import FieldbeatError

from ..instruments.console import Console
from ..instruments.flasher import Flasher
from ..instruments.lines import Lines
from ..instruments.power import Power
from ..instruments.stimulus import Stimulus
from ..virtual.board import VirtualBoard
from ..virtual.errors import BenchError
from ..virtual.site import Site
from . import bench_file, identity, opening
from .bench_file import BenchFile, BoardTable
from .blocked import Blocked
from .identity import Identity

LOOK_S = 0.05  # how often a real board is looked at while time passes
KEPT_BYTES, KEPT_LINES = 64 * 1024, 400  # of a console, for the report


@dataclass
class RigBoard:
    """One board of a bench; `lines`, `stimulus` are None where the file says there are none."""

    name: str
    table: BoardTable
    source: str  # the bench file
    port: str  # what console and flasher use
    power: Power
    console: Console
    flasher: Flasher
    lines: Lines | None
    stimulus: Stimulus | None = None
    virtual: VirtualBoard | None = None
    _said: bytearray = field(default_factory=bytearray, repr=False)

    def __post_init__(self) -> None:
        self.console.on_output(self._hear)

    def _hear(self, data: bytes) -> None:
        self._said += data
        del self._said[:-KEPT_BYTES]

    def last_lines(self) -> list[str]:
        """What the board said last."""
        lines = bytes(self._said).decode("utf-8", "replace").splitlines()
        return [line for line in lines if line.strip()][-KEPT_LINES:]

    @property
    def manifest(self) -> str:
        return self.table.manifest

    def identify(self) -> Identity:
        """Asks the program by SMP, or else the chip by esptool, which resets it."""
        try:
            return identity.ask(self.console)
        except identity.Silent:
            return Identity(self.flasher.identify().mac, None)

    def check_identity(self) -> Identity:
        """Compares with the bench file, and with what was flashed.

        Raises:
            Blocked: this is another board, or it runs another build.
        """
        opening.check_usb_serial(self.name, self.table, self.port)
        found = self.identify()
        self._check_mac(found.mac)
        wanted = self.flasher.build_id
        if wanted and found.build_id != wanted:
            runs = found.build_id or "something that does not say its build"
            reason = f"{self.name} runs {runs}, but {wanted} was flashed"
            raise Blocked(reason, "flash it again, and see its console for why it did not boot")
        return found

    def check_flashable(self, unit: str) -> None:
        """Asks the chip, before anything is written, whether the bench may flash it.

        `unit` is the name that the bench file's `unit` gives it, or empty: then what somebody has
        provisioned is left alone, since its configuration would be lost with its file system.

        Raises:
            Blocked: this is another board, or another unit.
        """
        opening.check_usb_serial(self.name, self.table, self.port)
        self._check_mac(self.flasher.identify().mac)
        nvs = partition_table.find(boards.load(self.manifest).partition_table(), "nvs")
        found = provisioned_as(self.flasher.read(nvs.offset, nvs.size))
        if found == unit or self.table.may_overwrite:
            return
        where = f"[board.{self.name}] of {self.source}"
        if not found:
            reason = f"{self.name} is not provisioned, but {self.source} says that it is {unit}"
            raise Blocked(reason, f"provision it first, or take unit out of {where}")
        reason = f"{self.name} is provisioned as {found}, and the tests would overwrite its flash"
        step = (
            f"to test {found} with its own configuration, write unit = FILE in {where}, FILE "
            "being the TOML that it was provisioned with; to lose it, may_overwrite = true"
        )
        raise Blocked(reason, step)

    def _check_mac(self, mac: str) -> None:
        if self.table.mac not in (None, mac):
            reason = f"the board at {self.port} is {mac}, not {self.table.mac}"
            step = f'plug in {self.name}, or write id = "mac:{mac}" in {self.source}'
            raise Blocked(f"{self.name}: {reason}", step)

    def check_there(self) -> None:
        """Raises Blocked when a port has been lost: its own, or that of its stimulus."""
        for instrument in (self.console, self.stimulus):
            line = getattr(instrument, "line", None)
            if line is not None:
                line.check()


class Rig:
    """An open bench; `Rig.open` makes one."""

    def __init__(self, file: BenchFile, site: Site | None) -> None:
        self.file = file
        self.site = site
        self.boards: dict[str, RigBoard] = {}
        self._closing: list[Callable[[], object]] = []

    @classmethod
    def open(cls, path: Path | str | None, workdir: Path, seed: int = 1) -> Rig:
        """Opens a bench file, one of ours by its name, or (None) one virtual board.

        Raises:
            Blocked: the file has mistakes, or a board is not there.
        """
        with _blocking():
            file = bench_file.load(None if path is None else Path(path))
        return cls.of(file, workdir, seed)

    @classmethod
    def of(cls, file: BenchFile, workdir: Path, seed: int = 1) -> Rig:
        """Opens a bench that was checked already."""
        some_virtual = any(table.is_virtual for table in file.boards.values())
        rig = cls(file, Site(seed, workdir) if some_virtual else None)
        try:
            with _blocking():
                for name in file.boards:
                    rig._add(name)
                if rig.site and not file.is_virtual:
                    rig.site.network.bridge = True
                    rig.site.start_real()
        except BaseException:
            rig.close()
            raise
        return rig

    def _add(self, name: str) -> None:
        instruments = opening.open_board(name, self.file, self.site, self._closing)
        self.boards[name] = RigBoard(**instruments, source=self.file.source)

    @property
    def features(self) -> frozenset[str]:
        return self.file.features

    def run_for(self, seconds: float) -> None:
        """Lets time pass: virtual on a virtual bench, else by waiting.

        Raises:
            Blocked: a port was lost meanwhile.
        """
        self.run_until(lambda: False, seconds)

    def run_until(self, condition: Callable[[], Any], timeout_s: float) -> bool:
        """Runs until `condition()` holds; False when `timeout_s` passed."""
        if self.site and self.file.is_virtual and not self.site.world.is_real:
            return self.site.run_until(condition, timeout_s)
        end_s = time.monotonic() + timeout_s
        while True:
            for board in self.boards.values():
                board.check_there()
            if condition():
                return True
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return False
            time.sleep(min(LOOK_S, left_s))

    def close(self) -> None:
        """Leaves power as the file asks, closes every port and ends virtual boards."""
        failures = []
        while self._closing:
            try:
                self._closing.pop()()
            except (FieldbeatError, BenchError, OSError) as error:
                failures.append(error)
        if self.site is not None:
            site, self.site = self.site, None
            site.close()
        if failures:
            raise failures[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def provisioned_as(nvs: bytes) -> str:
    """The name in an NVS partition that holds a key; empty: not provisioned.

    `key` is what provisioning writes, `master` is in a secrets image (firmware/secrets.py).
    """
    values = nvs_reader.read(nvs)
    if not {"key", "master"}.intersection(values):
        return ""
    unit = values.get("unit", b"")
    assert isinstance(unit, bytes)
    return unit.decode("utf-8", "replace") or "a unit without a name"


@contextmanager
def _blocking() -> Iterator[None]:
    """A bench that cannot be opened blocks; it is nobody's failed test."""
    try:
        yield
    except Blocked:
        raise
    except FieldbeatError as error:
        raise Blocked(error.message, error.next_step) from error
    except BenchError as error:
        raise Blocked(str(error), "fieldbeat bench check says what is wrong") from error
