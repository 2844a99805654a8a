"""Send an alert to loudspeakers, cancel it, and see who sounded."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..output import (
    DbOption,
    JsonOption,
    RegistryOption,
    console,
    print_json,
    print_json_line,
    remark,
    say,
)

if TYPE_CHECKING:
    from ..alert_desk import Desk, Keys
    from ..coverage import Coverage
    from ..issuers import Issuer
    from ..orders import Orders

app = typer.Typer(add_completion=False, rich_markup_mode=None)

REFRESH_S = 0.5


class Tone(StrEnum):
    NONE = "none"
    STEADY = "steady"
    TWO_TONE = "two-tone"
    SWEEP = "sweep"


class Codec(StrEnum):
    PCMU = "pcmu"
    PCMA = "pcma"
    L16 = "l16"


IssuerOption = Annotated[
    list[str] | None,
    typer.Option("--issuer", help="Who signs; twice where two must. Default: who alone may."),
]
KeyFileOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--key-file",
        help="File with the passphrase of each issuer, in their order; default: asked for.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
WaitOption = Annotated[
    float,
    typer.Option("--wait", min=0, metavar="S", help="Wait so long until all have sounded."),
]


@app.callback()
def alert() -> None:
    """Send an alert to loudspeakers, cancel it, and see who sounded.

    \b
    Example:
        fieldbeat alert send --text "Leave the bank now." --level 1 --area riverside
        fieldbeat alert status --follow
    """


@app.command()
def send(
    text: list[str] = typer.Option([], help="Text to be spoken."),
    clip: list[str] = typer.Option([], help="Name of a clip that the loudspeakers have."),
    stream: str | None = typer.Option(
        None, help="Live RTP stream: GROUP:PORT, or :PORT if it is sent to each of them."
    ),
    codec: Codec = typer.Option(Codec.PCMU, help="Of the stream."),
    cap: Path | None = typer.Option(None, help="A CAP 1.2 file; other options go before it."),
    language: str | None = typer.Option(None, help="Which info of the CAP file; default: first."),
    tone: Tone | None = typer.Option(None, help="Before it; default: two-tone, if not daily."),
    level: int | None = typer.Option(None, min=1, max=4, help="1, the highest, to 4."),
    drill: bool = typer.Option(False, "--drill", help="It is a drill, no emergency."),
    daily: bool = typer.Option(False, "--daily", help="It is a daily announcement."),
    silent: bool = typer.Option(False, "--silent", help="A drill without sound, that is timed."),
    area: list[str] = typer.Option([], help="Where: a site."),
    group: list[int] = typer.Option([], help="Where: a group."),
    unit: list[str] = typer.Option([], help="Where: a loudspeaker."),
    everyone: bool = typer.Option(False, "--all", help="Where: everywhere."),
    at: str | None = typer.Option(None, metavar="T", help="Begin then; default: at once."),
    for_: str | None = typer.Option(None, "--for", help="How long it counts, default '30 min'."),
    until: str | None = typer.Option(None, metavar="T", help="It counts until then."),
    repeat: int = typer.Option(1, min=1, max=100, help="How often it is said."),
    volume: int | None = typer.Option(None, min=0, max=100, help="Per cent; default: theirs."),
    event: str = typer.Option("", help="Short code of the event, up to 16 bytes."),
    issuer: IssuerOption = None,
    key_file: KeyFileOption = None,
    yes: YesOption = False,
    wait: WaitOption = 0,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send an alert: an emergency unless it is a drill or a daily announcement.

    What is going to happen is told in words, and is to be confirmed. The running collector
    ('fieldbeat collect') sends it until every loudspeaker has told that it has it.

    \b
    Example:
        fieldbeat alert send --text "Leave the bank now." --level 1 --area riverside
        fieldbeat alert send --drill --silent --clip test --all --wait 20
        fieldbeat alert send --cap flood.xml
    """
    from ..alert_desk import Request
    from ..asking import confirm
    from ..errors import CannotTry

    if drill and daily:
        raise CannotTry("it is a drill or a daily announcement, not both", "choose one")
    request = Request(
        class_=0 if daily else 1 if drill else None,
        level=level,
        texts=text,
        clips=clip,
        stream=stream,
        codec=codec,
        tone=tone,
        repeat=repeat,
        volume=volume,
        event=event,
        silent=silent,
        areas=area,
        groups=group,
        units=unit,
        everyone=everyone,
        start_s=_time(at),
        expires_s=_time(until),
        for_s=_duration(for_),
        issuers=issuer or [],
    )
    if request.for_s and request.expires_s:
        raise CannotTry("--for and --until both say when it ends", "choose one")
    with _desk(registry, db) as desk:
        if cap:
            from .. import cap as caps

            message = caps.read(cap)
            if message.kind == caps.CANCEL:
                found = desk.to_cancel(message.references)
                _cancel(desk, found, request.issuers, key_file, yes, as_json)
                return
            plan = desk.plan_cap(message, request, language)
        else:
            plan = desk.plan(request)
        for line in (*plan.summary, *plan.notes):
            remark(line, as_json)
        confirm("Send it?", yes)
        order = desk.send(plan, _keys(key_file))
        id_ = order.id.hex()
        if as_json and not wait:
            places = {"units": len(plan.units), "commands": len(plan.asked)}
            told = {"summary": plan.summary, "notes": plan.notes, "issuers": order.issuers}
            print_json({"id": id_, **places, **told, "expires_s": order.expires_s})
        if not as_json:
            say(f"alert {id_} is ordered; see who sounds: fieldbeat alert status {id_[:6]}")
        if wait:
            _report(_waited(desk.orders, id_, wait), as_json, every_unit=False)


