"""The bench: virtual boards on the desk, and whether a bench of real ones is as it should be."""

from __future__ import annotations

from pathlib import Path

import typer
from fieldbeat.host_tools.output import RegistryOption, complete_board

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def bench() -> None:
    """Virtual boards that every tool can open, and benches of real ones.

    \b
    Example:
        fieldbeat bench up greenhouse_esp32
        fieldbeat bench check my-desk.toml
    """


@app.command()
def up(
    boards: list[str] = typer.Argument(
        metavar="BOARD...",
        help="Boards, by name; repeat freely.",
        autocompletion=complete_board,
    ),
    image: Path | None = typer.Option(None, help="Flash image for all of them."),
    directory: Path | None = typer.Option(
        None, "--dir", help="Keep each board's flash there; otherwise it is lost at the end."
    ),
    seed: int = typer.Option(1, help="Seed of MACs, noise, delays and losses."),
    seconds: float | None = typer.Option(None, "--for", help="End after this many seconds."),
    rfc2217: str | None = typer.Option(
        None, metavar="[HOST:]PORT", help="Also serve them by RFC 2217, from this TCP port on."
    ),
    sound: Path | None = typer.Option(
        None, metavar="DIR", help="At the end write there what each loudspeaker has played."
    ),
    stream: int | None = typer.Option(
        None, min=1, max=65535, metavar="PORT", help="Take live streams for this port of theirs."
    ),
    as_json: bool = typer.Option(False, "--json", help="Write JSON for a machine to read."),
) -> int:
    """Start virtual boards in real time and print the serial port of each; Ctrl-C ends them.

    What may be typed there, weather, water and what goes wrong, is printed as well.

    \b
    Example:
        fieldbeat bench up greenhouse_esp32
        fieldbeat bench up greenhouse_esp32 greenhouse_esp32 --image node.bin --for 60
        fieldbeat bench up greenhouse_esp32 --dir build/desk --json
        fieldbeat bench up --rfc2217 4001 greenhouse_esp32
        fieldbeat bench up speaker_esp32_eth --sound build/heard --stream 5004
    """
    from .bench_up import up as start

    start(boards, image, directory, seed, seconds, rfc2217, sound, stream, as_json)
    return 0


@app.command()
def check(
    bench: str = typer.Argument(help="A bench file, or one of ours: virtual, desk, lab."),
    offline: bool = typer.Option(False, "--offline", help="Look at the file and programs only."),
    as_json: bool = typer.Option(False, "--json", help="Write JSON for a machine to read."),
) -> int:
    """Say line by line what is wrong with a bench; nothing is written, no power is switched.

    Exit code 0: all is fine; 1: something is wrong; 2: there is no such file.

    \b
    Example:
        fieldbeat bench check my-desk.toml
        fieldbeat bench check lab --offline
    """
    from .benches.bench_check import check as look

    return look(bench, offline, as_json)


@app.command()
def cuts(
    states: str = typer.Option("all", help="Flash operations to cut at: all, or N..M."),
    depth: int = typer.Option(1, min=1, max=2, help="2: cut a second time, during recovery."),
    part: str = typer.Option("1/1", metavar="K/N", help="Judge the K-th of N parts of the cuts."),
    state: str | None = typer.Option(
        None, metavar="N[:KIND[:M]]", help="Judge this one cut and tell all about it."
    ),
    story: str = typer.Option(
        "full", help="What the unit lives through: full, short, keys, contact or trace."
    ),
    seed: int = typer.Option(1, help="Seed of the golden run and of torn bits."),
    jobs: int = typer.Option(0, min=0, help="Processes; 0: one a processor."),
    report: Path | None = typer.Option(None, metavar="DIR", help="Write cuts.json and cuts.md."),
    image: Path | None = typer.Option(None, help="With --state: write the flash it leaves."),
    as_json: bool = typer.Option(False, "--json", help="Write JSON for a machine to read."),
) -> int:
    """Cut the power before every flash operation of a station's run, and see what breaks.

    Exit code 0: every promise held; 1: one was broken; 2: no valid campaign.

    \b
    Example:
        fieldbeat bench cuts --states 1..200
        fieldbeat bench cuts --depth 2 --report build/cuts
        fieldbeat bench cuts --depth 2 --part 3/10
        fieldbeat bench cuts --state 412:half
    """
    import signal

    from .cuts import command

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return command.cuts(states, depth, state, story, seed, jobs, report, image, as_json, part)


