"""Send an alert to loudspeakers, cancel it, see who sounded, and have them test themselves."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .. import open_files
from ..at_desk import (
    AllOption,
    AreaOption,
    GroupOption,
    IssuerOption,
    KeyFileOption,
    UnitOption,
    WaitOption,
    YesOption,
    begin,
    moment,
    open_desk,
    ordered,
    places,
    seconds,
)
from ..language import tr
from ..output import DbOption, JsonOption, RegistryOption, print_json, remark, say
from ..wording import counted
from . import alert_upkeep

if TYPE_CHECKING:
    from ..alert_desk import Desk
    from ..alert_plan import Plan
    from ..alert_request import Request
    from ..orders import Order, Orders
    from ..store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Tone(StrEnum):
    NONE = "none"
    STEADY = "steady"
    TWO_TONE = "two-tone"
    SWEEP = "sweep"


class Codec(StrEnum):
    PCMU = "pcmu"
    PCMA = "pcma"
    L16 = "l16"


@app.callback()
def alert() -> None:
    """Send an alert to loudspeakers, cancel it, see who sounded, and have them test themselves.

    'alert status' and 'alert list --orders' tell what became of every other order, too: pictures,
    actuators, operations.

    \b
    Example:
        fieldbeat alert send --text "Leave the bank now." --level 1 --area riverside
        fieldbeat alert status --follow
        fieldbeat alert test --silent --all --wait 30
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
    area: AreaOption = None,
    group: GroupOption = None,
    unit: UnitOption = None,
    everyone: AllOption = False,
    at: str | None = typer.Option(
        None, metavar="T", help="Begin then, 2026-07-31T08:30+08:00; default: at once."
    ),
    for_: str | None = typer.Option(None, "--for", help="How long it counts, default '30 min'."),
    until: str | None = typer.Option(None, metavar="T", help="It counts until then, as --at."),
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
    ('fieldbeat collect') sends it until every loudspeaker has told that it has it. The exit code
    is 1 if nobody was sent it after 3 s, as where no collector runs; with --wait also if somebody
    did not sound to the end, or has not told how it ended.

    \b
    Example:
        fieldbeat alert send --text "Leave the bank now." --level 1 --area riverside
        fieldbeat alert send --drill --silent --clip test --all --wait 20
        fieldbeat alert send --cap flood.xml
    """
    from .. import alert_cancel
    from ..alert_request import Request

    request = Request(
        class_=_class(drill, daily),
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
        start_s=begin(at),
        issuers=issuer or [],
        **_end(for_, until),
        **places(area, group, unit, everyone),
    )
    with open_desk(registry, db) as desk:
        plan = _plan(desk, request, cap, language)
        if isinstance(plan, list):
            alert_cancel.cancel(desk, plan, request.issuers, key_file, yes, as_json)
        else:
            ordered(desk, plan, key_file, yes, wait, as_json)


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
    from .. import alert_cancel

    with open_desk(registry, db) as desk:
        order = desk.orders.find(alert_id, kind=1)
        alert_cancel.cancel(desk, [order], issuer or [], key_file, yes, as_json)


@app.command("list")
def list_(
    every: bool = typer.Option(
        False, "--orders", help="Orders of every kind: pictures, actuators, operations, too."
    ),
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the alerts that count still, and the last ones that do not, newest first.

    \b
    Example:
        fieldbeat alert list
        fieldbeat alert list --orders
    """
    import time

    from fieldbeat.protocols import command

    from .. import alert_report
    from ..alert_tables import listing
    from ..coverage_map import order_map
    from ..orders import Orders
    from ..output import console

    with open_files.store(db) as store:
        now_s = time.time()
        orders = Orders(store)
        recent = orders.recent(now_s, None if every else command.ALERT)
        found = [(each, alert_report.state(store, each, now_s)) for each in recent]
        others = len(orders.all())
    if as_json:
        print_json([order_map(order) | {"state": state} for order, state in found])
    elif found:
        console().print(listing(found, "Orders" if every else "Alerts"))
    elif others:
        more = tr("no alert was sent yet; other orders were ({orders}): {verb}")
        say(more.format(orders=others, verb=tr("fieldbeat alert list --orders")))
    else:
        say(tr("no alert was sent yet; send one: fieldbeat alert send --help"))


@app.command()
def status(
    alert_id: str | None = typer.Argument(
        None, metavar="[ID]", help="Its id, or its beginning; default: the last alert, or order."
    ),
    follow: bool = typer.Option(
        False, "--follow", help="Keep it up to date; JSON: a line for each change."
    ),
    wait: WaitOption = 0,
    units: bool = typer.Option(False, "--units", help="Every unit, not only the areas."),
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who sounded, in part or whole, who was stopped, waits, refused or is silent, by area.

    Of other orders it shows who has obeyed. The exit code is 1 if somebody refused, is silent, or
    sounded in part; after --wait also if somebody has not told how it ended.

    \b
    Example:
        fieldbeat alert status
        fieldbeat alert status 3f9c01 --follow
    """
    from .. import alert_report
    from ..orders import Orders

    with open_files.store(db) as store:
        _remark_rules(store, as_json)
        report = alert_report.Report(store, _id(Orders(store), alert_id), units)
        if follow:
            report.follow(as_json)
        else:
            report.wait(wait, as_json)
            report.tell(as_json, wait)


# What it takes


def _class(drill: bool, daily: bool) -> int | None:
    from ..errors import CannotTry

    if drill and daily:
        raise CannotTry(tr("it is a drill or a daily announcement, not both"), tr("choose one"))
    return 0 if daily else 1 if drill else None


def _end(for_: str | None, until: str | None) -> dict[str, Any]:
    from ..errors import CannotTry

    ends = {"for_s": seconds(for_), "expires_s": moment(until)}
    if ends["for_s"] and ends["expires_s"]:
        raise CannotTry(tr("--for and --until both say when it ends"), tr("choose one"))
    return ends


def _plan(
    desk: Desk, request: Request, cap: Path | None, language: str | None
) -> Plan | list[Order]:
    """Return what is to be sent, or what a CAP message cancels."""
    from .. import cap as caps
    from .. import cap_orders, cap_reader

    if cap is None:
        return desk.plan(request)
    message = cap_reader.read(cap)
    if message.kind == caps.CANCEL:
        return cap_orders.to_cancel(desk, message.references)
    return cap_orders.plan(desk, message, request, language)


def _remark_rules(store: Store, as_json: bool) -> None:
    """Tell that loudspeakers have sounded by themselves, for nobody has ordered that."""
    import time

    from ..rule_orders import soundings

    count = len(soundings(store, time.time() - 86_400))
    if count:
        text = tr("{counted} by alarm rules in the last day").format(
            counted=counted(count, "sounding")
        )
        remark(tr("{text}: see 'fieldbeat rule list'").format(text=text), as_json)


def _id(orders: Orders, alert_id: str | None) -> str:
    from ..errors import CannotTry

    if alert_id:
        return orders.find(alert_id).id.hex()
    last = orders.all(kind=1)[:1] or orders.all()[:1]
    if not last:
        raise CannotTry(tr("no alert was sent yet"), tr("send one: fieldbeat alert send --help"))
    return last[0].id.hex()


app.command()(alert_upkeep.test)
app.command()(alert_upkeep.ask)
