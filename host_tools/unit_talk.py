"""Talks with a unit at its serial port: who it is, whether it is open, and what it has kept."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, Self

from fieldbeat.protocols import cbor

from . import unit_code
from .errors import FieldbeatError
from .language import tr
from .provisioning_plan import Plan
from .registry import Registry
from .serial_port import lost_step
from .unit_words import in_words

Progress = Callable[[str, str], None]  # step, what was found or done


class ProvisioningError(FieldbeatError):
    """The unit is not, or not surely, what was asked for."""


class Link(Protocol):
    """What provisioning needs of an `SmpLink`."""

    @property
    def port(self) -> str: ...
    def wait(self) -> None: ...
    def echo(self, text: str) -> str: ...
    def information(self) -> str: ...
    def read_setting(self, name: str) -> bytes | None: ...
    def write_setting(self, name: str, value: bytes) -> None: ...
    def commit_settings(self) -> None: ...
    def upload(self, path: str, data: bytes) -> None: ...
    def download(self, path: str) -> bytes | None: ...
    def status(self) -> dict[str, str]: ...
    def run(self, argv: list[str]) -> tuple[str, int]: ...
    def reset(self) -> None: ...


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


class UnitTalk:
    """A talk with the unit behind a link, and what is written in it.

    As a context it locks the unit at its end, if its code has opened it: refused or broken off,
    too, or whoever plugs in next would find it open.

    Args:
        link: the unit.
        registry: knows the units.
        progress: is told each step.
        ask_code: is asked for what unlocks the unit, if the registry does not have it.
    """

    def __init__(
        self,
        link: Link,
        registry: Registry,
        progress: Progress,
        ask_code: Callable[[], str] = str,
    ) -> None:
        self._link = link
        self._registry = registry
        self._progress = progress
        self._ask_code = ask_code
        self._code = ""  # that it was told, which the registry is to keep
        self._refusal = ""  # what it said to a code that is not its own
        self._told = ("", "")  # who it is
        self.is_locked = False
        self._opened = False  # by its code
        self._held: dict[str, bytes | None] = {}  # settings, since the last write
        self._changed = False  # something was written
        self._written: dict[str, bytes] = {}  # setting -> what it has to read as

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._lock()
        else:  # what has broken it off is told, and not that the line may be gone
            with suppress(FieldbeatError):
                self._lock()

    def look(self) -> Identity:
        """Return what the unit says about itself; it stays locked if it is.

        Raises:
            LinkError, CannotTry: it does not answer.
            ProvisioningError: the line is bad.
        """
        self._link.wait()
        if self._link.echo("fieldbeat") != "fieldbeat":
            raise ProvisioningError(
                tr("the echo came back changed"),
                tr("{step}, then run the same command again").format(
                    step=lost_step(self._link.port)
                ),
            )
        firmware = self._link.information()
        read = self._read
        return Identity(
            unit=(read("id/unit") or b"").decode("utf-8", "replace"),
            kid=read("id/kid"),
            epoch=int.from_bytes(read("id/epoch") or b"", "big"),
            check=read("key/check"),
            config_sha256=read("config/sha256"),
            mac=_mac_text(read("id/mac")),
            firmware=firmware,
        )

    def talk(self) -> Identity:
        """Return what the unit says about itself, and unlock it.

        Raises:
            LinkError, CannotTry: it does not answer.
            ProvisioningError: the line is bad, or it cannot be unlocked.
        """
        identity = self.look()
        if self._told != (told := (identity.firmware, identity.unit)):
            self._told = told
            self._progress("talk", identity.firmware)
            self._progress("identity", identity.unit or tr("none yet"))
        status = self._link.status()
        if reason := status.get("safe mode", ""):
            self._progress("state", tr("safe mode: {reason}").format(reason=in_words(reason)))
        self._unlock(status.get("lock", ""))
        return identity

    def _unlock(self, state: str) -> None:
        """Open a unit that is locked by the code that it was given; else it refuses changes."""
        self.is_locked = state == "locked"
        if not self.is_locked:
            return
        held = self._read("key/code")
        self._opened, told = unit_code.unlock(self._link, held, self._registry, self._asked_code)
        self.is_locked = not self._opened
        if self.is_locked:
            self._refusal = told
        if told:
            self._progress("lock", told if self.is_locked else tr("unlocked by its code"))

    def _asked_code(self) -> str:
        self._code = self._ask_code()
        return self._code

    def _lock(self) -> None:
        """Lock it again, as a restart does; by itself it would stay open for some minutes."""
        if self._opened:
            self._opened = False
            self._link.run(["lock"])

    def must_be_open(self) -> None:
        """Refuse to begin what the unit would refuse: it is locked, and its code is not known."""
        if not self.is_locked:
            return
        if self._refusal:
            name = (self._read("id/unit") or b"").decode("utf-8", "replace")
            message = tr("{unit} stays locked: {told}").format(unit=name, told=self._refusal)
            raise ProvisioningError(message, tr("give the code of the unit with this name"))
        raise ProvisioningError(
            tr("this unit is locked, and its code is not in {registry}").format(
                registry=self._registry.path
            ),
            tr(
                "if somebody has written it down: 'fieldbeat registry rebuild --port {port}"
                " --code-file FILE' (or type it there); else erase its flash"
                " ('esptool erase-flash') and flash it"
            ).format(port=self._link.port),
        )

    def _safe_mode(self) -> str:
        """Return why the unit is in safe mode, for people; an empty text if it is not."""
        return in_words(self._link.status().get("safe mode", ""))

    def must_fit(self, plan: Plan) -> None:
        """Refuse what the unit's image has no program for: it is of one board and profile."""
        for name, wanted in (("board", plan.board), ("profile", plan.profile)):
            try:
                there = cbor.decode(self._link.download(f"/{name}.cbor") or b"")["id"]
            except (ValueError, TypeError, KeyError):  # the unit says itself that it is damaged
                continue
            if there != wanted:
                raise ProvisioningError(
                    tr(
                        "the image of this unit is for {name} {there}, the file for {wanted}"
                    ).format(name=tr(name), there=there, wanted=wanted),
                    tr("give the file of this unit, or build an image of this file and flash it"),
                )

    def _read(self, name: str) -> bytes | None:
        """Return a setting; the unit is asked once, and again after anything was written."""
        if name not in self._held:
            self._held[name] = self._link.read_setting(name)
        return self._held[name]

    def _begin_to_change(self) -> None:
        self._changed = True
        self._held.clear()

    def _write(self, name: str, value: bytes) -> None:
        self._begin_to_change()
        self._link.write_setting(name, value)

    def _compare(self, name: str, wanted: bytes | None, what: str) -> None:
        """Read a setting back; it is compared once more after the reset.

        Raises:
            ProvisioningError: it is not what was written.
        """
        if self._read(name) != wanted:
            message = tr("the unit did not keep {what}").format(what=what)
            raise ProvisioningError(message, tr("run the same command again"))
        if wanted is not None:
            self._written[name] = wanted

    def _restart(self) -> None:
        """Reset, and see that all that was written is still there afterwards."""
        self._link.reset()
        self._opened = False
        for name, wanted in self._written.items():
            if self._link.read_setting(name) != wanted:
                raise ProvisioningError(
                    tr(
                        "after its reset the unit is not what it was before: {name} is another"
                    ).format(name=name),
                    tr("run the same command again; if it happens twice, flash the unit anew"),
                )
        self._progress("reset", tr("the unit answers again and kept everything"))


def _mac_text(value: Any) -> str:
    return value.hex(":") if value and len(value) == 6 else ""
