"""Make, list and revoke the keys of those who may issue alerts."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..output import JsonOption, RegistryOption, print_json, print_table, remark, say

if TYPE_CHECKING:
    from ..issuers import Issuer

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
    """Make, list and revoke the keys of those who may issue alerts.

    \b
    Example:
        fieldbeat issuer new county
    """


@app.command()
def new(
    name: str = typer.Argument(help="Who it is: 1 to 32 lower-case letters, digits and '-'."),
    highest: Class = typer.Option(Class.EMERGENCY, "--class", help="The highest class allowed."),
    level: int = typer.Option(1, min=1, max=4, help="The highest level allowed, 1 for all."),
    algorithm: Algorithm = typer.Option(Algorithm.ES256, help="sm2 where a site must use it."),
    key_file: Path | None = typer.Option(
        None, help="File whose first line is the passphrase; default: it is asked for."
    ),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the key of an issuer: the private half in an encrypted file, the public one listed.

    \b
    Example:
        fieldbeat issuer new county
        fieldbeat issuer new school --class drill --level 3 --key-file school.pass
    """
    from .. import issuer_keys
    from ..asking import passphrase
    from ..issuers import ALGORITHMS, CLASSES, Issuers
    from ..node_config import check_name
    from ..registry import Registry

    check_name(name)
    units = Registry(registry)
    try:
        secret = passphrase(name, key_file, new=True)
        key = issuer_keys.generate(ALGORITHMS[algorithm])
        made = Issuers(units).add(
            *(name, key.algorithm, key.public, CLASSES.index(highest), level),
            also=lambda _: issuer_keys.save(name, key, secret),
        )
    finally:
        units.close()
    path = issuer_keys.key_path(name)
    if as_json:
        print_json(_as_map(made) | {"key_file": str(path)})
        return
    say(f"issuer {name}: key id {made.kid.hex()}, may order {made.rights}")
    say(f"private key: {path}, encrypted; keep a copy of it in a safe place")
    say("loudspeakers obey it once they are told: provision them again")


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

    units = Registry(registry)
    try:
        known = Issuers(units).all()
    finally:
        units.close()
    if as_json:
        print_json([_as_map(each) for each in known])
        return
    if not known:
        say("no issuers yet; make one: fieldbeat issuer new NAME")
        return
    rows = [
        (
            *(each.name, each.kid.hex(), each.algorithm_name, each.rights),
            f"revoked {iso(each.revoked_s)}" if each.revoked_s else f"since {iso(each.created_s)}",
        )
        for each in known
    ]
    print_table(("Issuer", "Key id", "Algorithm", "May order", "State"), rows)


@app.command()
def revoke(
    name: str = typer.Argument(help="The issuer."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask for confirmation."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an issuer out of office for good; a new key for the same name may follow.

    Loudspeakers that know him obey him until they are provisioned again; they are listed.

    \b
    Example:
        fieldbeat issuer revoke county --yes
    """
    from .. import issuer_keys
    from ..asking import confirm
    from ..issuers import Issuers
    from ..registry import Registry

    units = Registry(registry)
    try:
        issuers = Issuers(units)
        known = issuers.get(name)
        obeyed_by = issuers.obeyed_by(known)
        confirm(f"Revoke issuer {name} (key id {known.kid.hex()}) for good?", yes)
        issuers.revoke(name)
    finally:
        units.close()
    aside = issuer_keys.retire(known)
    if as_json:
        print_json({"revoked": name, "kid": known.kid, "obeyed_by": obeyed_by})
        return
    say(f"issuer {name} ({known.kid.hex()}) is revoked: nothing is signed with this key any more")
    if aside:
        remark(f"its private key was moved to {aside}")
    if not obeyed_by:
        say("no loudspeaker was told of it")
        return
    count = f"{len(obeyed_by)} loudspeaker{'s' * (len(obeyed_by) != 1)}"
    say(f"whoever has this key can still make {count} sound, until you provision each one again:")
    for unit in obeyed_by:
        say(f"  {unit}")


def _as_map(issuer: Issuer) -> dict[str, Any]:
    from ..issuers import CLASSES
    from ..times import iso

    return {
        "name": issuer.name,
        "kid": issuer.kid,
        "algorithm": issuer.algorithm_name,
        "key": issuer.key,
        "class": CLASSES[issuer.highest_class],
        "level": issuer.highest_level,
        "created": iso(issuer.created_s),
        "revoked": iso(issuer.revoked_s) or None,
    }
