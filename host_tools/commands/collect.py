"""Receive, store and acknowledge what units send."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ..language import os_reason, tr
from ..output import DbOption, JsonOption, RegistryOption, remark, say

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
    import time

    from .. import foreseen
    from ..collector import Collector
    from ..registry import Registry
    from ..store import Store
    from ..udp_server import address, serve
    from .registry import advise

    host, port = address(bind)
    units = Registry(registry)
    units.vault.make_ready()  # a service without its key file is told so now, not by its units
    advise(units, as_json)
    store = Store(db)
    if clock := foreseen.clock(store, time.time()):  # units take their time from here
        remark(tr("{clock}: units are told this time").format(clock=clock), as_json)

    log = Log(as_json)

    def ready(host: str, port: int) -> None:
        start = {
            "listening": f"{host}:{port}",
            "store": str(store.path),
            "units": len(units.units()),
        }
        text = tr("listening on {listening}, {units} units known, storing in {store}").format(
            **start
        )
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
        """Write what became of a datagram; of those under a revoked key the first."""
        if outcome.reason == "revoked" and not outcome.detail:
            return
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
            text = tr("{count} more were refused; 'fieldbeat show' counts them by reason").format(
                count=count
            )
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
        reason = tr("stdout cannot be written ({strerror})").format(strerror=os_reason(error))
        print(
            tr("{reason}: collecting goes on without a log").format(reason=reason),
            file=sys.stderr,
            flush=True,
        )


def line(outcome: Outcome) -> str:
    """Return one datagram as a line of text."""
    from ..outcome import REASONS
    from ..times import iso

    start = f"{iso(outcome.at_s)}  {outcome.unit or outcome.source:<16} {outcome.size:>4} B  "
    if outcome.reason:
        why = REASONS.get(outcome.reason, outcome.reason)
        return tr("{start}refused: {why}").format(
            start=start, why=why
        ) + f" ({outcome.detail})" * bool(outcome.detail)
    told = "; ".join(outcome.records) or (
        tr("nothing new") if outcome.duplicates else tr("no records")
    )
    again = tr("; {duplicates} again").format(duplicates=outcome.duplicates) * bool(
        outcome.duplicates
    )
    acked = tr(" -> acknowledged up to {cumulative}").format(cumulative=outcome.cumulative) * (
        outcome.cumulative is not None
    )
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
