"""A board takes the place of another: `fieldbeat swap`; and a unit is entered anew: `rebuild`.

A swap is three steps, each of which looks first whether it is done:

1. What the old board has not sent is read out of it, if it answers, and kept as if it had sent it.
2. In one transaction: the old keys are revoked, the old chip is retired, and the name gets a new
   key under the next epoch, for the new chip. From here on nobody can use the identity.
3. The new board is provisioned, as any. From here on it alone can.

So at no moment two boards hold a key that counts, wherever the cable is pulled. What the old one
sends after step 2 is refused, also what was under way: nobody could tell one from the other.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from collections.abc import Callable

from fieldbeat.protocols import cbor

from . import outbox_reader, retired_boards, told_issuers
from .collector import Collector
from .errors import CannotTry
from .issuers import Issuers
from .language import tr
from .node_tables import Wifi
from .profiles import OBEYING, load
from .provisioner import CONFIG, Provisioner
from .provisioning_plan import Plan
from .registered_unit import RETIRED, Unit
from .registry import Registry
from .trace_keys import TraceKeys
from .unit_talk import Identity, Link, Progress, ProvisioningError, UnitTalk
from .wording import counted

_BEGUN = "swap begun"  # in the history of a unit


def plan_of(registry: Registry, name: str, config: bytes | None) -> Plan:
    """Return the plan of a unit from its own configuration, as it was given it.

    Args:
        registry: knows what the unit does not: what its rules are called.
        name: the unit.
        config: its `/config.cbor`.

    Raises:
        CannotTry: there is none, or it is another unit's.
    """
    if config is None:
        message = tr("the configuration of {unit} is not in {registry}")
        raise CannotTry(
            message.format(unit=name, registry=registry.path),
            tr("name its file: --config FILE"),
        )
    device = cbor.decode(config)
    node = device["node"]
    if node["name"] != name:
        message = tr("this is the configuration of {found}, not of {unit}")
        raise CannotTry(message.format(found=node["name"], unit=name), tr("name another file"))
    role = load(node["profile"]).role
    wifi = Wifi(**device["wifi"]) if "wifi" in device else None
    signs = "trace" in device
    obeys = role in OBEYING or signs or "control" in device
    names = (name, node["site"], node["board"], node["profile"])
    interval_s, spoken = device["uplink"]["interval_s"], registry.control(name)
    return Plan(*names, interval_s, config, role, {}, wifi, signs, obeys, spoken)


class Swap:
    """Puts another board in the place of a unit.

    Args:
        registry: units and keys.
        collector: its store gets what the old board has not sent; None if nothing was collected.
        name: the unit.
        progress: is told each step.
    """

    def __init__(
        self, registry: Registry, collector: Collector | None, name: str, progress: Progress
    ) -> None:
        self._registry = registry
        self._collector = collector
        self._progress = progress
        unit = registry.unit(name)
        if unit is None or unit.state == RETIRED:
            message = tr("{unit} is not in {registry}").format(unit=name, registry=registry.path)
            raise CannotTry(message, tr("see 'fieldbeat show'"))
        self._old = unit

    def must_be_meant(self, link: Link, new: str | None) -> bool:
        """Refuse a board that must not take the place, before anything is done or unlocked.

        Returns:
            Whether it has taken it already, as far as the registry is concerned.

        Raises:
            ProvisioningError: as `run` does.
            LinkError, CannotTry: it does not answer.
        """
        identity = UnitTalk(link, self._registry, lambda *_: None).look()
        begun = self._is_begun(identity)
        if not begun:
            self._chosen(identity, new)
        return begun

    def take_off(self, link: Link, now_s: float) -> bytes | None:
        """Read what the old board has not sent, and return its configuration.

        Raises:
            ProvisioningError: it is another board.
            LinkError, CannotTry: it does not answer.
        """
        with UnitTalk(link, self._registry, lambda *_: None) as talk:
            return self._take_off(talk.talk(), link, now_s)

    def _take_off(self, identity: Identity, link: Link, now_s: float) -> bytes | None:
        name = self._old.name
        if identity.unit != name:
            message = tr("the board at the old port is {found}, not {unit}")
            found = identity.unit or tr("nobody")
            raise ProvisioningError(message.format(found=found, unit=name), tr("see the ports"))
        boards = (self._old.mac, "", self._registry.last_retired(name))
        if self._old.mac and identity.mac not in boards:
            message = tr(
                "the board at the old port (MAC {mac}) was {unit} before the last one was"
            )
            raise ProvisioningError(
                message.format(mac=identity.mac, unit=name),
                tr("its records cannot be told from those of the others any more; leave it out"),
            )
        waiting = outbox_reader.read(link)
        new = known = 0
        if self._collector and waiting.records:
            new, known = self._collector.take_by_cable(
                self._old, identity.epoch, waiting.records, now_s
            )
        records = counted(new, "record")
        told = tr("{records} taken off it that had not arrived, {known} had")
        told = told.format(records=records, known=known)
        if waiting.count is None:
            told = tr("it does not say what it holds; what it had not sent is lost")
        elif waiting.lost:
            told += tr("; {count} cannot be read and are lost").format(count=waiting.lost)
        elif waiting.records and not self._collector:
            lost = counted(len(waiting.records), "record")
            told = tr(
                "there is no store here (--db names one): {records} stay on the old board, and can"
                " be taken off it later by the same command"
            ).format(records=lost)
        self._progress("old", told)
        self._registry.note(name, "taken off", told)
        return link.download(CONFIG)

    def run(self, plan: Plan, link: Link, new: str | None = None, password: str = "") -> Unit:
        """Make the board behind a link the unit, and return its entry in the registry.

        Args:
            plan: what it is to be.
            link: the replacement.
            new: its name so far or its MAC address, if it was said.
            password: that of its access point.

        Raises:
            ProvisioningError: it is another board, or one that is in use.
            LinkError: the connection failed; run it again.
        """
        with Provisioner(link, self._registry, self._progress) as provisioner:
            identity = provisioner.talk()
            provisioner.must_fit(plan)
            if not self._is_begun(identity):
                self._begin(identity, self._chosen(identity, new))
            unit = provisioner.run(plan, password=password, replaces=True)
        if self._collector:
            self._collector.begin_again(unit)
        return unit

    def _is_begun(self, identity: Identity) -> bool:
        """Whether this chip has been put in the place of another already."""
        actions = [action for _, action, _ in self._registry.history(self._old.name)]
        return self._old.in_use and self._old.mac == identity.mac and _BEGUN in actions

    def _chosen(self, identity: Identity, new: str | None) -> Unit | None:
        """Return the unit that the board has been so far; None for a board that was none.

        Raises:
            ProvisioningError: it is another than was named, or is in use and was not named.
        """
        if self._old.mac == identity.mac:
            message = tr("this board is {unit} itself").format(unit=self._old.name)
            step = tr("connect the replacement; a new key for this one: 'fieldbeat rekey'")
            raise ProvisioningError(message, step)
        so_far = self._registry.unit(identity.unit) or self._registry.unit_of_mac(identity.mac)
        if so_far and so_far.name == self._old.name:  # its own board of before comes back
            so_far = None
        retired = self._registry.retired(identity.mac)
        names = {identity.mac, identity.unit, so_far.name if so_far else ""}
        if new and new.lower() not in {name.lower() for name in names if name}:
            message = tr("the board at this port is {found} (MAC {mac}), not {new}")
            found = identity.unit or tr("nobody yet")
            raise ProvisioningError(
                message.format(found=found, mac=identity.mac, new=new),
                tr("look at the label and the port; nothing was changed"),
            )
        if not new and (so_far or retired):
            was = so_far.name if so_far else retired[0] if retired else ""
            if retired_boards.successor(self._registry, identity.mac):
                text = retired_boards.trouble(self._registry, identity.mac, was)
                step = tr(
                    "put it aside; if it is meant, say so: fieldbeat swap {old} {mac} --port PORT"
                )
                step = step.format(old=self._old.name, mac=identity.mac)
                raise ProvisioningError(text, step)
            message = tr("this board is or was {was} (MAC {mac})").format(
                was=was, mac=identity.mac
            )
            step = tr("if it is meant, say so: fieldbeat swap {old} {mac} --port PORT")
            raise ProvisioningError(message, step.format(old=self._old.name, mac=identity.mac))
        return so_far if so_far and so_far.mac in ("", identity.mac) else None

    def _begin(self, identity: Identity, spare: Unit | None) -> None:
        """Take the identity from the old board and give it to the new one's chip."""
        old, registry = self._old, self._registry
        registry.vault.make_ready()
        with registry.database.transaction():
            registry.revoke_keys(old.kid)
            if old.mac:
                registry.retire(old.mac, old.name, "replaced")
            if spare:
                registry.revoke_keys(spare.kid)
                text = tr("its board is {name} now").format(name=old.name)
                registry.describe(spare.name, "given away", text, mac="", state=RETIRED)
            registry.allocate(old.name, f"for {identity.mac}")
            registry.describe(
                old.name, _BEGUN, f"{old.mac or '?'} -> {identity.mac}", mac=identity.mac
            )
            registry.reinstate(identity.mac)
        self._progress("keys", tr("those of the old board are revoked"))