@app.command()
def cancel(
    alert_id: str = typer.Argument(metavar="ID", help="Its id, or the beginning of it."),
    issuer: IssuerOption = None,
    key_file: KeyFileOption = None,
    yes: YesOption = False,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel an alert: who sounds it stops, who does not have it yet never gets it.

    \b
    Example:
        fieldbeat alert cancel 3f9c01
    """
    with _desk(registry, db) as desk:
        order = desk.orders.find(alert_id, kind=1)
        _cancel(desk, [order], issuer or [], key_file, yes, as_json)


@app.command()
def status(
    alert_id: str | None = typer.Argument(
        None, metavar="[ID]", help="Its id, or the beginning of it; default: the last alert."
    ),
    follow: bool = typer.Option(
        False, "--follow", help="Keep it up to date; JSON: a line for each change."
    ),
    wait: WaitOption = 0,
    units: bool = typer.Option(False, "--units", help="Every loudspeaker, not only the areas."),
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who sounded, who waits, who refused and why, and who is silent, by area.

    The exit code is 1 if somebody refused or is silent.

    \b
    Example:
        fieldbeat alert status
        fieldbeat alert status 3f9c01 --follow
    """
    from ..orders import Orders
    from ..store import Store

    store = Store(db, create=False)
    try:
        orders = Orders(store)
        id_ = _id(orders, alert_id)
        if follow:
            (_follow_as_json if as_json else _follow)(orders, id_, units)
        else:
            _report(_waited(orders, id_, wait), as_json, units)
    finally:
        store.close()


# What it takes


@contextmanager
def _desk(registry: Path | None, db: Path | None) -> Iterator[Desk]:
    import time

    from ..alert_desk import Desk
    from ..errors import CannotTry
    from ..registry import Registry
    from ..store import Store

    store = Store(db, create=False)
    try:
        known = Registry(registry, create=False)
    except FileNotFoundError as error:
        store.close()
        step = "name it with --registry, or provision a loudspeaker first"
        raise CannotTry(f"there is no registry {error.args[0]}", step) from None
    try:
        yield Desk(known, store, time.time)
    finally:
        store.close()
        known.close()


def _time(text: str | None) -> float | None:
    from ..errors import CannotTry
    from ..times import parse

    try:
        return parse(text) if text else None
    except ValueError:
        step = "give an ISO time, for instance 2026-07-31T08:30:00+08:00"
        raise CannotTry(f"'{text}' is no time", step) from None


def _duration(text: str | None) -> float | None:
    from ..errors import CannotTry
    from ..times import duration

    try:
        return duration(text) if text else None
    except ValueError:
        step = "give for instance '90 s', '30 min' or '2 h'"
        raise CannotTry(f"'{text}' is no duration", step) from None


def _keys(files: list[Path] | None) -> Keys:
    """Return what opens issuers' keys, each with the passphrase file at its place."""
    from ..alerts import Signer
    from ..asking import passphrase
    from ..issuer_keys import load

    def signer(issuer: Issuer, file: Path | None) -> Signer:
        return Signer(issuer, load(issuer, lambda path: passphrase(issuer.name, file)))

    return lambda issuers: list(map(signer, issuers, [*(files or []), *[None] * len(issuers)]))


def _cancel(
    desk: Desk,
    found: list[Any],
    names: list[str],
    files: list[Path] | None,
    yes: bool,
    as_json: bool,
) -> None:
    from ..asking import confirm

    by = [desk.cancellers(order, names) for order in found]
    for order, issuers in zip(found, by, strict=True):
        count = len(desk.orders.deliveries(order))
        remark(f"cancels alert {order.id.hex()}: {order.told}", as_json)
        remark(f"at {count} loudspeakers, signed by {issuers[0].name}", as_json)
    confirm("Cancel it?", yes)
    done = [
        desk.cancel(order, issuers, _keys(files)) for order, issuers in zip(found, by, strict=True)
    ]
    if as_json:
        print_json([{"id": each.id, "cancels": each.cancels} for each in done])
        return
    for each in done:
        assert each.cancels
        id_ = each.cancels.hex()
        say(f"alert {id_} is cancelled; see who stopped: fieldbeat alert status {id_[:6]}")


# What it shows


def _id(orders: Orders, alert_id: str | None) -> str:
    from ..errors import CannotTry

    if alert_id:
        return orders.find(alert_id).id.hex()
    last = orders.all(kind=1)[:1]
    if not last:
        raise CannotTry("no alert was sent yet", "send one: fieldbeat alert send --help")
    return last[0].id.hex()


def _coverage(orders: Orders, id_: str) -> Coverage:
    import time

    from ..coverage import coverage

    order = orders.find(id_)
    return coverage(order, orders.deliveries(order), time.time())


def _waited(orders: Orders, id_: str, wait_s: float) -> Coverage:
    """Return the coverage once nobody is waited for any more, or after a time."""
    import time

    end_s = time.monotonic() + wait_s
    found = _coverage(orders, id_)
    while not found.is_decided and time.monotonic() < end_s:
        time.sleep(min(REFRESH_S, max(0.0, end_s - time.monotonic())))
        found = _coverage(orders, id_)
    return found


def _report(found: Coverage, as_json: bool, every_unit: bool) -> None:
    """Write it; end with exit code 1 if somebody did not sound."""
    from ..coverage import REFUSED, SILENT, as_map

    if as_json:
        print_json(as_map(found))
    else:
        console().print(_screen(found, every_unit))
    if found.total.counts[REFUSED] or found.total.counts[SILENT]:
        raise typer.Exit(1)


def _screen(found: Coverage, every_unit: bool) -> Any:
    import time

    from ..alert_tables import screen

    return screen(found, every_unit, time.time())


def _follow(orders: Orders, id_: str, every_unit: bool) -> None:
    import time
    from contextlib import suppress

    from rich.live import Live

    def picture() -> Any:
        return _screen(_coverage(orders, id_), every_unit)

    with (
        suppress(KeyboardInterrupt),
        Live(picture(), console=console(), auto_refresh=False) as live,
    ):
        while True:
            time.sleep(REFRESH_S)
            live.update(picture(), refresh=True)


def _follow_as_json(orders: Orders, id_: str, every_unit: bool) -> None:
    """Write a line at once and after every change, until Ctrl-C."""
    import time
    from contextlib import suppress

    from ..coverage import as_map

    last: dict[str, Any] = {}
    with suppress(KeyboardInterrupt):
        while True:
            now = as_map(_coverage(orders, id_))
            if now != last:
                print_json_line(now)
                last = now
            time.sleep(REFRESH_S)
