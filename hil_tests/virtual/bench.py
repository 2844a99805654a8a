"""A whole bench: a world, a network, a recorded scene, boards, and a collector if one is given.

with Bench(seed=1) as bench:
    board = bench.add_board("greenhouse_esp32", image=Path("node.bin"))
    bench.run_for(3600)
    print(board.output.decode())
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from .board import VirtualBoard
from .errors import BenchError
from .models import build
from .models.faults import Faults
from .network import Network
from .scene import Scene
from .world import World

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 256 << 20
START = "2024-06-01T00:00:00Z"


class Collecting(Protocol):
    """What the bench needs of a collector."""

    def handle(self, datagram: bytes, source: str, now_s: float) -> list[bytes]:
        """Takes a datagram that came at `now_s` (Unix time); returns the answers."""


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory, so that nothing waits for a disk; $TMPDIR is obeyed."""
    in_memory = (
        "TMPDIR" not in os.environ
        and MEMORY.is_dir()
        and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES
    )
    return tempfile.TemporaryDirectory(prefix="fieldbeat-", dir=MEMORY if in_memory else None)


def local_mac(seed: int, name: str) -> bytes:
    """A locally administered MAC (first byte 02), the same for the same seed and name."""
    return b"\x02" + hashlib.sha256(f"{seed}/{name}".encode()).digest()[:5]


def board_manifest(name: str) -> dict[str, Any]:
    """The manifest of a board of this project."""
    file = resources.files("fieldbeat.boards").joinpath(f"{name}.json")
    if not file.is_file():
        raise BenchError(f"there is no board {name!r}: see `fieldbeat boards`")
    return json.loads(file.read_text(encoding="utf-8"))


class Bench:
    """Boards on one desk; without a `workdir` their flash is gone when the bench closes.

    `network_options` go to Network (delay_ms, loss, ...).
    """

    on_open: ClassVar[list[Callable[["Bench"], object]]] = []  # told of every bench that opens

    def __init__(
        self,
        seed: int = 1,
        workdir: Path | None = None,
        start: str = START,
        **network_options: Any,
    ) -> None:
        self._temporary = None if workdir else temporary_folder()
        self.workdir = Path(workdir or self._temporary.name)  # type: ignore[union-attr]
        self.world = World(seed, start)
        self.scene = Scene(self.world.start)
        self.network = Network(self.world, **network_options)
        self.boards: dict[str, VirtualBoard] = {}
        self.ways: dict[str, Callable[[bytes], None]] = {}  # back to whom a collector has heard
        self.faults = Faults(server_clock_off_s=0)
        for call in self.on_open:
            call(self)

    def add_board(
        self,
        manifest: str | dict[str, Any],
        name: str | None = None,
        mac: bytes | None = None,
        image: Path | bytes | None = None,
        power: bool = True,
        **options: Any,
    ) -> VirtualBoard:
        """Puts a board on the desk: a board's name or a manifest; `image` fills its flash.

        `options` go to VirtualBoard. With `power` it boots at once.
        """
        found = board_manifest(manifest) if isinstance(manifest, str) else manifest
        name = name or f"{found.get('fieldbeat', found)['id']}-{len(self.boards)}"
        if name in self.boards:
            raise BenchError(f"there is already a board {name!r} on this bench: give another name")
        fitted = build(self.world, found, self.scene, self.network)
        mac = mac or local_mac(self.world.seed, name)
        board = VirtualBoard(self.world, found, self.workdir / name, mac, fitted, **options)
        self.boards[name] = board
        if fitted.modem is not None:
            fitted.modem.supply_dips = board.brown_out
        if image is not None:
            board.flash.load(0, image if isinstance(image, bytes) else Path(image).read_bytes())
        if power:
            board.power_on()
        return board

    def attach_collector(self, collector: Collecting, host: str, port: int) -> None:
        """Lets `collector` answer at an address of the virtual network, in this process.

        Its clock is that of the world, wrong by the fault `server_clock_off_s`.
        """

        def handle(datagram: bytes, source: Any, reply: Callable[[bytes], None]) -> None:
            now_s = self.world.utc_s + self.faults.take("server_clock_off_s")
            self.ways[f"{source[0]}:{source[1]}"] = reply
            for answer in collector.handle(datagram, f"{source[0]}:{source[1]}", now_s):
                reply(answer)

        self.network.bind(host, port, handle)

    def run_for(self, seconds: float) -> None:
        """Lets `seconds` of virtual time pass."""
        self.world.run_for(seconds)

    def run_until(self, condition: Callable[[], object], timeout_s: float) -> bool:
        """Runs until `condition()` holds; False when `timeout_s` of virtual time passed."""
        return self.world.run_until(condition, timeout_s)

    def never(self, condition: Callable[[], object], for_s: float) -> None:
        """Proves an absence: `condition()` holds at no moment of `for_s` of virtual time.

        bench.never(lambda: len(bench.network.capture) > before, for_s=600)

        Raises:
            AssertionError: it held; says when.
        """
        begin_us = self.world.now_us
        if condition() or self.world.run_until(condition, for_s):
            after_s = (self.world.now_us - begin_us) / 1e6
            raise AssertionError(f"what must not happen in {for_s:g} s happened after {after_s} s")

    def start_real(self) -> None:
        """Lets the wall clock drive the bench, in a background thread."""
        self.world.start_real()

    def stop_real(self) -> None:
        """Stops the wall clock again."""
        self.world.stop_real()

    def close(self) -> None:
        """Ends every board and closes everything; no process stays behind."""
        self.world.tell(self, "close")
        with ExitStack() as last_first:  # all of it, also when one of them fails
            if self._temporary is not None:
                last_first.callback(self._temporary.cleanup)
            last_first.callback(self.world.close)
            last_first.callback(self.network.close)
            for board in self.boards.values():
                last_first.callback(board.close)
            last_first.callback(self.world.stop_real)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
