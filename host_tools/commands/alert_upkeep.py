"""How loudspeakers are: `fieldbeat alert test` and `ask`."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

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
    open_desk,
    ordered,
    places,
    seconds,
)
from ..output import DbOption, JsonOption, RegistryOption


def test(
    silent: bool = typer.Option(False, "--silent", help="Without the tone of a second."),
    area: AreaOption = None,
    group: GroupOption = None,
    unit: UnitOption = None,
    everyone: AllOption = False,
    for_: str | None = typer.Option(None, "--for", help="How long it counts, default '10 min'."),
    issuer: IssuerOption = None,
    key_file: KeyFileOption = None,
    yes: YesOption = False,
    wait: WaitOption = 0,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have loudspeakers test themselves: supply, battery, amplifier, clips, and line current.

    None sounds while an alert does. 'fieldbeat alert status' shows who passed, and why others did
    not.

    \b
    Example:
        fieldbeat alert test --silent --all --wait 30
        fieldbeat alert test --unit speaker-01
    """
    from .. import upkeep
    from ..alert_request import Request

    where = places(area, group, unit, everyone)
    request = Request(silent=silent, issuers=issuer or [], for_s=seconds(for_), **where)
    with open_desk(registry, db) as desk:
        ordered(desk, upkeep.self_test(desk, request), key_file, yes, wait, as_json)


def ask(
    area: AreaOption = None,
    group: GroupOption = None,
    unit: UnitOption = None,
    everyone: AllOption = False,
    wait: WaitOption = 0,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask loudspeakers how they are: counters, battery, queue, whom they obey. Nobody signs it.

    They tell it by themselves once a day. 'fieldbeat show UNIT' shows what they said.

    \b
    Example:
        fieldbeat alert ask --unit speaker-01 --wait 10
    """
    from .. import upkeep
    from ..alert_request import Request

    with open_desk(registry, db) as desk:
        plan = upkeep.ask(desk, Request(**places(area, group, unit, everyone)))
        ordered(desk, plan, None, True, wait, as_json)
