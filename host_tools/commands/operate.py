"""Hold an actuator of a station at a value for a time."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import typer

from ..at_desk import (
    IssuerOption,
    KeyFileOption,
    YesOption,
    open_desk,
    order_and_wait,
    plan_as_map,
    seconds,
    status_verb,
)
from ..language import tr
from ..output import DbOption, JsonOption, RegistryOption, print_json, say


def operate(
    unit: str = typer.Argument(..., help="The station."),
    actuator: str = typer.Argument(..., help="Its name there, as [actuator.NAME] has it."),
    value: str = typer.Argument(
        ..., help="on, off, open, closed, 0 to 100, or auto: as the rules have it."
    ),
    for_: str | None = typer.Option(
        None, "--for", help="How long it is held, from when the unit hears of it, up to a day."
    ),
    issuer: IssuerOption = None,
    key_file: KeyFileOption = None,
    yes: YesOption = False,
    wait_s: float = typer.Option(
        0, "--wait", min=0, metavar="S", help="Wait so long until it is obeyed, or refused."
    ),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold an actuator at a value for a time; who may order a daily announcement may.

    After it the rules have it again. Limits, a switch on manual, an interlock and rules that
    override orders count all the same. The running collector ('fieldbeat collect') tells it when
    the unit reports. With --wait the exit code is 1 if it is not obeyed.

    \b
    Example:
        fieldbeat operate gh-07 roof 40 --for '20 min' --wait 120
        fieldbeat operate gh-07 roof auto
    """
    from .. import operation_orders
    from ..operation_orders import OBEYED

    wanted = operation_orders.value_of(value)
    with open_desk(registry, db) as desk:
        plan = operation_orders.plan(desk, unit, actuator, wanted, seconds(for_), issuer or [])
        what = tr("{told} at {unit}").format(told=plan.told, unit=unit)
        order, found = order_and_wait(
            desk, plan, what, operation_orders.answer, key_file, yes, wait_s, as_json
        )
        if wanted is not None:
            found = operation_orders.overruled(desk, unit, actuator, found)
    if as_json:
        told = {"unit": unit, "actuator": actuator, "value": wanted}
        print_json(plan_as_map(plan, order) | told | found.as_map())
    else:
        say(
            tr("{told} at {unit}: {state}{value}").format(
                told=plan.told, unit=unit, state=found.state, value=found.why and f", {found.why}"
            )
        )
        say(tr("what became of it: {status}").format(status=status_verb(order)))
        say(
            tr("what it does, once it has told: fieldbeat rules why {unit} {actuator}").format(
                unit=unit, actuator=actuator
            )
        )
    if wait_s and found.state != OBEYED:
        raise typer.Exit(1)
