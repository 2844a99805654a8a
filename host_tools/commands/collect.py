"""Receive, store and acknowledge what units send."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ..output import DbOption, JsonOption, RegistryOption

if TYPE_CHECKING:
    from ..outcome import Outcome


def collect(
    bind: str = typer.Option("0.0.0.0:5690", help="HOST:PORT to listen on, UDP."),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Receive, store and acknowledge what units send, until Ctrl-C.

    \b
    Example:
        fieldbeat collect --bind 0.0.0.0:5690 --db greenhouse.sqlite
    """
    import asyncio
    import json

    from ..collector import Collector
    from ..registry import Registry
    from ..store import Store
    from ..udp_server import address, serve

    host, port = address(bind)
    units, store = Registry(registry), Store(db)

    def show(outcome: Outcome) -> None:
        text = json.dumps(as_map(outcome)) if as_json else line(outcome)
        try:
            print(text, flush=True)
        except OSError as error:  # who read it has gone, or its disk is full
            _print_no_more(error)

    def ready(host: str, port: int) -> None:
        start = {
            "listening": f"{host}:{port}",
            "store": str(store.path),
            "units": len(units.units()),
        }
        text = "listening on {listening}, {units} units known, storing in {store}".format(**start)
        print(json.dumps(start) if as_json else text, flush=True)

    collector = Collector(store, units, observer=show)
    try:
        asyncio.run(serve(collector, host, port, ready))
    finally:
        store.close()
        units.close()


def _print_no_more(error: OSError) -> None:
    """Let stdout lead nowhere, so that units get their answers all the same."""
    import os
    import sys
    from contextlib import suppress

    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    with suppress(OSError):
        reason = f"stdout cannot be written ({error.strerror})"
        print(f"{reason}: collecting goes on without a log", file=sys.stderr, flush=True)


def line(outcome: Outcome) -> str:
    """Return one datagram as a line of text."""
    from ..times import iso

    start = f"{iso(outcome.at_s)}  {outcome.unit or outcome.source:<16} {outcome.size:>4} B  "
    if outcome.reason:
        return f"{start}refused: {outcome.reason}" + f" ({outcome.detail})" * bool(outcome.detail)
    told = "; ".join(outcome.records) or ("nothing new" if outcome.duplicates else "no records")
    again = f"; {outcome.duplicates} again" * bool(outcome.duplicates)
    acked = f" -> acknowledged up to {outcome.cumulative}" * (outcome.cumulative is not None)
    return f"{start}#{outcome.piv} {told}{again}{acked}"


def as_map(outcome: Outcome) -> dict:
    """Return one datagram as a map for JSON."""
    from ..times import iso

    return {
        "time": iso(outcome.at_s),
        "source": outcome.source,
        "unit": outcome.unit or None,
        "kid": outcome.kid.hex() or None,
        "bytes": outcome.size,
        "refused": outcome.reason or None,
        "detail": outcome.detail or None,
        "epoch": outcome.epoch,
        "piv": outcome.piv,
        "records": outcome.records,
        "duplicates": outcome.duplicates,
        "acknowledged": outcome.cumulative,
    }
