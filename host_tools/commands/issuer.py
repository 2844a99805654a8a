"""Make, list, change and revoke the keys of those who may give orders to units."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .. import open_files
from ..asking import PassphraseFileOption
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
from ..output import DbOption, JsonOption, RegistryOption, print_json, print_table, remark, say
from ..wording import counted

if TYPE_CHECKING:
    from ..alert_desk import Desk
    from ..coverage import Coverage
    from ..handover import Reason
    from ..issuers import Issuer
    from ..orders import Order
    from ..registered_unit import Unit

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Class(StrEnum):
    DAILY = "daily"
    DRILL = "drill"
    EMERGENCY = "emergency"


class Algorithm(StrEnum):
    ES256 = "es256"
    SM2 = "sm2"


@app.callback()
def issuer() -> None:
    """Make, list, change and revoke the keys of those who may give orders to units.

    Orders are alerts, pictures, what actuators do, and operations that are noted.

    \b
    Example:
        fieldbeat issuer new county
        fieldbeat issuer send --all
        fieldbeat issuer rotate county county-2
        fieldbeat issuer status
    """


@app.command()
def new(
    name: str = typer.Argument(help="Who it is: 1 to 32 lower-case letters, digits and '-'."),
    highest: Class = typer.Option(
        Class.EMERGENCY,
        "--class",
        help="The highest class of alerts allowed; 'daily' is enough for all other orders.",
    ),
    level: int = typer.Option(
        1, min=1, max=4, help="The highest level allowed, 1 for all; 4 is the least."
    ),
    algorithm: Algorithm = typer.Option(Algorithm.ES256, help="sm2 where a site must use it."),
    key_file: PassphraseFileOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the key of an issuer: the private half in an encrypted file, the public one listed.

    \b
    Example:
        fieldbeat issuer new county
        fieldbeat issuer new grower --class daily --level 4
        fieldbeat issuer new school --class drill --level 3 --key-file school.pass
    """
    from .. import issuer_keys, new_issuer
    from ..issuers import ALGORITHMS, CLASSES, IssuerError, Issuers
    from ..registry import Registry

    with closing(Registry(registry)) as units:
        rights = CLASSES.index(highest), level
        issuers = Issuers(units)
        made = new_issuer.make(issuers, name, ALGORITHMS[algorithm], *rights, key_file)
        try:
            issuers.list_for_units()
        except IssuerError as error:
            remark(str(error), as_json)
    if as_json:
        path = issuer_keys.key_path(name)
        print_json(made.as_map() | {"key_file": str(path)})
        return
    _tell_made(made)
    say(tr("units obey it once they are told: 'fieldbeat provision', also of one that works;"))
    say(
        tr(
            "loudspeakers and cameras that obey somebody already, over the air, too: "
            "'fieldbeat issuer send --unit NAME'"
        )
    )


@app.command("list")
def list_(registry: RegistryOption = None, as_json: JsonOption = False) -> None:
    """List the issuers of a registry with their rights, also the revoked ones.

    \b
    Example:
        fieldbeat issuer list
    """
    from ..issuers import Issuers
    from ..registry import Registry
    from ..times import iso

    with closing(Registry(registry)) as units:
        known = Issuers(units).all()
    if as_json:
        print_json([each.as_map() for each in known])
        return
    if not known:
        say(tr("no issuers yet; make one: fieldbeat issuer new NAME"))
        return
    rows = [
        (
            *(each.name, each.kid.hex(), each.algorithm_name, each.rights),
            tr("revoked {revoked_s}").format(revoked_s=iso(each.revoked_s))
            if each.revoked_s
            else tr("since {created_s}").format(created_s=iso(each.created_s)),
        )
        for each in known
    ]
    print_table(("Issuer", tr("Key id"), "Algorithm", tr("May order"), "State"), rows)


