"""Virtual boards on the desk: serial ports that every tool can open."""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def bench() -> None:
    """Virtual boards on the desk: each is a serial port that every tool can open.

    \b
    Example:
        fieldbeat bench up greenhouse_esp32
    """


@app.command()
def up(
    boards: list[str] = typer.Argument(metavar="BOARD...", help="Boards, by name; repeat freely."),
    image: Path | None = typer.Option(None, help="Flash image for all of them."),
    directory: Path | None = typer.Option(
        None, "--dir", help="Keep each board's flash there; otherwise it is lost at the end."
    ),
    seed: int = typer.Option(1, help="Seed of MACs, noise, delays and losses."),
    seconds: float | None = typer.Option(None, "--for", help="End after this many seconds."),
    as_json: bool = typer.Option(False, "--json", help="Write JSON for a machine to read."),
) -> int:
    """Start virtual boards in real time and print the serial port of each; Ctrl-C ends them.

    \b
    Example:
        fieldbeat bench up greenhouse_esp32
        fieldbeat bench up greenhouse_esp32 greenhouse_esp32 --image node.bin --for 60
        fieldbeat bench up greenhouse_esp32 --dir build/desk --json
    """
    import json
    import signal

    from .virtual.bench import Bench

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _errors(), Bench(seed, directory) as bench:
        bench.network.bridge = True
        contents = None if image is None else image.read_bytes()
        for board_name in boards:
            bench.add_board(board_name, image=contents)
        rows = [
            {"board": name, "port": board.port, "mac": board.mac.hex(":")}
            for name, board in bench.boards.items()
        ]
        if as_json:
            print(json.dumps(rows, indent=2), flush=True)
        else:
            for row in rows:
                print(f"{row['board']:<24} {row['port']:<14} {row['mac']}", flush=True)
            print("Ctrl-C ends the bench.", flush=True)
        try:
            bench.world.run_real(seconds)
        except KeyboardInterrupt:
            pass
    return 0


def _errors():
    """Turns what the bench foresees into the one line of the `fieldbeat` command."""
    from contextlib import contextmanager

    from fieldbeat.host_tools.errors import CannotTry

    from .virtual.errors import BenchError

    @contextmanager
    def translate():
        try:
            yield
        except (BenchError, OSError) as error:
            raise CannotTry(str(error), "fieldbeat bench up --help") from error

    return translate()
