"""Take a stolen or lost unit out of use."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from contextlib import closing

import typer

from ..language import tr
from ..output import JsonOption, RegistryOption, print_json, remark, say


def revoke(
    unit: str = typer.Argument(help="The unit."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask for confirmation."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a stolen or lost unit out of use: nothing that it sends counts, it is sent nothing.

    Its frames are refused and counted from now on. 'fieldbeat swap' puts another board in its
    place; if it is found, 'fieldbeat provision --rekey' takes it into use again.

    \b
    Example:
        fieldbeat revoke gh-07 --yes
    """
    from ..asking import confirm
    from ..key_table import WIFI_PASSWORD
    from ..registered_unit import REVOKED
    from .registry import existing, known_unit

    with closing(existing(registry)) as units:
        found = known_unit(units, unit)
        confirm(tr("Refuse all that {unit} sends from now on?").format(unit=unit), yes)
        with units.database.transaction():
            units.revoke_keys(found.kid)
            if found.mac:
                units.retire(found.mac, unit, "revoked")
            done = units.describe(unit, "revoked", f"epoch {found.epoch}", state=REVOKED)
        has_password = units.has_secret(unit, WIFI_PASSWORD)
    if has_password:
        text = tr(
            "whoever has it can read the password of its Wi-Fi: change it at the access point"
        )
        remark(text, as_json)
    if as_json:
        print_json(vars(done))
    else:
        say(tr("{unit} is revoked: what it sends is refused and counted").format(unit=unit))
