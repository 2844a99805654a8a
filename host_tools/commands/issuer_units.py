"""Whom units obey, over the air: `fieldbeat issuer send`, `rotate` and `status`."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..at_desk import (
    AllOption,
    AreaOption,
    GroupOption,
    IssuerOption,
    KeyFileOption,
    UnitOption,
    WaitOption,
    YesOption,
    confirmed,
    keys_of,
    open_desk,
)
from ..language import tr
from ..output import DbOption, JsonOption, RegistryOption, print_json, print_table, say

if TYPE_CHECKING:
    from ..alert_desk import Desk
    from ..coverage import Coverage
    from ..handover import Reason
    from ..issuers import Issuer
    from ..orders import Order


def send(
    area: AreaOption = None,
    group: GroupOption = None,
    unit: UnitOption = None,
    everyone: AllOption = False,
    issuer: IssuerOption = None,
    key_file: KeyFileOption = None,
    yes: YesOption = False,
    wait: WaitOption = 0,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell loudspeakers and cameras over the air to obey those in office, and nobody else.

    Each is told what it lacks, by what it said last. It is signed by somebody whom they obey and
    who may order emergencies of level 1. Who gets it within a week obeys; see 'issuer status'.
    What a revoked issuer has ordered and what has not ended yet goes silent. The exit code is 1 if
    nobody was sent it, or somebody refused it; with --wait also if somebody has not answered.

    \b
    Example:
        fieldbeat issuer send --all --wait 30
    """
    from .. import alert_places, issuer_orders, obedience
    from ..handover import must_be_sent

    with open_desk(registry, db) as desk:
        known = [each.unit for each in obedience.everybody(desk.registry, desk.store)]
        obedience.must_obey(desk.registry, known, unit or [])
        asked = area or [], group or [], unit or []
        parts = alert_places.choose(desk.registry, *asked, everyone, known)
        units = [each for part in parts for each in part.units]
        plan = issuer_orders.send(desk, units, issuer or [])
        order = confirmed(desk, plan, keys_of(key_file), yes, as_json)
        found, why = _wait(desk, order, wait, as_json, tr("see 'fieldbeat issuer status'"))
        _tell_status(desk, as_json)
        must_be_sent(order, tr("whom to obey is ordered"), why)
        if found.has_failed or (wait and not found.is_decided):
            raise typer.Exit(1)


def rotate(
    old: str = typer.Argument(help="The issuer whose key is to go."),
    new_name: str = typer.Argument(metavar="NEW", help="His successor; made if there is none."),
    partly: bool = typer.Option(
        False, "--partly", help="Revoke the old one where the new one is known, though not all do."
    ),
    silence: bool = typer.Option(
        False, "--silence", help="Also if an alert of the old one goes silent by it."
    ),
    issuer: IssuerOption = None,
    key_file: KeyFileOption = None,
    new_key_file: Path | None = typer.Option(
        None, help="File whose first line is the passphrase of NEW; default: it is asked for."
    ),
    yes: YesOption = False,
    wait: WaitOption = 30,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace an issuer's key over the air; run it again until it says that it is done.

    First every loudspeaker and camera is told of the new one, signed by the old one. Once all have
    said that they obey the new one they are told to forget the old one, signed by the new one; and
    once all have, the old one is revoked here, too. Until then they obey both. One that sleeps
    hears of it when it wakes. The exit code is 1 if one of them refused.

    \b
    Example:
        fieldbeat issuer rotate county county-2
    """
    from ..handover import must_be_sent
    from ..issuer_rotation import Turn

    with open_desk(registry, db) as desk:
        before = desk.issuers.get(old)
        after = _successor(desk, before, new_name, new_key_file, as_json)
        turn = Turn(desk, before, after, issuer or [])
        files = [*(key_file or []), *([new_key_file] if new_key_file else [])]
        keys = keys_of(files, turn.signers)
        while plan := turn.plan(partly, silence):
            order = confirmed(desk, plan, keys, yes, as_json)
            _, why = _wait(desk, order, wait, as_json, tr("run the same command again"))
            must_be_sent(order, tr("'{told}' is ordered").format(told=plan.told), why)
        finished = turn.finish()
        _tell_status(desk, as_json, None if as_json else turn.told(finished))
        if not finished and turn.refusals():
            raise typer.Exit(1)


def status(
    db: DbOption = None, registry: RegistryOption = None, as_json: JsonOption = False
) -> None:
    """Show whom each loudspeaker and camera obeys, by what it said last, and the last order.

    The exit code is 1 if one of them does not obey exactly those in office.

    \b
    Example:
        fieldbeat issuer status
    """
    with open_desk(registry, db) as desk:
        if not _tell_status(desk, as_json):
            raise typer.Exit(1)


def _successor(desk: Desk, old: Issuer, name: str, file: Path | None, as_json: bool) -> Issuer:
    """Return the issuer in office of a name; a new one has the rights and algorithm of the old."""
    from .. import new_issuer

    for each in desk.issuers.in_office():
        if each.name == name:
            return each
    rights = old.highest_class, old.highest_level
    made = new_issuer.make(desk.issuers, name, old.algorithm, *rights, file)
    if not as_json:
        new_issuer.tell(made)
    return made


def _wait(
    desk: Desk, order: Order, wait_s: float, as_json: bool, step: str
) -> tuple[Coverage, Reason | None]:
    """Wait for the answers; return what became of it, and why nobody was sent it, if so."""
    from ..alert_report import Report
    from ..handover import going_on, sleepers, unsent

    asleep = sleepers(desk.registry)
    report = Report(desk.store, order.id.hex(), False, asleep)
    with going_on(f"'{order.told}'", step):
        why = unsent(desk.store, order, asleep)
        if not why:
            report.wait(wait_s, as_json)
    return report.coverage(), why


def _tell_status(desk: Desk, as_json: bool, told: list[str] | None = None) -> bool:
    """Write whom each loudspeaker obeys; return whether all obey exactly those in office."""
    from .. import issuer_status

    rows = issuer_status.rows(desk)
    if as_json:
        print_json([row.as_map() for row in rows])
    else:
        print_table(issuer_status.HEAD, [row.cells() for row in rows])
        for line in told or []:
            say(line)
    return not any(row.is_odd for row in rows)
