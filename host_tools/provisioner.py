"""Gives a unit its identity, key and configuration over its serial port.

Every step looks first whether it is done, so the same command goes on after a pulled cable. A key
is committed to the registry before it is sent, and is sent once: a unit that does not hold it
afterwards gets another one under the next epoch, because it may have used the first one and have
forgotten up to which sequence number.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fieldbeat.protocols import cbor
from fieldbeat.protocols.frame import KeySet

from . import node_config, profiles, wifi_password
from .errors import FieldbeatError
from .issuers import Issuers
from .node_config import Wifi
from .registry import PROVISIONED, PROVISIONING, Registry, Unit

NEW_CONFIG, CONFIG = "/config.new", "/config.cbor"

Progress = Callable[[str, str], None]  # step, what was found or done


class ProvisioningError(FieldbeatError):
    """The unit is not, or not surely, what was asked for."""


class Link(Protocol):
    """What provisioning needs of an `SmpLink`."""

    def wait(self) -> None: ...
    def echo(self, text: str) -> str: ...
    def information(self) -> str: ...
    def read_setting(self, name: str) -> bytes | None: ...
    def write_setting(self, name: str, value: bytes) -> None: ...
    def commit_settings(self) -> None: ...
    def upload(self, path: str, data: bytes) -> None: ...
    def download(self, path: str) -> bytes | None: ...
    def status(self) -> dict[str, str]: ...
    def reset(self) -> None: ...


@dataclass(frozen=True)
class Plan:
    """What a unit shall become; `config` is its `/config.cbor`."""

    unit: str
    site: str
    board: str
    profile: str
    report_interval_s: int
    config: bytes
    role: str = "station"
    known: dict[str, Any] = field(default_factory=dict)  # more for the registry
    wifi: Wifi | None = None

    @property
    def config_sha256(self) -> bytes:
        return hashlib.sha256(self.config).digest()


@dataclass(frozen=True)
class Identity:
    """What a unit says about itself; `check` tells keys apart without showing them."""

    unit: str
    kid: bytes | None
    epoch: int
    check: bytes | None
    config_sha256: bytes | None
    mac: str
    firmware: str


def plan(file: Path, unit: str | None = None, site: str | None = None) -> Plan:
    """Read a node's configuration for a unit.

    Args:
        file: the node's TOML file.
        unit: name of the unit; default: the file's `[node] name`.
        site: its site; default: the file's `[node] site`.

    Raises:
        FieldbeatError: the file has mistakes, or a name is not allowed.
    """
    config = node_config.load(file).renamed(unit, site)
    device = config.to_device_map()
    node = device["node"]
    names = (node["name"], node["site"], node["board"], node["profile"])
    interval_s, role = device["uplink"]["interval_s"], config.profile.role
    known, wifi = config.for_registry, config.tables.wifi
    return Plan(*names, interval_s, cbor.encode(device), role, known, wifi)


class Provisioner:
    """Provisions the unit behind a link.

    Args:
        link: the unit.
        registry: where it is recorded.
        progress: is told each step.
    """

    def __init__(self, link: Link, registry: Registry, progress: Progress) -> None:
        self._link = link
        self._registry = registry
        self._progress = progress

    def run(self, plan: Plan, rekey: bool = False, password: str = "") -> Unit:
        """Make the unit what the plan says and return its entry in the registry.

        Args:
            plan: the goal.
            rekey: give it a new key, and take it over from another name or chip.
            password: that of its access point, see `wifi_password.find`.

        Raises:
            ProvisioningError: it is another unit, did not keep what was written, or runs in safe
                mode when all is done.
            LinkError: the connection failed; run it again.
            DatabaseError: the registry did not take it; nothing was sent.
        """
        identity = self._talk()
        if not rekey:
            self._must_be_same(plan, identity)
        unit = self._identity_for(plan, identity, rekey)
        self._write_identity(unit)
        if plan.role in profiles.OBEYING:
            self._write_issuers()
        if plan.wifi:
            self._write_password(unit, plan.wifi, password)
        self._write_config(plan)
        self._restart(unit, plan)
        problem = self._safe_mode()
        changes = {"state": PROVISIONED, "config_sha256": plan.config_sha256.hex()}
        detail = f"epoch {unit.epoch}, {identity.firmware}"
        unit = self._registry.describe(unit.name, "provisioned", detail, **changes)
        self._progress("done", f"{unit.name} is provisioned as key id {unit.kid.hex()}")
        if problem:
            raise ProvisioningError(
                f"{unit.name} has all that it needs, but is in safe mode: {problem}",
                "see 'log' and 'counters' in 'fieldbeat console'; 'reboot' there tries again",
            )
        return unit

    def _talk(self) -> Identity:
        self._link.wait()
        if self._link.echo("fieldbeat") != "fieldbeat":
            raise ProvisioningError("the echo came back changed", "see the cable and try again")
        firmware = self._link.information()
        self._progress("talk", firmware)
        read = self._link.read_setting
        identity = Identity(
            unit=(read("id/unit") or b"").decode("utf-8", "replace"),
            kid=read("id/kid"),
            epoch=int.from_bytes(read("id/epoch") or b"", "big"),
            check=read("key/check"),
            config_sha256=read("config/sha256"),
            mac=_mac_text(read("id/mac")),
            firmware=firmware,
        )
        self._progress("identity", identity.unit or "none yet")
        if reason := self._safe_mode():
            self._progress("state", f"safe mode: {reason}")
        return identity

    def _safe_mode(self) -> str:
        """Return why the unit is in safe mode; an empty text if it is not."""
        return self._link.status().get("safe mode", "")

    def _must_be_same(self, plan: Plan, identity: Identity) -> None:
        """Refuse to turn one unit into another by mistake."""
        known = self._registry.unit(plan.unit)
        if identity.unit not in ("", plan.unit) and self._registry.unit(identity.unit):
            raise ProvisioningError(
                f"this board is {identity.unit}, not {plan.unit}",
                f"give '--unit {identity.unit}', or --rekey to make it {plan.unit} for good",
            )
        if known and known.mac and identity.mac and known.mac != identity.mac:
            raise ProvisioningError(
                f"{plan.unit} is the board with MAC {known.mac}, this one has {identity.mac}",
                "choose another name, or --rekey to put this board in its place",
            )
        last = self._registry.unit_of_mac(identity.mac)
        if not identity.unit and last and last.name != plan.unit:
            raise ProvisioningError(
                f"this board was {last.name} before it was erased (MAC {identity.mac})",
                f"give '--unit {last.name}', or --rekey to make it {plan.unit} for good",
            )

    def _identity_for(self, plan: Plan, identity: Identity, rekey: bool) -> Unit:
        """Return the registry's entry, with a key that this unit holds or that was never sent."""
        unit = self._registry.unit(plan.unit)
        if unit is None:
            unit, why = self._registry.allocate(plan.unit), "new unit"
        elif rekey:
            unit, why = self._registry.allocate(plan.unit, "asked for"), "new key, as asked"
        elif identity.check == self._keys(unit).check_value():
            why = "the unit holds its key"
        elif self._registry.was_sent(unit.kid, unit.epoch):
            unit = self._registry.allocate(plan.unit, "the unit does not hold its key")
            why = "new key: the unit does not hold the one it was sent"
        else:
            why = "its key was never sent"
        described = {"board": plan.board, "profile": plan.profile, "site": plan.site}
        described |= {"mac": identity.mac or unit.mac, "firmware": identity.firmware}
        described |= {"role": plan.role} | plan.known
        interval = {"report_interval_s": plan.report_interval_s, "state": PROVISIONING}
        unit = self._registry.describe(unit.name, "provisioning", why, **described, **interval)
        self._progress("registry", f"key id {unit.kid.hex()}, epoch {unit.epoch}: {why}")
        return unit

    def _write_identity(self, unit: Unit) -> None:
        read, write = self._link.read_setting, self._link.write_setting
        check = self._keys(unit).check_value()
        if read("key/check") != check:
            if not self._registry.claim(unit.kid, unit.epoch):
                raise ProvisioningError(
                    f"another program has just taken the key of {unit.name}",
                    "end it, then run the same command again",
                )
            # In one value: a cut between a key and its epoch would leave a unit with neither.
            write("key/master", self._master(unit) + unit.epoch.to_bytes(4, "big") + unit.kid)
        if read("id/unit") != unit.name.encode():
            write("id/unit", unit.name.encode())
        if read("key/check") != check:
            raise ProvisioningError("the unit did not keep its key", "run the same command again")
        self._progress("key", "written and compared")

    def _write_issuers(self) -> None:
        """Tell a loudspeaker whom to obey; those in office now, also when nothing else changed."""
        issuers = Issuers(self._registry)
        wanted = issuers.list_for_units()
        if self._link.read_setting("key/issuers") != wanted:
            self._link.write_setting("key/issuers", wanted)
            if self._link.read_setting("key/issuers") != wanted:
                message = "the unit did not keep the keys of the issuers"
                raise ProvisioningError(message, "run the same command again")
        names = [issuer.name for issuer in issuers.in_office()]
        nobody = "none: it obeys nobody until 'fieldbeat issuer new' and another 'provision'"
        self._progress("issuers", ", ".join(names) or nobody)

    def _write_password(self, unit: Unit, wifi: Wifi, password: str) -> None:
        """Give the unit the password of its access point; "" makes it forget the one it had."""
        self._registry.keep_wifi_password(unit.name, password or None)
        wanted = wifi_password.check_value(self._master(unit), password)
        if self._link.read_setting("key/wifi_check") != wanted:
            self._link.write_setting("key/wifi_password", password.encode())
            if self._link.read_setting("key/wifi_check") != wanted:
                message = "the unit did not keep the password of its Wi-Fi"
                raise ProvisioningError(message, "run the same command again")
        what = "written and compared" if password else "none, it is open"
        self._progress("wifi", f"password of '{wifi.ssid}': {what}")

    def _write_config(self, plan: Plan) -> None:
        if self._link.read_setting("config/sha256") == plan.config_sha256:
            self._progress("config", "is there already")
            return
        self._link.upload(NEW_CONFIG, plan.config)
        self._link.commit_settings()
        if self._link.download(CONFIG) != plan.config:
            raise ProvisioningError(
                f"{CONFIG} on the unit is not what was sent", "run the same command again"
            )
        self._progress("config", f"{len(plan.config)} bytes written and read back")

    def _restart(self, unit: Unit, plan: Plan) -> None:
        """Reset, and see that everything is still there afterwards."""
        self._link.reset()
        read = self._link.read_setting
        found = (read("id/unit"), read("key/check"), read("config/sha256"))
        check = self._keys(unit).check_value()
        if found != (unit.name.encode(), check, plan.config_sha256):
            raise ProvisioningError(
                "after its reset the unit is not what it was before",
                "run the same command again; if it happens twice, flash the unit anew",
            )
        self._progress("reset", "the unit answers again and kept everything")

    def _keys(self, unit: Unit) -> KeySet:
        return KeySet(self._master(unit), unit.kid, unit.epoch)

    def _master(self, unit: Unit) -> bytes:
        return dict(self._registry.keys(unit.kid))[unit.epoch]


def _mac_text(value: Any) -> str:
    return value.hex(":") if value and len(value) == 6 else ""
