"""Receive, store and acknowledge what units send."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ..output import DbOption, JsonOption, RegistryOption, say

if TYPE_CHECKING:
    from ..outcome import Outcome

REFUSED_A_SECOND = 5  # lines about datagrams that were refused; a flood must not fill a disk


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

    log = Log(as_json)

    def ready(host: str, port: int) -> None:
        start = {
            "listening": f"{host}:{port}",
            "store": str(store.path),
            "units": len(units.units()),
        }
        text = "listening on {listening}, {units} units known, storing in {store}".format(**start)
        if as_json:
            print(json.dumps(start), flush=True)
        else:
            say(text)

    collector = Collector(store, units, observer=log.show)
    try:
        asyncio.run(serve(collector, host, port, ready))
    finally:
        log.catch_up()
        store.close()
        units.close()


class Log:
    """A line for every datagram that was stored, and for the first few refused ones a second."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._second = 0  # Unix time
        self._refused = 0  # in this second
        self._left_out = 0  # since the last line that told of them

    def show(self, outcome: Outcome) -> None:
        """Write what became of a datagram."""
        if int(outcome.at_s) != self._second:
            self._second, self._refused = int(outcome.at_s), 0
            self.catch_up()
        self._refused += bool(outcome.reason)
        flood_begins = outcome.reason == "tag" and outcome.detail
        if outcome.reason and self._refused > REFUSED_A_SECOND and not flood_begins:
            self._left_out += 1
        elif self._as_json or outcome.reason or outcome.records or not outcome.is_part:
            self._write(line(outcome), as_map(outcome))

    def catch_up(self) -> None:
        """Tell how many were left out."""
        if self._left_out:
            count, self._left_out = self._left_out, 0
            text = f"{count} more were refused; 'fieldbeat show' counts them by reason"
            self._write(text, {"more_refused": count})

    def _write(self, text: str, map_: dict) -> None:
        import json

        try:
            if self._as_json:
                print(json.dumps(map_), flush=True)
            else:
                say(text)
        except OSError as error:  # who read it has gone, or its disk is full
            _print_no_more(error)


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
    from ..outcome import REASONS
    from ..times import iso

    start = f"{iso(outcome.at_s)}  {outcome.unit or outcome.source:<16} {outcome.size:>4} B  "
    if outcome.reason:
        why = REASONS.get(outcome.reason, outcome.reason)
        return f"{start}refused: {why}" + f" ({outcome.detail})" * bool(outcome.detail)
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