@app.command()
def revoke(
    name: str = typer.Argument(help="The issuer."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask for confirmation."),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an issuer out of office for good; a new key for the same name may follow.

    Units that know him obey him until they are told, by 'fieldbeat issuer send' or
    'provision'; they are listed.

    \b
    Example:
        fieldbeat issuer revoke county --yes
    """
    from .. import issuer_keys, issuer_orders, obedience, rule_orders
    from ..alert_desk import Desk
    from ..asking import confirm, is_asked
    from ..issuers import Issuers
    from ..registry import Registry

    spared = as_json and not is_asked(yes)
    with closing(Registry(registry)) as units, open_files.store_if_there(db) as store:
        issuers, desk = Issuers(units), Desk(units, store, units.now) if store else None
        known = issuers.get(name)
        everybody = obedience.everybody(units, store)
        obeyed_by = obedience.obeyed_by(units, known, everybody)
        lost = obedience.cut_off(everybody, known, issuers.in_office())
        silenced = issuer_orders.silenced(desk, known) if desk else []
        go_on = rule_orders.signed_by(desk, known) if desk else []
        for line in [*_of_cut_off(name, lost), *silenced, *go_on]:
            remark(line, spared)
        confirm(
            tr("Revoke issuer {name} (key id {kid}) for good?").format(
                name=name, kid=known.kid.hex()
            ),
            yes,
        )
        if desk:  # first: once he is revoked, nobody runs it again
            issuer_orders.withdraw(desk, known)
        issuers.revoke(name)
    aside = issuer_keys.retire(known)
    if as_json:
        told = {"obeyed_by": obeyed_by, "cut_off": [unit.name for unit in lost]}
        print_json({"revoked": name, "kid": known.kid} | told | {"silenced": silenced})
    else:
        _tell_revoked(known, aside, obeyed_by)


def _of_cut_off(name: str, lost: list[Unit]) -> list[str]:
    from ..alert_words import names

    if not lost:
        return []
    step = tr("make another issuer first, and tell them: 'fieldbeat issuer new', 'send'")
    return [
        tr("CANNOT BE TOLD over the air once {name} is revoked: {names}").format(
            name=name, names=names(lost)
        ),
        tr("too few would be left whom they obey; {step}").format(step=step),
    ]


def _tell_revoked(gone: Issuer, aside: Path | None, obeyed_by: list[str]) -> None:
    say(
        tr("issuer {name} ({kid}) is revoked: nothing is signed with this key any more").format(
            name=gone.name, kid=gone.kid.hex()
        )
    )
    if aside:
        remark(tr("its private key was moved to {aside}").format(aside=aside))
    if not obeyed_by:
        say(tr("no unit was told of it"))
        return
    count = counted(len(obeyed_by), "unit")
    how = tr("'fieldbeat issuer send --all', or provision each one again")
    say(
        tr("whoever has this key is still obeyed by {count}, until you tell them: {how}:").format(
            count=count, how=how
        )
    )
    for unit in obeyed_by:
        say(f"  {unit}")


@app.command()
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


@app.command()
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


@app.command()
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


def _tell_made(made: Issuer) -> None:
    from .. import issuer_keys

    say(
        tr("issuer {name}: key id {kid}, may order {rights}").format(
            name=made.name, kid=made.kid.hex(), rights=made.rights
        )
    )
    path = issuer_keys.key_path(made.name)
    say(tr("private key: {path}, encrypted; keep a copy of it in a safe place").format(path=path))


def _successor(desk: Desk, old: Issuer, name: str, file: Path | None, as_json: bool) -> Issuer:
    """Return the issuer in office of a name; a new one has the rights and algorithm of the old."""
    from .. import new_issuer

    for each in desk.issuers.in_office():
        if each.name == name:
            return each
    rights = old.highest_class, old.highest_level
    made = new_issuer.make(desk.issuers, name, old.algorithm, *rights, file)
    if not as_json:
        _tell_made(made)
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