@app.command()
def pulls(
    points: int = typer.Option(240, min=0, help="Pulls, spread over the stages; 0: all."),
    pull: str | None = typer.Option(
        None, metavar="N:KIND", help="Judge this one pull and tell all about it."
    ),
    story: str = typer.Option(
        "bare", help="What is pulled at: bare, again, elsewhere or speaker (docs/power-cuts.md)."
    ),
    jobs: int = typer.Option(0, min=0, help="Processes; 0: one a processor."),
    report: Path | None = typer.Option(None, metavar="DIR", help="Write pulls.json."),
    as_json: bool = typer.Option(False, "--json", help="Write JSON for a machine to read."),
) -> int:
    """Pull the cable at every stage of a batch, and see whether the unit is resumable or clean.

    Exit code 0: every promise held; 1: one was broken; 2: no valid campaign.

    \b
    Example:
        fieldbeat bench pulls
        fieldbeat bench pulls --story again --points 0 --report build/pulls
        fieldbeat bench pulls --pull 131:answer
    """
    import signal

    from .pulls import command

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return command.pulls(points, pull, story, jobs, report, as_json)


@app.command()
def soak(
    days: float = typer.Option(30, min=0.6, help="Virtual days; 30 take a minute or two."),
    seed: int = typer.Option(1, help="Names the run: its faults, their times, all chance."),
    stations: int = typer.Option(1, min=1, help="Stations that report to one collector."),
    report: Path | None = typer.Option(
        None, metavar="DIR", help="Write soak.json, and what was on the air and on flash."
    ),
    as_json: bool = typer.Option(False, "--json", help="Write JSON for a machine to read."),
) -> int:
    """Let stations live for weeks under random faults, and check what must hold after any.

    Exit code 0: every promise held; 1: one was broken; 2: a fault never took effect.

    \b
    Example:
        fieldbeat bench soak
        fieldbeat bench soak --days 2 --seed 7 --stations 3 --report build/soak
    """
    from .endings import end_as_by_ctrl_c
    from .soak import Options
    from .soak import soak as live

    end_as_by_ctrl_c()
    return live(Options(days, seed, stations, report), as_json)


@app.command()
def record(
    port: str = typer.Option(help="The serial port of a unit."),
    output: Path = typer.Option(..., "-o", "--output", help="The transcript to write."),
    seconds: float | None = typer.Option(None, "--for", help="End after this many seconds."),
    registry: RegistryOption = None,
    as_json: bool = typer.Option(False, "--json", help="Write JSON for a machine to read."),
) -> int:
    """Write down what a unit and its modem say to one another, until Ctrl-C.

    The unit sends what waits, so that there is something to hear; a locked one is opened for that.
    Numbers of the subscriber and of the SIM are masked in part, passwords and datagrams wholly.

    Exit code 0: there are lines; 1: nothing was said; 2: the unit does not answer.

    \b
    Example:
        fieldbeat bench record --port /dev/ttyUSB0 -o field.at
    """
    from .bench_record import record as write

    return write(port, output, seconds, registry, as_json)


@app.command()
def replay(
    what: str = typer.Argument(
        metavar="FILE|SEED", help="A transcript of a modem; or a number, the seed of a soak."
    ),
    board: str = typer.Option("greenhouse_esp32", help="FILE: the board whose modem it is."),
    image: Path | None = typer.Option(None, help="FILE: the flash image of the board."),
    seconds: float | None = typer.Option(None, "--for", help="FILE: end after this many seconds."),
    days: float = typer.Option(30, min=0.6, help="SEED: as the soak had."),
    stations: int = typer.Option(1, min=1, help="SEED: as the soak had."),
    expect: str | None = typer.Option(
        None,
        metavar="DIGEST|SOAK.JSON",
        help="SEED: what it must be; a file tells days and stations.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Write JSON for a machine to read."),
) -> int:
    """Play a modem of the field on a virtual board; or live through a soak again, byte for byte.

    With a FILE of 'bench record' a virtual board runs in real time as with 'bench up', and its
    modem says what the one in the field has said. With the SEED of a soak the digest of all that
    it did is printed.

    Exit code 0: as expected; 1: a soak differs, and where first; 2: nothing to play.

    \b
    Example:
        fieldbeat bench replay field.at --image desk.img
        fieldbeat bench replay 7 --days 2
        fieldbeat bench replay 7 --expect build/soak/soak.json
    """
    if not what.isdecimal():
        from .bench_record import replay as play

        return play(Path(what), board, image, seconds, as_json)
    from .replay import replay as again
    from .soak import Options

    return again(Options(days, int(what), stations), expect, as_json)
