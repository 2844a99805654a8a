"""Gives a unit its identity, key and configuration over its serial port.

Every step looks first whether it is done, so the same command goes on after a pulled cable. A key
is committed to the registry before it is sent, and is sent once: a unit that does not hold it
afterwards gets another one under the next epoch, because it may have used the first one and have
forgotten up to which sequence number. All that is written is read back at once, and once more
after the reset; secrets by their check values.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from typing import Any

from fieldbeat.protocols import cbor
from fieldbeat.protocols.frame import KeySet

from . import (
    config_changes,
    same_unit,
    told_issuers,
    unit_code,
    wifi_password,
)
from .issuers import Issuers, whose_step
from .language import tr
from .node_tables import Wifi
from .provisioning_plan import Plan
from .registered_unit import PROVISIONED, PROVISIONING, Unit
from .trace_file import fingerprint
from .trace_keys import TraceKeys
from .unit_talk import Identity, ProvisioningError, UnitTalk

NEW_CONFIG, CONFIG = "/config.new", "/config.cbor"
NOBODY = cbor.encode([])  # as a unit keeps whom it obeys


class Provisioner(UnitTalk):
    """Provisions the unit behind a link."""

    def run(
        self,
        plan: Plan,
        rekey: bool = False,
        password: str = "",
        replaces: bool = False,
        just_flashed: bool = False,
    ) -> Unit:
        """Make the unit what the plan says and return its entry in the registry.

        Args:
            plan: the goal.
            rekey: give it a new key, and take it over from another name or chip.
            password: that of its access point, see `wifi_password.find`.
            replaces: it was seen to that this board takes the place of another.
            just_flashed: it holds the image of this plan, and what it says is what it has kept,
                for it has just booted; if nothing has to be written it is not restarted.

        Raises:
            ProvisioningError: it is another unit, did not keep what was written, or runs in safe
                mode when all is done.
            LinkError: the connection failed; run it again.
            DatabaseError: the registry did not take it; nothing was sent.
            IssuerError: it is to obey more than it can be told.
        """
        with self:
            identity = self.talk()
            self.must_be_open()
            if not just_flashed:
                self.must_fit(plan)
            if not (rekey or replaces):
                same_unit.must_be_same(self._registry, plan, identity)
            if plan.obeys:
                Issuers(self._registry).list_for_units()  # or it fails before anything is done
            self._tell_unknown_config(plan, identity)
            unit = self._identity_for(plan, identity, rekey)
            self._write_identity(unit)
            if plan.obeys:
                self._write_issuers()
            if plan.wifi:
                self._write_password(unit, plan.wifi, password)
            if plan.signs:
                self._write_signing_key(unit)
            self._write_config(plan)
            self.write_code(unit)
            self._registry.keep_config(unit.name, plan.config)
            self._registry.keep_control(unit.name, plan.spoken)
            changes = plan.known | {"config_sha256": plan.config_sha256.hex()}
            if self._changed or not just_flashed:
                self._restart()
            unit = self._finish(unit, "provisioned", identity.firmware, **changes)
            self._progress(
                "done",
                tr("{name} is provisioned as key id {kid}").format(
                    name=unit.name, kid=unit.kid.hex()
                ),
            )
            return unit

    def rekey(self, name: str) -> Unit:
        """Give a unit a new key under the next epoch; all else stays as it is.

        The old key opens what is under way until the new one has spoken. Run again after a pulled
        cable it goes on with the same key, unless that may be lost.

        Raises:
            ProvisioningError, LinkError, DatabaseError: as `run`.
        """
        with self:
            identity, unit = self.talk(), self._registry.unit(name)
            self.must_be_open()
            same_unit.must_be(self._registry, name, identity, unit)
            assert unit is not None
            begun = unit.state == PROVISIONING and unit.epoch in dict(
                self._registry.keys(unit.kid)
            )
            if begun and self.holds_key(unit, identity):
                why = tr("the unit holds it already")
            elif begun and not self._registry.was_sent(unit.kid, unit.epoch):
                why = tr("it was never sent")
            else:
                unit, why = self._registry.allocate(name, tr("asked for")), tr("new")
            self._progress(
                "registry",
                tr("key id {kid}, epoch {epoch}: {why}").format(
                    kid=unit.kid.hex(), epoch=unit.epoch, why=why
                ),
            )
            self._write_identity(unit)
            # The password of its Wi-Fi is kept, and checked under the new key.
            if password := self._registry.wifi_password(name):
                check = wifi_password.check_value(self._master(unit), password)
                self._compare("key/wifi_check", check, tr("the password of its Wi-Fi"))
            self.write_code(unit)
            self._restart()
            unit = self._finish(unit, tr("new key"), identity.firmware, mac=identity.mac)
            text = tr("{unit} has its key of epoch {epoch}").format(unit=name, epoch=unit.epoch)
            self._progress("done", text)
            return unit

    def holds_key(self, unit: Unit, identity: Identity) -> bool:
        """Tell whether a board holds the newest key of a unit."""
        known = dict(self._registry.keys(unit.kid))
        return unit.epoch in known and identity.check == self._keys(unit).check_value()

    def _finish(self, unit: Unit, action: str, firmware: str, **known: Any) -> Unit:
        """Enter it as done.

        Raises:
            ProvisioningError: the registry did not keep it; or the unit is in safe mode.
        """
        problem = self._safe_mode()
        detail = f"epoch {unit.epoch}, {firmware}"
        unit = self._registry.describe(unit.name, action, detail, state=PROVISIONED, **known)
        wrong = [name for name, value in known.items() if getattr(unit, name) != value]
        if wrong:
            message = tr("the registry did not keep {names}").format(names=", ".join(wrong))
            raise ProvisioningError(message, tr("run the same command again"))
        if problem:
            raise ProvisioningError(
                tr("{name} has all that it needs, but is in safe mode: {problem}").format(
                    name=unit.name, problem=problem
                ),
                tr("see 'log' and 'counters' in 'fieldbeat console'; 'reboot' there tries again"),
            )
        return unit

    def _identity_for(self, plan: Plan, identity: Identity, rekey: bool) -> Unit:
        """Return the registry's entry, with a key that this unit holds or that was never sent."""
        unit = self._registry.unit(plan.unit)
        if unit is None:
            unit, why = self._registry.allocate(plan.unit), tr("new unit")
        elif rekey:
            unit, why = (
                self._registry.allocate(plan.unit, tr("asked for")),
                tr("new key, as asked"),
            )
        elif unit.epoch in self._registry.revoked(unit.kid):
            unit = self._registry.allocate(plan.unit, tr("its key is revoked"))
            why = tr("new key: the one before is revoked")
        elif self.holds_key(unit, identity):
            why = tr("the unit holds its key")
        elif self._registry.was_sent(unit.kid, unit.epoch):
            unit = self._registry.allocate(plan.unit, tr("the unit does not hold its key"))
            why = tr("new key: the unit does not hold the one it was sent")
        else:
            why = tr("its key was never sent")
        described = {"board": plan.board, "profile": plan.profile, "site": plan.site}
        described |= {"mac": identity.mac or unit.mac, "firmware": identity.firmware}
        described |= {"role": plan.role} | plan.known
        interval = {"report_interval_s": plan.report_interval_s, "state": PROVISIONING}
        unit = self._registry.describe(unit.name, "provisioning", why, **described, **interval)
        self._registry.reinstate(unit.mac)
        self._progress(
            "registry",
            tr("key id {kid}, epoch {epoch}: {why}").format(
                kid=unit.kid.hex(), epoch=unit.epoch, why=why
            ),
        )
        return unit

    def _write_identity(self, unit: Unit) -> None:
        read, write = self._read, self._write
        check, name = self._keys(unit).check_value(), unit.name.encode()
        if read("key/check") != check:
            if not self._registry.claim(unit.kid, unit.epoch):
                raise ProvisioningError(
                    tr("another program has just taken the key of {name}").format(name=unit.name),
                    tr("end it, then run the same command again"),
                )
            # In one value: a cut between a key and its epoch would leave a unit with neither.
            write("key/master", self._master(unit) + unit.epoch.to_bytes(4, "big") + unit.kid)
        if read("id/unit") != name:
            write("id/unit", name)
        self._compare("key/check", check, tr("its key"))
        self._compare("id/kid", unit.kid, tr("its key id"))
        self._compare("id/epoch", unit.epoch.to_bytes(4, "big"), tr("the epoch of its key"))
        self._compare("id/unit", name, tr("its name"))
        self._progress("key", tr("written and compared"))

    def _write_issuers(self) -> None:
        """Tell a loudspeaker whom to obey; those in office now, also when nothing else changed."""
        issuers = Issuers(self._registry)
        wanted, held = issuers.list_for_units(), self._read("key/issuers")
        if held not in (None, wanted, NOBODY) and not issuers.all():
            raise ProvisioningError(
                tr("the unit obeys issuers, and {registry} has none: it would obey nobody").format(
                    registry=self._registry.path
                ),
                whose_step(),
            )
        nobody = tr("none: it obeys nobody until 'fieldbeat issuer new' and another 'provision'")
        told = ", ".join(issuer.name for issuer in issuers.in_office()) or nobody
        if held not in (None, wanted, NOBODY):
            told += _changed(held, issuers)
        if held != wanted:
            taken = self._give_issuers(wanted, issuers.list_for_units(floors=False))
            if taken != wanted:
                wanted = taken
                told += tr("; its firmware is older and would obey their old alerts: flash it")
        self._compare("key/issuers", wanted, tr("the keys of the issuers"))
        self._progress("issuers", told)

    def _give_issuers(self, wanted: bytes, plain: bytes) -> bytes:
        """Write whom to obey and return what was taken; older firmware takes no floors."""
        from .smp_link import Refused

        try:
            self._write("key/issuers", wanted)
        except Refused as refused:
            if refused.code != "EINVAL" or plain == wanted:
                raise
            self._write("key/issuers", plain)  # rather than that it obeys nobody
            return plain
        return wanted

    def _write_password(self, unit: Unit, wifi: Wifi, password: str) -> None:
        """Give the unit the password of its access point; "" makes it forget the one it had."""
        self._registry.keep_wifi_password(unit.name, password or None)
        wanted = wifi_password.check_value(self._master(unit), password)
        if self._read("key/wifi_check") != wanted:
            self._write("key/wifi_password", password.encode())
        self._compare("key/wifi_check", wanted, tr("the password of its Wi-Fi"))
        what = tr("written and compared") if password else tr("none, it is open")
        self._progress(
            "wifi", tr("password of '{ssid}': {what}").format(ssid=wifi.ssid, what=what)
        )

    def _write_signing_key(self, unit: Unit) -> None:
        """Give the unit a key to sign with, unless it holds one of its own already."""
        keys = TraceKeys(self._registry)
        held = self._read("key/trace")
        why = tr("the unit holds it")
        if held not in keys.of_unit(unit.name):
            key = keys.make(unit.name)
            self._write("key/trace", key.for_unit)
            held, why = key.public, tr("new, written and compared")
        assert held is not None
        self._compare("key/trace", held, tr("the key that it signs with"))
        self._progress(
            "signing",
            tr("key {fingerprint}: {why}").format(fingerprint=fingerprint(held), why=why),
        )

    def write_code(self, unit: Unit) -> None:
        """Give the unit the code that its serial port asks for, as the last: it locks it."""
        held = self._read("key/code")
        if self._code:
            self._registry.keep_secret(unit.name, unit_code.NAME, self._code.encode())
        wanted = unit_code.kept(self._registry, unit.name, anew=bool(self._code))
        if held != unit_code.check_value(wanted):
            self._write("key/code", wanted)
        self._compare("key/code", unit_code.check_value(wanted), tr("the code that unlocks it"))
        told = tr("'fieldbeat code {unit}' shows what unlocks it").format(unit=unit.name)
        self._progress("lock", told)

    def _tell_unknown_config(self, plan: Plan, identity: Identity) -> None:
        """Tell what somebody has changed at the unit's console, which is about to be replaced."""
        known, there = self._registry.config(plan.unit), identity.config_sha256
        if identity.unit != plan.unit or not known or not there:
            return
        if there not in (hashlib.sha256(known).digest(), plan.config_sha256):
            differs = config_changes.told(known, self._link.download(CONFIG))
            step = tr("it is replaced; enter in the file what shall stay")
            self._progress("config", f"{differs}; {step}")

    def _write_config(self, plan: Plan) -> None:
        self._written["config/sha256"] = plan.config_sha256
        if self._read("config/sha256") == plan.config_sha256:
            self._progress("config", tr("is there already"))
            return
        self._begin_to_change()
        self._link.upload(NEW_CONFIG, plan.config)
        self._link.commit_settings()
        if self._link.download(CONFIG) != plan.config:
            raise ProvisioningError(
                tr("{config} on the unit is not what was sent").format(config=CONFIG),
                tr("run the same command again"),
            )
        self._progress(
            "config", tr("{count} bytes written and read back").format(count=len(plan.config))
        )

    def _keys(self, unit: Unit) -> KeySet:
        return KeySet(self._master(unit), unit.kid, unit.epoch)

    def _master(self, unit: Unit) -> bytes:
        return dict(self._registry.keys(unit.kid))[unit.epoch]


def _changed(held: bytes, issuers: Issuers) -> str:
    """Return whom a unit obeys anew, and whom no more, in words; '' if nobody.

    An old copy of a registry shows by it.
    """
    before = set(told_issuers.kids(held))
    if not before:  # damaged: it is written anew
        return ""
    office = {issuer.kid: issuer.name for issuer in issuers.in_office()}
    names = {issuer.kid: issuer.name for issuer in issuers.all()}
    new = [name for kid, name in office.items() if kid not in before]
    gone = sorted(names.get(kid, kid.hex()) for kid in before - office.keys())
    told = tr("; obeyed anew: {names}").format(names=", ".join(new)) if new else ""
    return told + (tr("; no longer obeyed: {names}").format(names=", ".join(gone)) if gone else "")
