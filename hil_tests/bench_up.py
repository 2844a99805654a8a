"""`fieldbeat bench up`: virtual boards in real time, each at a PTY and, if asked, a TCP port."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from fieldbeat.host_tools.errors import CannotTry

from .rfc2217_port import Rfc2217Port
from .virtual.bench import Bench
from .virtual.errors import BenchError

USAGE = "fieldbeat bench up --help"


def up(
    boards: list[str],
    image: Path | None,
    directory: Path | None,
    seed: int,
    seconds: float | None,
    rfc2217: str | None,
    as_json: bool,
) -> None:
    """Starts the boards, prints where each is, and runs until Ctrl-C or for `seconds`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ports: list[Rfc2217Port] = []
    try:
        with Bench(seed, directory) as bench:
            bench.network.bridge = True
            contents = None if image is None else image.read_bytes()
            for board_name in boards:
                bench.add_board(board_name, image=contents)
            if rfc2217 is not None:
                ports = _serve(bench, *_address(rfc2217))
            _print(bench, ports, as_json)
            try:
                bench.world.run_real(seconds)
            except KeyboardInterrupt:
                pass
            for port in ports:
                port.close()
    except (BenchError, OSError) as error:
        raise CannotTry(str(error), USAGE) from error


def _address(given: str) -> tuple[str, int]:
    host, _, number = given.rpartition(":")
    if not number.isdecimal() or int(number) > 65535:
        raise CannotTry(f"--rfc2217 {given}: must be PORT or HOST:PORT", USAGE)
    return host or "127.0.0.1", int(number)


def _serve(bench: Bench, host: str, first: int) -> list[Rfc2217Port]:
    """One TCP port a board, counting up from the first (0: any)."""
    return [
        Rfc2217Port(board, host, first and first + n)
        for n, board in enumerate(bench.boards.values())
    ]


def _print(bench: Bench, ports: list[Rfc2217Port], as_json: bool) -> None:
    rows = [
        {"board": name, "port": board.port, "mac": board.mac.hex(":")}
        for name, board in bench.boards.items()
    ]
    for row, port in zip(rows, ports, strict=False):
        row["url"] = port.url
    if as_json:
        print(json.dumps(rows, indent=2), flush=True)
        return
    for row in rows:
        url = f"  {row['url']}" if "url" in row else ""
        print(f"{row['board']:<24} {row['port']:<14} {row['mac']}{url}", flush=True)
    print("Ctrl-C ends the bench.", flush=True)
