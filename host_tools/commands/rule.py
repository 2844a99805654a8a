"""What loudspeakers sound by themselves: set rules, take them away, see who has them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

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
    YesOption,
    confirmed,
    keys_of,
    open_desk,
    places,
    seconds,
)
from ..language import tr
from ..output import DbOption, JsonOption, RegistryOption, console, print_json, say

if TYPE_CHECKING:
    from ..alarm_rules import RuleSet
    from ..rule_orders import Sounding, Standing

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def rule() -> None:
    """What loudspeakers sound by themselves, when one of their sensors says so.

    \b
    Example:
        fieldbeat rule set river_rules.toml --area riverside
        fieldbeat rule list
    """


@app.command("set")
def set_(
    file: Path = typer.Argument(help="The rules: a file like docs/examples/river_rules.toml."),
    area: AreaOption = None,
    group: GroupOption = None,
    unit: UnitOption = None,
    everyone: AllOption = False,
    for_: str | None = typer.Option(
        None, "--for", help="How long it is tried to send them, default '7 d'."
    ),
    issuer: IssuerOption = None,
    key_file: KeyFileOption = None,
    yes: YesOption = False,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set the rules of loudspeakers, in place of all that they have.

    They are signed like an emergency of level 1. From then on a loudspeaker sounds them by itself,
    also when nobody can be reached.

    \b
    Example:
        fieldbeat rule set river_rules.toml --area riverside
    """
    from ..alarm_rules import load

    where = places(area, group, unit, everyone)
    _send(load(file), where, seconds(for_), issuer, key_file, yes, db, registry, as_json)


@app.command()
def clear(
    area: AreaOption = None,
    group: GroupOption = None,
    unit: UnitOption = None,
    everyone: AllOption = False,
    issuer: IssuerOption = None,
    key_file: KeyFileOption = None,
    yes: YesOption = False,
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take all rules away; what sounds by one of them stops.

    \b
    Example:
        fieldbeat rule clear --unit speaker-01
    """
    where = places(area, group, unit, everyone)
    _send(None, where, None, issuer, key_file, yes, db, registry, as_json)


@app.command("list")
def list_(
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the rules of every loudspeaker, whether the last ones are stored, and what sounded.

    The exit code is 1 if somebody refused, is silent, or has lost rules by an update.

    \b
    Example:
        fieldbeat rule list
    """
    import time

    from ..rule_orders import soundings, standings

    with open_files.store(db) as store:
        found, heard = standings(store, time.time()), soundings(store)
    if as_json:
        sounded = [_sounding_map(each) for each in heard]
        print_json({"units": [_standing_map(each) for each in found], "sounded": sounded})
    elif not found and not heard:
        say(tr("no rules were sent yet; send some: fieldbeat rule set --help"))
    else:
        for made in _tables(found, heard):
            console().print(made)
    if any(each.state in ("refused", "silent", "gone") for each in found):
        raise typer.Exit(1)


def _send(
    rules: RuleSet | None,
    where: dict[str, Any],
    for_s: float | None,
    issuer: list[str] | None,
    key_file: list[Path] | None,
    yes: bool,
    db: Path | None,
    registry: Path | None,
    as_json: bool,
) -> None:
    from ..alert_request import Request
    from ..handover import going_on, must_be_sent, unsent
    from ..rule_orders import plan_rules

    request = Request(for_s=for_s, issuers=issuer or [], **where)
    with open_desk(registry, db) as desk:
        plan = plan_rules(desk, rules, request)
        order = confirmed(desk, plan, keys_of(key_file), yes, as_json)
        with going_on(plan.told, tr("see 'fieldbeat rule list'")):
            why = unsent(desk.store, order)
    if as_json:
        told = {"summary": plan.summary, "notes": plan.notes, "issuers": order.issuers}
        print_json({"id": order.id, "units": len(plan.units), **told, "sent": not why})
    must_be_sent(order, tr("{told}; ordered").format(told=plan.told), why)
    if as_json:
        return
    say(tr("{told}; ordered, see who has stored it: fieldbeat rule list").format(told=plan.told))


# What it shows


def _tables(found: list[Standing], heard: list[Sounding]) -> list[Any]:
    from rich.text import Text

    from ..alarm_rule_words import condition
    from ..styles import BAD, GOOD, ODD
    from ..tables import table
    from ..times import iso

    made = []
    if found:
        columns = "Unit", "Area", "Has", "Since", tr("Last order"), "Reason"
        units = table("Rules", columns)
        for each in found:
            rules = (
                tr("nothing told") if each.rules is None else "\n".join(map(condition, each.rules))
            )
            style = {"stored": GOOD, "waiting": ODD}.get(each.state, BAD)
            row = Text(rules or tr("none")), iso(each.since_s), Text(tr(each.state), style=style)
            units.add_row(Text(each.unit), Text(each.area), *row, Text(each.why))
        made.append(units)
    if heard:
        sounded = table("Sounded", ("Unit", "Rule", "When", "Value", "Stage", "Reason"))
        for each_heard in heard:
            at = (
                iso(each_heard.at_s)
                if each_heard.at_s
                else tr("before {heard_s}").format(heard_s=iso(each_heard.heard_s))
            )
            value = f"{each_heard.channel} {each_heard.value}"
            what = str(each_heard.rule), at, Text(value), each_heard.stage, Text(each_heard.why)
            sounded.add_row(Text(each_heard.unit), *what)
        made.append(sounded)
    return made


def _standing_map(each: Standing) -> dict[str, Any]:
    from ..alarm_rule_words import condition

    rules = None
    if each.rules is not None:
        rules = [rule._asdict() | {"told": condition(rule)} for rule in each.rules]
        rules = [rule | {"alert": rule["alert"]._asdict()} for rule in rules]
    return {
        "unit": each.unit,
        "area": each.area,
        "order": each.order.id,
        "told": each.order.told,
        "state": each.state,
        "why": each.why or None,
        "rules": rules,
        "since_s": each.since_s,
    }


def _sounding_map(each: Sounding) -> dict[str, Any]:
    return {
        "unit": each.unit,
        "rule": each.rule,
        "channel": each.channel,
        "value": each.value,
        "at_s": each.at_s,
        "heard_s": each.heard_s,
        "stage": each.stage or None,
        "why": each.why or None,
        "proof": each.proof,
    }