def rebuild(
    registry: Registry, link: Link, progress: Progress, ask_code: Callable[[], str] = str
) -> tuple[Unit, list[str]]:
    """Enter a unit that this registry does not know, from what it says, and give it a new key.

    Args:
        registry: gets it.
        link: the unit.
        progress: is told each step.
        ask_code: is asked for what unlocks the unit, unless the registry has it.

    Returns:
        Its entry, and what could not be brought back, in words.

    Raises:
        ProvisioningError: it has no identity, or is known here as another.
        LinkError: the connection failed; run it again.
    """
    with Provisioner(link, registry, progress, ask_code) as provisioner:
        return _rebuild(registry, link, progress, provisioner)


def _rebuild(
    registry: Registry, link: Link, progress: Progress, provisioner: Provisioner
) -> tuple[Unit, list[str]]:
    identity, config = provisioner.talk(), link.download(CONFIG)
    provisioner.must_be_open()
    if not identity.unit or identity.kid is None or config is None:
        message = tr("this board has no identity that could be entered")
        raise ProvisioningError(message, tr("provision it: 'fieldbeat provision'"))
    name = identity.unit
    here = registry.unit(name)
    if here and here.mac and here.mac != identity.mac:
        message = tr("{unit} is the board with MAC {known} here, this one has {mac}")
        raise ProvisioningError(
            message.format(unit=name, known=here.mac, mac=identity.mac),
            tr("'fieldbeat swap' puts a board in the place of another"),
        )
    if here and provisioner.holds_key(here, identity):
        raise ProvisioningError(
            tr("{unit} is in {registry}, with its key").format(unit=name, registry=registry.path),
            tr("there is nothing to rebuild; for a new key: 'fieldbeat rekey'"),
        )
    plan = plan_of(registry, name, config)
    registry.adopt(name, identity.kid, identity.epoch)
    progress("registry", tr("{unit} is entered").format(unit=name))
    known = {"board": plan.board, "profile": plan.profile, "site": plan.site, "role": plan.role}
    known |= {"mac": identity.mac, "firmware": identity.firmware, "groups": _groups(config)}
    known |= {"config_sha256": hashlib.sha256(config).hexdigest()}
    interval = {"report_interval_s": plan.report_interval_s}
    detail = tr("from the unit, epoch {epoch} before").format(epoch=identity.epoch)
    registry.describe(name, "rebuilt", detail, **known, **interval)
    registry.keep_config(name, config)
    if plan.signs and (public := link.read_setting("key/trace")):
        TraceKeys(registry).enter(name, public)
    obeyed = link.read_setting("key/issuers") if plan.obeys else None
    unit = provisioner.rekey(name)
    return unit, _missing(registry, plan, identity, obeyed)


