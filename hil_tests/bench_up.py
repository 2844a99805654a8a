"""`fieldbeat bench up`: virtual boards in real time, each at a PTY and, if asked, a TCP port."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from fieldbeat.host_tools import boards as catalogue
from fieldbeat.host_tools.errors import CannotTry

from .endings import told_to_end
from .virtual.bench import Bench
from .virtual.board import VirtualBoard
from .virtual.errors import BenchError
from .virtual.rfc2217_port import Rfc2217Port

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
) -> None:
    """Starts the boards, prints where each is, and runs until Ctrl-C or for `seconds`.

    `sound` is a folder for what loudspeakers play, `stream` a UDP port of theirs that is served on
    this machine.
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
            with Bench(seed, directory) as bench:
                bench.network.bridge = True
                for board_name in boards:
                    _hang(bench.add_board(board_name, image=contents))
                streams = {} if stream is None else _streams(bench, stream)
                ports = _serve(bench, *address) if address else []
                _print(bench, ports, streams, as_json)
                bench.world.run_real(seconds, ended)
                for port in ports:
                    port.close()
                if sound is not None:
                    _keep_sound(bench, sound)
        except BenchError as error:
            message, _, step = str(error).rpartition(": ")  # as BenchErrors have it
            if not message:
                message, step = step, "run it again with --debug and report what it shows"
            raise CannotTry(message, step) from error


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keeps a second bench off the same flash files."""
    _make(directory, "--dir")
    lock = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another bench uses {directory}"
            raise CannotTry(message, "end it, or choose another --dir") from None
        yield
    finally:
        os.close(lock)


def _make(directory: Path, option: str) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        step = f"name a folder where you may write with {option}"
        raise CannotTry(f"{directory}: {error.strerror}", step) from None


def _hang(board: VirtualBoard) -> None:
    """Puts water below a level sensor that hangs nowhere: on a desk there would be none to read.

    One that the scene's river is below stays there, since a camera sees that river.
    """
    sensor = board.fitted.parts.get("river")
    if sensor is not None and not sensor.hangs:
        sensor.hang(RIVER_MM)


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
    step = "name one that 'fieldbeat build --virtual' made"
    try:
        content = image.read_bytes()
    except OSError as error:
        raise CannotTry(f"{image}: {error.strerror}", step) from None
    for name in boards:
        size = catalogue.load(name).flash_bytes
        if len(content) != size:
            message = f"{image} has {len(content)} bytes, the flash of {name} has {size}"
            raise CannotTry(message, step)
    return content


def _address(given: str) -> tuple[str, int]:
    host, _, number = given.rpartition(":")
    if not number.isdecimal() or int(number) > 65535:
        step = "give a TCP port, as in --rfc2217 4001 or --rfc2217 0.0.0.0:4001"
        raise CannotTry(f"'{given}' is no PORT or HOST:PORT", step)
    return host or "127.0.0.1", int(number)


def _serve(bench: Bench, host: str, first: int) -> list[Rfc2217Port]:
    """One TCP port a board, counting up from the first (0: any)."""
    try:
        return [
            Rfc2217Port(board, host, first and first + n)
            for n, board in enumerate(bench.boards.values())
        ]
    except OSError as error:
        message = f"{host}, TCP port {first} and what follows: {error.strerror}"
        raise CannotTry(message, "choose another port with --rfc2217") from None


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
    print("Ctrl-C ends the bench.", flush=True)
