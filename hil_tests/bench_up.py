"""`fieldbeat bench up`: virtual boards in real time, each at a PTY and, if asked, a TCP port."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from fieldbeat.host_tools import boards as catalogue
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.language import os_reason, tr

from . import desk_climate, desk_faults, desk_river
from .endings import told_to_end
from .modem_transcript import Line
from .virtual.bench import Bench
from .virtual.board import VirtualBoard
from .virtual.errors import BenchError
from .virtual.models.played_modem import played
from .virtual.rfc2217_port import Rfc2217Port

Obey = Callable[[int, str], str]  # the time in us, what was typed -> what to say of it

RIVER_MM = 3_200  # from a level sensor down to the water


def up(
    boards: list[str],
    image: Path | None,
    directory: Path | None,
    seed: int,
    seconds: float | None,
    rfc2217: str | None,
    sound: Path | None,
    stream: int | None,
    as_json: bool,
    modem: Sequence[Line] | None = None,
) -> None:
    """Starts the boards, prints where each is, and runs until Ctrl-C or for `seconds`.

    `sound` is a folder for what loudspeakers play, `stream` a UDP port of theirs that is served on
    this machine, `modem` what the modem of each says instead of its model.
    """
    for name in boards:
        catalogue.must_exist(name)
    contents = None if image is None else _read(image, boards)
    address = None if rfc2217 is None else _address(rfc2217)
    if sound is not None:
        _make(sound, "--sound")
    ended = told_to_end()
    ports: list[Rfc2217Port] = []
    with _locked(directory) if directory else nullcontext():
        try:
            with Bench(seed, directory, _now()) as bench:
                bench.network.bridge = True
                for board_name in boards:
                    board = bench.add_board(board_name, image=contents)
                    _hang(board)
                    if modem is not None:
                        played(board, modem)
                streams = {} if stream is None else _streams(bench, stream)
                ports = _serve(bench, *address) if address else []
                _print(bench, ports, streams, as_json)
                if not as_json:
                    _listen(bench)
                bench.world.run_real(seconds, ended)
                for port in ports:
                    port.close()
                if sound is not None:
                    _keep_sound(bench, sound)
        except BenchError as error:
            message, _, step = str(error).rpartition(": ")  # as BenchErrors have it
            if not message:
                message, step = step, tr("run it again with --debug and report what it shows")
            raise CannotTry(message, step) from error


def _listen(bench: Bench) -> None:
    """Lets whoever started the bench say what its boards measure."""
    obeys: list[Obey] = []
    if desk_river.has_river(bench):
        print(tr("The river: {orders}.").format(orders=desk_river.orders()), flush=True)
        obeys.append(partial(desk_river.order, bench.scene.river))
    if desk_climate.has_climate(bench):
        print(tr("The climate: {orders}.").format(orders=desk_climate.orders()), flush=True)
        obeys.append(partial(desk_climate.order, bench.scene))
    if obeys:
        print(tr("What goes wrong: {orders}.").format(orders=desk_faults.orders()), flush=True)
        obeys.append(partial(desk_faults.order, bench))
        desk_river.listen(bench.world, partial(_order, obeys))


def _order(obeys: Sequence[Obey], now_us: int, text: str) -> str:
    """What those say whom an order concerns; whoever knows none, if nobody does."""
    said = [obey(now_us, text) for obey in obeys]
    known = [each.orders() for each in (desk_river, desk_climate, desk_faults)]
    done = [each for each in said if each not in known]
    return "\n".join(done or said)


def _now() -> str:
    """The machine's time, which is the network's too: a collector here stores by this clock."""
    return datetime.now(UTC).isoformat()


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keeps a second bench off the same flash files."""
    _make(directory, "--dir")
    lock = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = tr("another bench uses {folder}").format(folder=directory)
            raise CannotTry(message, tr("end it, or choose another --dir")) from None
        yield
    finally:
        os.close(lock)


def _make(directory: Path, option: str) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        step = tr("name a folder where you may write with {option}").format(option=option)
        raise CannotTry(f"{directory}: {os_reason(error)}", step) from None


def _hang(board: VirtualBoard) -> None:
    """Puts water below a level sensor that hangs nowhere: on a desk there would be none to read.

    One that the scene's river is below stays there, since a camera sees that river. There it is
    day, whenever somebody sits at the desk.
    """
    parts = board.fitted.parts
    sensor = parts.get("river")
    if sensor is not None and not sensor.hangs:
        sensor.hang(RIVER_MM)
    if "view" in parts:
        parts["view"].faults.light = "day"


def _streams(bench: Bench, port: int) -> dict[str, str]:
    """One UDP port of this machine for each board with a network, by its name.

    RTCP goes to the port above it.
    """
    found = {}
    for name, board in bench.boards.items():
        if board.address is not None:
            host, number = bench.network.lan.expose(board.address, port, 2)
            found[name] = f"rtp://{host}:{number}"
    return found


def _keep_sound(bench: Bench, folder: Path) -> None:
    for name, board in bench.boards.items():
        for sink in getattr(board.fitted, "sinks", {}).values():
            sink.wav(folder / f"{name}.wav")


def _read(image: Path, boards: list[str]) -> bytes:
    """Returns the image, which must be the whole flash of each board."""
    step = tr("name one that 'fieldbeat build --virtual' made")
    try:
        content = image.read_bytes()
    except OSError as error:
        raise CannotTry(f"{image}: {os_reason(error)}", step) from None
    for name in boards:
        size = catalogue.load(name).flash_bytes
        if len(content) != size:
            message = tr("{image} has {count} bytes, the flash of {board} has {size}")
            told = message.format(image=image, count=len(content), board=name, size=size)
            raise CannotTry(told, step)
    return content


def _address(given: str) -> tuple[str, int]:
    host, _, number = given.rpartition(":")
    if not number.isdecimal() or int(number) > 65535:
        step = tr("give a TCP port, as in --rfc2217 4001 or --rfc2217 0.0.0.0:4001")
        raise CannotTry(tr("'{given}' is no PORT or HOST:PORT").format(given=given), step)
    return host or "127.0.0.1", int(number)


def _serve(bench: Bench, host: str, first: int) -> list[Rfc2217Port]:
    """One TCP port a board, counting up from the first (0: any)."""
    try:
        return [
            Rfc2217Port(board, host, first and first + n)
            for n, board in enumerate(bench.boards.values())
        ]
    except OSError as error:
        message = tr("{host}, TCP port {first} and what follows: {reason}").format(
            host=host, first=first, reason=os_reason(error)
        )
        raise CannotTry(message, tr("choose another port with --rfc2217")) from None


def _print(bench: Bench, ports: list[Rfc2217Port], streams: dict[str, str], as_json: bool) -> None:
    rows = [
        {"board": name, "port": board.port, "mac": board.mac.hex(":")}
        for name, board in bench.boards.items()
    ]
    for row, port in zip(rows, ports, strict=False):
        row["url"] = port.url
    for row in rows:
        if row["board"] in streams:
            row["stream"] = streams[row["board"]]
    if as_json:
        print(json.dumps(rows, indent=2), flush=True)
        return
    for row in rows:
        more = "".join(f"  {row[key]}" for key in ("url", "stream") if key in row)
        print(f"{row['board']:<24} {row['port']:<14} {row['mac']}{more}", flush=True)
    print(tr("Ctrl-C ends the bench."), flush=True)
