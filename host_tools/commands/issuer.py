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
from ..language import tr
from ..output import DbOption, JsonOption, RegistryOption, print_json, print_table, remark, say
from ..wording import counted
from . import issuer_units

if TYPE_CHECKING:
    from ..issuers import Issuer
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
    new_issuer.tell(made)
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


app.command()(issuer_units.send)
app.command()(issuer_units.rotate)
app.command()(issuer_units.status)
