"""What verbs that order something share: options, the desk, keys, and a confirmation."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import open_files
from .language import tr

if TYPE_CHECKING:
    from .alert_desk import Desk, Keys
    from .alert_plan import Plan
    from .issuer_keys import PrivateKey
    from .issuers import Issuer
    from .orders import Order
    from .signed_commands import Signer
    from .store import Store
    from .unit_orders import Found

IssuerOption = Annotated[
    list[str] | None,
    typer.Option("--issuer", help="Who signs; twice where two must. Default: who alone may."),
]
KeyFileOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--key-file",
        help="File whose first line is an issuer's passphrase; again for each other issuer, in any"
        " order. Default: asked for.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
WaitOption = Annotated[
    float,
    typer.Option("--wait", min=0, metavar="S", help="Wait so long until all have answered."),
]
AreaOption = Annotated[list[str] | None, typer.Option("--area", help="Where: a site.")]
GroupOption = Annotated[list[int] | None, typer.Option("--group", help="Where: a group.")]
UnitOption = Annotated[list[str] | None, typer.Option("--unit", help="Where: a unit, by name.")]
AllOption = Annotated[bool, typer.Option("--all", help="Where: everywhere.")]


def places(
    area: list[str] | None, group: list[int] | None, unit: list[str] | None, everyone: bool
) -> dict[str, Any]:
    """Return what the options say of places, as a `Request` takes it."""
    return {"areas": area or [], "groups": group or [], "units": unit or [], "everyone": everyone}


def seconds(text: str | None) -> float | None:
    """Return the seconds of `--for`.

    Raises:
        CannotTry: it is no duration.
    """
    from .errors import CannotTry
    from .times import duration

    try:
        return duration(text) if text else None
    except ValueError:
        step = tr("give for instance '90 s', '30 min', '2 h' or '7 d'")
        raise CannotTry(tr("'{text}' is no duration").format(text=text), step) from None


def begin(text: str | None) -> float | None:
    """Return when something begins, by `--at`: a slip in a date must not sound at once.

    Raises:
        CannotTry: it is no time, or over.
    """
    import time

    from .errors import CannotTry
    from .times import iso

    start_s = moment(text)
    if start_s is not None and start_s < time.time():
        step = tr("give a later --at, or leave it out to begin at once")
        raise CannotTry(tr("it would have begun at {start_s}").format(start_s=iso(start_s)), step)
    return start_s


def moment(text: str | None) -> float | None:
    """Return a time that says in which zone it is: here people write theirs, and logs have UTC.

    Raises:
        CannotTry: it is no time, or does not say so.
    """
    from .errors import CannotTry
    from .times import has_zone, parse

    if not text:
        return None
    try:
        found, is_sure = parse(text), has_zone(text)
    except ValueError:
        step = tr("give an ISO time, for instance 2026-07-31T08:30:00+08:00")
        raise CannotTry(tr("'{text}' is no time").format(text=text), step) from None
    if not is_sure:
        step = tr("add it, as in 2026-07-31T08:30+08:00, or Z for UTC")
        raise CannotTry(
            tr("'{text}' does not say in which time zone it is").format(text=text), step
        )
    return found


@contextmanager
def open_desk(registry: Path | None, db: Path | None) -> Iterator[Desk]:
    """Open store and registry, and the desk over them."""
    import time

    from .alert_desk import Desk

    with open_files.store(db) as store, open_files.registry(registry) as known:
        yield Desk(known, store, time.time)


def keys_of(files: Sequence[Path] | None, later: Callable[[], Sequence[Issuer]] = tuple) -> Keys:
    """Return what opens issuers' keys: each with the passphrase of whichever file opens it.

    Args:
        files: hold passphrases; who is in none of them is asked for his, if there are fewer files
            than keys.
        later: returns who signs what follows: their keys are opened with the first ones, or none.
    """
    from .issuer_keys import read_passphrase
    from .signed_commands import Signer

    opened: dict[Issuer, PrivateKey] = {}

    def keys(issuers: Sequence[Issuer]) -> list[Signer]:
        wanted = list(dict.fromkeys([*issuers, *later()]))
        by_file = {file: read_passphrase(file) for file in files or []}
        for issuer in wanted:
            if issuer not in opened:
                opened[issuer] = _opened(issuer, by_file, may_ask=len(by_file) < len(wanted))
        return [Signer(issuer, opened[issuer]) for issuer in issuers]

    return keys


def _opened(issuer: Issuer, by_file: dict[Path, str], may_ask: bool) -> PrivateKey:
    """Open a key with one of some passphrases, or with what a person types."""
    from .asking import is_anybody_there, passphrase
    from .issuer_keys import WrongPassphrase, key_path, load

    for secret in by_file.values():
        with suppress(WrongPassphrase):
            return load(issuer, lambda _, secret=secret: secret)  # type: ignore
    if not by_file or (may_ask and is_anybody_there()):
        return load(issuer, lambda _: passphrase(issuer.name, None))
    tried = ", ".join(map(str, by_file))
    message = tr("{key_path} does not open with this passphrase, the first line of").format(
        key_path=key_path(issuer.name)
    )
    step = tr("name a file with that of {name}: --key-file FILE, once for each issuer").format(
        name=issuer.name
    )
    raise WrongPassphrase(f"{message} {tried}", step)


def confirmed(desk: Desk, plan: Plan, keys: Keys, yes: bool, as_json: bool) -> Order:
    """Tell what is going to happen, have it confirmed, and hand it to the collector.

    Who is asked is told, also where the answer is JSON: nobody says yes to what he has not read.
    """
    from .asking import confirm, is_asked
    from .output import remark

    for line in (*plan.summary, *plan.notes):
        remark(line, as_json and not is_asked(yes))
    confirm(tr("Send it?"), yes)
    return desk.send(plan, keys)


def ordered(
    desk: Desk, plan: Plan, files: list[Path] | None, yes: bool, wait: float, as_json: bool
) -> None:
    """Have it confirmed, hand it to the collector, and tell what became of it if that is asked."""
    from fieldbeat.protocols.command import ALERT, STATUS

    from .alert_report import Report
    from .handover import going_on, must_be_sent, unsent
    from .output import print_json, say
    from .record_words import kind_name

    order = confirmed(desk, plan, keys_of(files), yes, as_json)
    id_, name = order.id.hex(), tr(kind_name(order.kind))
    end = (
        tr("end it with 'fieldbeat alert cancel {id}'").format(id=id_[:6])
        if order.kind == ALERT
        else ""
    )
    look = tr("see 'fieldbeat alert status {id}'{value}").format(
        id=id_[:6], value=end and f", {end}"
    )
    with going_on(f"{name} {id_}", look):
        why = unsent(desk.store, order)
        if as_json and (why or not wait):
            print_json(plan_as_map(plan, order) | {"sent": not why})
        must_be_sent(order, tr("{name} {id} is ordered").format(name=name, id=id_), why, end)
        if not as_json:
            see = tr("who sounds") if order.kind == ALERT else tr("what became of it")
            say(
                tr("{name} {id} is ordered; see {see}: fieldbeat alert status {id_2}").format(
                    name=name, id=id_, see=see, id_2=id_[:6]
                )
            )
            if order.kind == STATUS:
                say(tr("what they say: fieldbeat show"))
            for line in plan.talking:
                say(
                    tr("to be heard live, begin within 30 s (POLE: the address of a loudspeaker):")
                )
                print(line, flush=True)  # as it is, to be copied
        if wait:
            report = Report(desk.store, id_, every_unit=False)
            report.wait(wait, as_json)
            report.tell(as_json, wait)


def order_and_wait(
    desk: Desk,
    plan: Plan,
    what: str,
    answer: Callable[[Store, Order], Found],
    files: list[Path] | None,
    yes: bool,
    wait_s: float,
    as_json: bool,
) -> tuple[Order, Found]:
    """Have an order to one unit confirmed, hand it to the collector, and wait for its end.

    Args:
        what: it and its unit, in words.
        answer: returns what has become of it until now.
    """
    from . import unit_orders
    from .handover import going_on

    order = confirmed(desk, plan, keys_of(files), yes, as_json)
    with going_on(what, tr("see '{status}'").format(status=status_verb(order))):
        return order, unit_orders.wait(answer, desk.store, order, wait_s)


def status_verb(order: Order) -> str:
    """Return the command line that shows what became of an order."""
    return tr("fieldbeat alert status {id}").format(id=order.id.hex()[:6])


def plan_as_map(plan: Plan, order: Order) -> dict[str, Any]:
    """Return what was ordered, for JSON."""
    places = {"units": len(plan.units), "commands": len(plan.asked)}
    told = {"summary": plan.summary, "notes": plan.notes, "issuers": order.issuers}
    talking = {"talking": plan.talking} if plan.talking else {}
    return {"id": order.id, **places, **told, **talking, "expires_s": order.expires_s}
