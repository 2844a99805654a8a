"""Lock, unlock and rebuild the registry, which has the keys of all units."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..language import tr
from ..output import JsonOption, RegistryOption, print_json, remark, say
from ..wide_text import padded

if TYPE_CHECKING:
    from ..registered_unit import Unit
    from ..registry import Registry

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def registry() -> None:
    """Lock, unlock and rebuild the registry, which has the keys of all units.

    \b
    Example:
        fieldbeat registry status
        fieldbeat registry lock --key-file /media/stick/site.key
    """


@app.command()
def status(registry: RegistryOption = None, as_json: JsonOption = False) -> None:
    """Tell whether keys are sealed, by what, and whether it opens here.

    \b
    Example:
        fieldbeat registry status
    """
    from ..errors import CannotTry, FieldbeatError

    with closing(existing(registry)) as units:
        state = _state(units)
        problem: FieldbeatError | None = None
        try:
            units.vault.make_ready()
        except CannotTry as error:
            problem = error
    if as_json:
        print_json(state | {"opens": problem is None})
    else:
        say(_told(state))
    if problem:
        raise problem


@app.command()
def lock(
    key_file: Path | None = typer.Option(
        None, help="A file that opens it; made if there is none. Default: beside the registry."
    ),
    passphrase: bool = typer.Option(False, "--passphrase", help="Ask for a passphrase instead."),
    passphrase_file: Path | None = typer.Option(
        None, help="The same, from the first line of a file."
    ),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Seal all keys and passwords, or change what opens them: new file, new passphrase.

    Each time everything is sealed anew, so that what opened it before opens older copies of the
    registry alone. A collector that runs has to be able to read the new file, see docs/keys.md.

    \b
    Example:
        fieldbeat registry lock
        fieldbeat registry lock --key-file /media/stick/site.key
        fieldbeat registry lock --passphrase
    """
    from .. import asking, sealing
    from ..errors import CannotTry

    by_passphrase = passphrase or passphrase_file is not None
    if key_file and by_passphrase:
        raise CannotTry(
            tr("it opens by a key file or by a passphrase, not by both"), tr("give one of them")
        )
    with closing(existing(registry)) as units:
        units.vault.make_ready()  # the old passphrase is asked for before the new one
        before = _state(units)["key_file"]
        if by_passphrase:
            text = asking.passphrase(str(units.path), passphrase_file, new=True)
            units.vault.lock_by(sealing.PASSPHRASE, sealing.passphrase_bytes(text))
        else:
            units.vault.lock_by_file(key_file or units.vault.key_file_of_new)
        _wipe(units, as_json)
        state = _state(units)
    if as_json:
        print_json(state)
        return
    say(_told(state))
    if state["key_file"]:
        say(tr("keep a copy of that file in a safe place, apart from copies of the registry"))
    else:
        text = tr(
            "a collector that runs cannot open it any more, and sends nobody anything: start it"
            " again at a terminal"
        )
        say(text)
    if before and before != state["key_file"]:
        text = tr("of this registry {file} opens older copies alone: keep it as long as those")
        say(text.format(file=before))


@app.command()
def unlock(
    yes: bool = typer.Option(False, "--yes", help="Do not ask for confirmation."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Store all keys and passwords in clear again: whoever can read the file has them.

    \b
    Example:
        fieldbeat registry unlock --yes
    """
    from ..asking import confirm

    with closing(existing(registry)) as units:
        confirm(tr("Store the keys in {path} in clear?").format(path=units.path), yes)
        units.vault.unlock()
        units.is_first_time(_ADVICE)
        state = _state(units)
    if as_json:
        print_json(state)
    else:
        say(_told(state))


@app.command()
def rebuild(
    port: str = typer.Option(help="Serial port of the unit."),
    code_file: Path | None = typer.Option(
        None,
        help="File whose first line is its code, if it is locked; default: $FIELDBEAT_CODE, then "
        "it is asked for.",
    ),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enter a unit again after the registry was lost, and give it a new key.

    A unit never tells its key, so it gets a new one; what it holds is sent under that. Run it at
    each unit, and again after an interruption. Where nobody has written down its code, its flash
    is to be erased and it is a new unit.

    \b
    Example:
        fieldbeat registry rebuild --port /dev/ttyUSB0
        fieldbeat registry rebuild --port /dev/ttyUSB0 --code-file gh-07.code
    """
    from .. import succession, unit_code
    from ..registry import Registry
    from ..smp_link import SmpLink

    with (
        closing(Registry(registry)) as units,
        SmpLink(port, remark=lambda text: remark(text, as_json)) as link,
    ):
        done, lost = succession.rebuild(
            units, link, progress(as_json), lambda: unit_code.find(code_file)
        )
    if as_json:
        print_json(vars(done) | {"lost": lost})
        return
    for text in lost:
        say(text)


def progress(as_json: bool) -> Callable[[str, str], None]:
    """Return what tells a person each step of work at a unit."""

    def tell(step: str, text: str) -> None:
        if not as_json:
            say(f"{padded(tr(step), 9)} {text}", indent=10)

    return tell


_ADVICE = "told how to lock"


def advise(units: Registry, as_json: bool) -> None:
    """Tell once how to lock a registry that was made before registries were locked."""
    if not as_json and units.vault.lock() is None and units.is_first_time(_ADVICE):
        text = tr("the keys in {path} are stored in clear; 'fieldbeat registry lock' seals them")
        remark(text.format(path=units.path))


def existing(path: Path | None) -> Registry:
    """Open a registry and bring it up to date, but make none.

    Raises:
        CannotTry: there is none.
    """
    from .. import open_files
    from ..registry import Registry

    return Registry(open_files.must_be_registry(path))


def known_unit(units: Registry, name: str) -> Unit:
    """Return a unit of a registry.

    Raises:
        CannotTry: it has none of that name.
    """
    from ..errors import CannotTry

    unit = units.unit(name)
    if unit is None:
        message = tr("{unit} is not in {registry}").format(unit=name, registry=units.path)
        known = ", ".join(each.name for each in units.units()) or tr("none")
        raise CannotTry(message, tr("known: {names}").format(names=known))
    return unit


def _wipe(units: Registry, as_json: bool) -> None:
    from ..database import DatabaseError

    try:
        wiped = units.database.wipe()
    except DatabaseError:
        wiped = False
    if not wiped:
        text = tr(
            "another program is using {path}: keys in clear may be left in its log; end that"
            " program and lock it once more"
        )
        remark(text.format(path=units.path), as_json)


def _state(units: Registry) -> dict[str, Any]:
    lock = units.vault.lock()
    by = lock.wrapped.by if lock else None
    file = units.path.absolute().parent / lock.place if lock and lock.place else None
    return {"registry": str(units.path), "locked_by": by, "key_file": file and str(file)}


def _told(state: dict[str, Any]) -> str:
    if state["key_file"]:
        text = tr("{registry} is locked by the key file {key_file}")
    elif state["locked_by"]:
        text = tr("{registry} is locked by a passphrase")
    else:
        text = tr("{registry} is not locked: whoever can read it has the keys of all units")
    return text.format(**state)