def _groups(config: bytes) -> str:
    return ",".join(map(str, cbor.decode(config).get("speaker", {}).get("groups", [])))


def _missing(
    registry: Registry, plan: Plan, identity: Identity, obeyed: bytes | None
) -> list[str]:
    """Return what of a unit cannot be read out of it."""
    kid = identity.kid.hex() if identity.kid else "?"
    text = tr(
        "what it sent under key id {kid}, epoch {epoch}, and nobody has opened cannot be opened"
        " any more; what still waits in the unit is sent under its new key"
    )
    lost = [text.format(kid=kid, epoch=identity.epoch)]
    if plan.wifi and not plan.wifi.open and registry.wifi_password(plan.unit) is None:
        lost.append(tr("the password of its Wi-Fi is not known here; the unit has it still"))
    if not plan.spoken and "control" in cbor.decode(plan.config):
        lost.append(tr("what its rules are called is not known; provision it with its file"))
    if plan.obeys and not Issuers(registry).in_office():
        lost.append(
            tr("nobody whom it obeys is known here: enter issuers before you provision it again")
        )
    elif plan.obeys and (names := told_issuers.strangers(obeyed, Issuers(registry))):
        text = tr("it obeys {names}, not in office here: 'fieldbeat provision' changes that")
        lost.append(text.format(names=", ".join(names)))
    lost.append(tr("its coordinates are not known, see 'fieldbeat config locate'"))
    return lost
