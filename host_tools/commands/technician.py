"""Make, list and revoke the keys of those who sign certificates of units."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import typer

from ..asking import PassphraseFileOption
from ..output import JsonOption, RegistryOption, print_json, print_table, say

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def technician() -> None:
    """Make, list and revoke the keys of those who sign certificates of units.

    \b
    Example:
        fieldbeat technician new li
        fieldbeat technician export --out technicians.json
    """


@app.command()
def new(
    name: str = typer.Argument(help="Who it is: 1 to 32 lower-case letters, digits and '-'."),
    days: int = typer.Option(730, min=1, max=3660, help="For how long the key counts."),
    key_file: PassphraseFileOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the key of a technician: the private half in an encrypted file, the public one listed.

    \b
    Example:
        fieldbeat technician new li
        fieldbeat technician new li --days 365 --key-file li.pass
    """
    from .. import issuer_keys
    from ..asking import passphrase
    from ..language import tr
    from ..node_tables import check_name
    from ..registry import Registry
    from ..technicians import Technicians
    from ..times import iso

    check_name(name)
    with closing(Registry(registry)) as units:
        made = Technicians(units).new(name, days, passphrase(name, key_file, new=True))
    path = issuer_keys.key_path(name, issuer_keys.TECHNICIAN)
    if as_json:
        print_json(made.as_map() | {"key_file": str(path)})
        return
    text = tr("technician {name}: key id {kid}, counts until {until}")
    say(text.format(name=name, kid=made.kid.hex(), until=iso(made.expires_s)))
    say(tr("private key: {path}, encrypted; keep a copy of it in a safe place").format(path=path))


@app.command("list")
def list_(registry: RegistryOption = None, as_json: JsonOption = False) -> None:
    """List the technicians of a registry, also the revoked ones.

    \b
    Example:
        fieldbeat technician list
    """
    from ..language import tr
    from ..registry import Registry
    from ..technicians import Technicians
    from ..times import iso

    with closing(Registry(registry)) as units:
        known = Technicians(units).all()
    if as_json:
        print_json([each.as_map() for each in known])
        return
    if not known:
        say(tr("no technicians yet; make one: fieldbeat technician new NAME"))
        return
    columns = tr("Technician"), tr("Key id"), tr("Since"), tr("Until"), tr("Revoked")
    rows = [
        (each.name, each.kid.hex(), *map(iso, (each.created_s, each.expires_s, each.revoked_s)))
        for each in known
    ]
    print_table(columns, rows)


@app.command()
def revoke(
    name: str = typer.Argument(help="The technician."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask for confirmation."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the time of a technician's key; what was signed before counts as it did.

    Who verifies by a file of keys needs a new one: 'fieldbeat technician export'.

    \b
    Example:
        fieldbeat technician revoke li --yes
    """
    from ..asking import confirm
    from ..language import tr
    from ..registry import Registry
    from ..technicians import Technicians

    with closing(Registry(registry)) as units:
        confirm(tr("Revoke technician {name} for good?").format(name=name), yes)
        gone = Technicians(units).revoke(name)
    if as_json:
        print_json(gone.as_map())
        return
    text = tr("technician {name} ({kid}) is revoked; give out the keys anew: {command}")
    command = "fieldbeat technician export"
    say(text.format(name=name, kid=gone.kid.hex(), command=command))


@app.command()
def export(
    out: Path = typer.Option(..., "--out", help="The file to write, JSON."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the public keys of all technicians into a file, for those who verify offline.

    It holds nothing secret. Who gets it has to be sure that it comes from you.

    \b
    Example:
        fieldbeat technician export --out technicians.json
    """
    from ..files import write_atomically
    from ..language import tr
    from ..registry import Registry
    from ..technicians import Technicians, to_file

    with closing(Registry(registry)) as units:
        known = Technicians(units).all()
    write_atomically(out, to_file(known))
    if as_json:
        print_json({"file": str(out), "technicians": [each.name for each in known]})
        return
    names = ", ".join(each.name for each in known) or "-"
    say(tr("{file}: {names}").format(file=out, names=names))
