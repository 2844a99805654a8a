"""Whether the unit at a port is the one that is meant: else nothing is changed."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from . import retired_boards
from .language import tr
from .provisioning_plan import Plan
from .registered_unit import Unit
from .registry import Registry
from .unit_talk import Identity, ProvisioningError


def must_be(registry: Registry, name: str, identity: Identity, unit: Unit | None) -> None:
    """Refuse to give a key to another unit than the one that is meant."""
    if unit is None:
        message = tr("{unit} is not in {registry}")
        raise ProvisioningError(
            message.format(unit=name, registry=registry.path),
            tr("see 'fieldbeat show'; 'fieldbeat registry rebuild' enters a unit that is lost"),
        )
    if not unit.in_use:
        raise ProvisioningError(
            tr("{unit} is {state}").format(unit=name, state=unit.state),
            tr("if it is back, 'fieldbeat provision --rekey' takes it into use again"),
        )
    if identity.unit != name:
        message = tr("this board is {found}, not {unit}")
        found = identity.unit or tr("nobody yet")
        raise ProvisioningError(
            message.format(found=found, unit=name), tr("look at the label and the port")
        )
    if unit.mac and identity.mac and unit.mac != identity.mac:
        message = tr("{unit} is the board with MAC {known}, this one has {mac}")
        raise ProvisioningError(
            message.format(unit=name, known=unit.mac, mac=identity.mac),
            tr("'fieldbeat swap' puts this board in its place"),
        )


def must_be_same(registry: Registry, plan: Plan, identity: Identity) -> None:
    """Refuse to turn one unit into another by mistake."""
    known = registry.unit(plan.unit)
    if known and known.mac and identity.mac and known.mac != identity.mac:
        raise _takes_a_place(registry, known, identity)
    if identity.unit not in ("", plan.unit) and registry.unit(identity.unit):
        raise ProvisioningError(
            tr("this board is {unit}, not {unit_2}").format(unit=identity.unit, unit_2=plan.unit),
            tr("give '--unit {unit}', or --rekey to make it {unit_2} for good").format(
                unit=identity.unit, unit_2=plan.unit
            ),
        )
    retired = registry.retired(identity.mac)
    if retired and retired[0] != plan.unit:
        message = tr("this board (MAC {mac}) was {unit}, which is {why}")
        raise ProvisioningError(
            message.format(mac=identity.mac, unit=retired[0], why=retired[1]),
            tr("--rekey to make it {unit} for good").format(unit=plan.unit),
        )
    if known and not known.in_use:
        message = tr("{unit} is {state}").format(unit=plan.unit, state=known.state)
        raise ProvisioningError(message, tr("--rekey to take it into use again"))
    last = registry.unit_of_mac(identity.mac)
    if not identity.unit and last and last.name != plan.unit:
        raise ProvisioningError(
            tr("this board was {name} before it was erased (MAC {mac})").format(
                name=last.name, mac=identity.mac
            ),
            tr("give '--unit {name}', or --rekey to make it {unit} for good").format(
                name=last.name, unit=plan.unit
            ),
        )


def _takes_a_place(registry: Registry, known: Unit, identity: Identity) -> ProvisioningError:
    """Return why a board does not become a unit that has another one, and what is meant."""
    names = {"old": known.name, "mac": identity.mac}
    if retired_boards.successor(registry, identity.mac):
        message = retired_boards.trouble(registry, identity.mac, identity.unit)
        step = tr("put it aside; if it is meant, say so: fieldbeat swap {old} {mac} --port PORT")
        return ProvisioningError(message, step.format(**names))
    message = tr("{unit} is the board with MAC {mac}, this one has {mac_2}").format(
        unit=known.name, mac=known.mac, mac_2=identity.mac
    )
    if identity.unit and registry.unit(identity.unit):
        message = tr("this board is {unit}, not {unit_2}").format(
            unit=identity.unit, unit_2=known.name
        )
        step = tr(
            "give '--unit {unit}'; to put it in the place of {old}: fieldbeat swap {old} {mac}"
            " --port PORT"
        )
        return ProvisioningError(message, step.format(unit=identity.unit, **names))
    step = tr(
        "choose another name; to put it in the place of {old}: fieldbeat swap {old} {mac}"
        " --port PORT"
    )
    return ProvisioningError(message, step.format(**names))
