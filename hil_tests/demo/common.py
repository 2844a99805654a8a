"""What the demos have in common: steps, typed commands, the bench and the collector."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.errors import CannotTry, FieldbeatError
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.views import Views
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ..endings import end_as_by_ctrl_c
from ..virtual.bench import Bench
from ..virtual.board import VirtualBoard

FOLDER = Path("build/demo")
FIELDBEAT = Path(sys.executable).parent / "fieldbeat"
END_S = 10  # for a program to end after Ctrl-C


class DemoError(Exception):
    """A step of the demo did not work."""


class TimeUp(KeyboardInterrupt):
    """$DEMO_FOR seconds have passed."""


class Demo:
    """The steps in their order, each said before it is done.

    A role's demo says what it aims at, how long that may take, and how it is played.
    """

    aim = ""
    enough_s = 0

    def __init__(self, console: Console) -> None:
        self.console = console
        self.environment = os.environ | {"FIELDBEAT_HOME": str(FOLDER), "COLUMNS": "100"}
        self.port = free_port()
        self.steps = 0
        self.is_there = False  # whether it has reached its aim
        self.collector: subprocess.Popen[bytes] | None = None

    def play(self) -> None:
        """Everything, until the aim is reached or, where there is more to see, for ever."""
        raise NotImplementedError

    def prepare(self) -> None:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)

    def write_config(self, name: str, example: Path, /, **changes: str) -> Path:
        """Writes a config for the demo's own collector, with changes of what an example says."""
        text = example.read_text()
        values = {key: f'"{value}"' for key, value in changes.items()} | {"port": str(self.port)}
        for key, value in values.items():
            text = re.sub(rf"^{key} = \S+", f"{key} = {value}", text, count=1, flags=re.M)
        config = FOLDER / f"{name}.toml"
        config.write_text(text)
        return config

    @contextmanager
    def bench(self) -> Iterator[Bench]:
        """A bench of now, whose units reach this machine."""
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        with Bench(seed=1, workdir=FOLDER / "bench", start=now) as bench:
            bench.network.bridge = True
            yield bench

    def step(self, text: str) -> None:
        self.steps += 1
        self.console.print(f"\n[bold cyan]{self.steps}. {text}[/]")

    def type(self, *words: str) -> None:
        self.console.print(f"$ {shlex.join(words)}", style="dim", markup=False, soft_wrap=True)

    def run(self, *arguments: str | Path, codes: tuple[int, ...] = (0,)) -> int:
        """Types one command, shows what it says, and returns its exit code, one of `codes`."""
        words = ["fieldbeat", *map(str, arguments)]
        self.type(*words)
        with self.console.status("working ..."):
            result = subprocess.run(
                [FIELDBEAT, *words[1:]], env=self.environment, capture_output=True, text=True
            )
        for line in (result.stdout + result.stderr).splitlines():
            self.console.print(Padding(Text(line), (0, 0, 0, 2)))
        if result.returncode not in codes:
            raise DemoError(f"{shlex.join(words)} ended with {result.returncode}")
        return result.returncode

    def wait(self, text: str, condition: Callable[[], object], timeout_s: float) -> None:
        """Shows that something is awaited, and how long it took."""
        start = time.monotonic()
        with self.console.status(f"{text} ..."):
            while not condition():
                self.check_collector()
                if time.monotonic() - start > timeout_s:
                    raise DemoError(f"{text}: nothing after {timeout_s:.0f} s")
                time.sleep(0.1)
        self.console.print(f"  {text}: [green]{time.monotonic() - start:.1f} s[/]")

    def check_collector(self) -> None:
        if self.collector and self.collector.poll() is not None:
            raise DemoError(f"the collector ended with {self.collector.returncode}")

    def build(self, config: Path, *options: str | Path) -> Path:
        self.step("Build the image: base firmware, app as byte code, configuration")
        image = config.with_suffix(".img")
        self.run("build", config, "--virtual", *options, "-o", image)
        return image

    def flash(self, image: Path, *boards: VirtualBoard) -> None:
        self.step("Flash it with esptool: wrong hardware is refused before the first erase")
        for board in boards:
            self.run("flash", "--port", board.port, image)
        self.step("It boots from what was flashed")
        for board in boards:
            self.wait("MicroPython and the firmware", partial(has_booted, board), 20)

    def say_where(self) -> None:
        self.console.print(
            f"\nEverything it made is in {FOLDER}; what to try next is in README.md."
        )


def clock(unix_s: float) -> str:
    """A time of day, UTC."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%H:%M")


def has_booted(board: VirtualBoard) -> bool:
    return b"fieldbeat> " in board.output


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def collector(demo: Demo) -> Iterator[Views]:
    """`fieldbeat collect` as a process of its own, and a view on what it stores."""
    command = [str(FIELDBEAT), "collect", "--bind", f"127.0.0.1:{demo.port}"]
    with open(FOLDER / "collect.log", "w") as log, ExitStack() as last_first:
        process = subprocess.Popen(command, env=demo.environment, stdout=log, stderr=log)
        last_first.callback(end, process)
        demo.collector = process
        store = last_first.enter_context(closing(Store(FOLDER / "store.sqlite")))
        registry = last_first.enter_context(closing(Registry(FOLDER / "registry.sqlite")))
        yield Views(store, registry)


@contextmanager
def collecting(bench: Bench, port: int) -> Iterator[tuple[Store, Views]]:
    """The collector in this process, on the files of `fieldbeat collect`."""
    with (
        closing(Store(FOLDER / "store.sqlite")) as store,
        closing(Registry(FOLDER / "registry.sqlite")) as registry,
    ):
        collector = Collector(store, registry)
        bench.attach_collector(collector, "127.0.0.1", port)
        yield store, Views(store, registry)
        collector.flush()


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program as Ctrl-C does, or at least ends it."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def seconds_to_play(given: str, enough_s: float) -> float:
    """Reads $DEMO_FOR; 0 is for ever."""
    try:
        seconds = float(given or 0)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 1e6:
        message = f"DEMO_FOR={given} is no number of seconds"
        raise CannotTry(message, f"say DEMO_FOR={enough_s:g} make demo, or leave it out")
    return seconds


def time_up(number: int, frame: object) -> None:
    raise TimeUp


def run(demo: Demo, seconds: float) -> int:
    """Plays the demo for a time and returns its exit code."""
    error = demo.console.print
    end_as_by_ctrl_c()
    signal.signal(signal.SIGALRM, time_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        demo.play()
    except KeyboardInterrupt as why:
        if demo.is_there:
            return 0
        if not isinstance(why, TimeUp):
            error(f"\nended before there were {demo.aim}")
            return 130
        error(f"[bold red]error:[/] {seconds:g} s were over in step {demo.steps}")
        error(f"next: give DEMO_FOR {demo.enough_s:g} s for {demo.aim}, or leave it out")
        return 1
    except (DemoError, FieldbeatError) as why:
        error(f"[bold red]error:[/] {why}; next: see {FOLDER}/collect.log")
        return 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return 0
