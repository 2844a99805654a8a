"""make demo: one greenhouse station from a bare board to live values, with the installed tools.

The bench runs in this process by the wall clock; everything else is the command line that a
technician types, against the board's serial port. Ctrl-C or $DEMO_FOR seconds end it;
$DEMO_SVG=FILE keeps a picture of it. Exit code 0: the live values were reached.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from fieldbeat.host_tools import tables
from fieldbeat.host_tools.errors import CannotTry, FieldbeatError
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.views import Views
from rich.console import Console, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from .endings import end_as_by_ctrl_c
from .virtual.bench import Bench
from .virtual.board import VirtualBoard

FOLDER = Path("build/demo")
CONFIG = Path("docs/examples/demo.toml")
UNIT = "greenhouse-07"
FIELDBEAT = Path(sys.executable).parent / "fieldbeat"
FIRST_REPORT_S = (
    150  # power-on of the modem, search, attach, first wake; a hurried station needs 40
)
END_S = 10  # for a program to end after Ctrl-C


class DemoError(Exception):
    """A step of the demo did not work."""


class TimeUp(KeyboardInterrupt):
    """$DEMO_FOR seconds have passed."""


class Demo:
    """The steps in their order, each said before it is done."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.config = FOLDER / "station.toml"
        self.image = FOLDER / "station.img"
        self.environment = os.environ | {"FIELDBEAT_HOME": str(FOLDER), "COLUMNS": "100"}
        self.port = free_port()
        self.steps = 0
        self.is_live = False  # whether the live values were reached
        self.collector: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        text = CONFIG.read_text()
        self.config.write_text(text.replace("port = 5690", f"port = {self.port}"))

    def step(self, text: str) -> None:
        self.steps += 1
        self.console.print(f"\n[bold cyan]{self.steps}. {text}[/]")

    def run(self, *arguments: str | Path) -> None:
        """Types one command and shows what it says."""
        words = ["fieldbeat", *map(str, arguments)]
        self.console.print(f"$ {' '.join(words)}", style="dim", markup=False, soft_wrap=True)
        with self.console.status("working ..."):
            result = subprocess.run(
                [FIELDBEAT, *words[1:]], env=self.environment, capture_output=True, text=True
            )
        for line in (result.stdout + result.stderr).splitlines():
            self.console.print(Padding(Text(line), (0, 0, 0, 2)))
        if result.returncode:
            raise DemoError(f"{' '.join(words)} ended with {result.returncode}")

    def wait(self, text: str, condition: Callable[[], object], timeout_s: float) -> None:
        """Shows that something is awaited, and how long it took."""
        start = time.monotonic()
        with self.console.status(f"{text} ..."):
            while not condition():
                if self.collector and self.collector.poll() is not None:
                    raise DemoError(f"the collector ended with {self.collector.returncode}")
                if time.monotonic() - start > timeout_s:
                    raise DemoError(f"{text}: nothing after {timeout_s:.0f} s")
                time.sleep(0.1)
        self.console.print(f"  {text}: [green]{time.monotonic() - start:.1f} s[/]")

    def make_unit(self, board: VirtualBoard) -> None:
        self.step("Build the image: base firmware, app as byte code, configuration")
        self.run("build", self.config, "--virtual", "-o", self.image)
        self.step("Flash it with esptool: wrong hardware is refused before the first erase")
        self.run("flash", "--port", board.port, self.image)
        self.step("It boots from what was flashed")
        self.wait("MicroPython and the firmware", lambda: b"fieldbeat> " in board.output, 20)
        self.step("Provision it over the serial port: identity, key, configuration")
        self.run("provision", "--port", board.port, self.config)

    def first_report(self, board: VirtualBoard, bench: Bench, views: Views) -> None:
        self.step("NB-IoT: power key, SIM, search, attach, first authenticated frame")
        modem = board.fitted.modem
        self.wait("the BC26 is registered", lambda: modem.radio.registered, FIRST_REPORT_S)
        self.wait("first frame", lambda: bench.network.counts["up_sent"], FIRST_REPORT_S)
        self.wait(
            "first acknowledgement", lambda: bench.network.counts["down_sent"], FIRST_REPORT_S
        )
        self.wait("first report with the time set", lambda: dated(views), FIRST_REPORT_S)

    def live(self, views: Views) -> None:
        self.step("Live values, as `fieldbeat show --follow` shows them (Ctrl-C ends the demo)")

        def screen() -> RenderableType:
            now_s = time.time()
            return tables.screen([views.unit(UNIT, now_s)], views.refusals(), now_s, True)

        self.is_live = True
        table = Live(screen(), console=self.console, auto_refresh=False, transient=True)
        with suppress(KeyboardInterrupt), table:
            while True:
                table.update(screen(), refresh=True)
                time.sleep(0.5)
        self.console.print(screen())


def dated(views: Views) -> bool:
    """Whether values have come that were measured after the unit had learnt the time."""
    with suppress(FieldbeatError):
        return any(reading.clock_set for reading in views.unit(UNIT, time.time()).readings)
    return False


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


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program as Ctrl-C does, or at least ends it."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def play(demo: Demo) -> None:
    console = demo.console
    demo.prepare()
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    with Bench(seed=1, workdir=FOLDER / "bench", start=now) as bench, collector(demo) as views:
        bench.network.bridge = True
        board = bench.add_board("greenhouse_esp32", "desk")
        bench.start_real()
        console.print(f"[bold]fieldbeat demo[/]: a virtual ESP32 with a BC26 at {board.port}")
        demo.make_unit(board)
        demo.first_report(board, bench, views)
        demo.live(views)
    console.print(f"\nEverything it made is in {FOLDER}; what to try next is in README.md.")


def seconds_to_play(given: str) -> float:
    """Reads $DEMO_FOR; 0 is for ever."""
    try:
        seconds = float(given or 0)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 1e6:
        message = f"DEMO_FOR={given} is no number of seconds"
        raise CannotTry(message, "say DEMO_FOR=90 make demo, or leave it out")
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
        play(demo)
    except KeyboardInterrupt as why:
        if demo.is_live:
            return 0
        if not isinstance(why, TimeUp):
            error("\nended before there were live values")
            return 130
        error(f"[bold red]error:[/] {seconds:g} s were over in step {demo.steps}")
        error("next: give DEMO_FOR 90 s for the live values, or leave it out")
        return 1
    except (DemoError, FieldbeatError) as why:
        error(f"[bold red]error:[/] {why}; next: see {FOLDER}/collect.log")
        return 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return 0


def main() -> int:
    picture = os.environ.get("DEMO_SVG")
    console = Console(record=bool(picture), width=110 if picture else None, highlight=False)
    try:
        seconds = seconds_to_play(os.environ.get("DEMO_FOR", ""))
    except CannotTry as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    code = run(Demo(console), seconds)
    if picture and not code:
        console.save_svg(picture, title="make demo")
    return code


if __name__ == "__main__":
    sys.exit(main())
