"""What the registry contributes to flashing: which board a unit is, and that no key is used twice.

A secrets image sets the unit's sequence numbers back to zero. Written a second time, it would
make the unit use a (key, sequence number) pair twice; so a key that has left for a unit is never
sent again.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

from . import nvs_image, unit_code
from .errors import CannotTry
from .flasher import Known
from .image_info import ImageInfo
from .language import tr
from .paths import registry_file
from .registered_unit import PROVISIONED
from .registry import Registry


class FlashRecords:
    """The registry during one flash; without a registry it knows nothing.

    Args:
        path: the registry's file, or None for the default.
        info: the image that is written.
        secrets: the NVS image that is written with it, or None.
        source: the name of its file, for messages.

    Raises:
        CannotTry: they are for two units, or the secrets are none.
    """

    def __init__(
        self, path: Path | None, info: ImageInfo, secrets: bytes | None, source: str
    ) -> None:
        self._info = info
        self._identity = nvs_image.read_identity(secrets, source) if secrets else None
        self._source = source
        if self._identity and self._identity.unit != info.node:
            message = tr("the image is for {node}, the key in {source} for {unit}").format(
                node=info.node, source=source, unit=self._identity.unit
            )
            step = tr("name the two that 'fieldbeat build --secrets-out' made together")
            raise CannotTry(message, step)
        self._registry = Registry(path, create=False) if registry_file(path).exists() else None

    def close(self) -> None:
        """Close the registry."""
        if self._registry:
            self._registry.close()

    def unit_of_mac(self, mac: str) -> Known:
        """Return what the registry has for a MAC address."""
        unit = self._registry.unit_of_mac(mac) if self._registry else None
        return Known(unit.name, unit.board) if unit else Known()

    def before_write(self, mac: str) -> None:
        """Note that the key leaves for its unit.

        Raises:
            CannotTry: the key is unknown, or may already be in a unit; the unit has another board,
                or would be locked by a code that nobody knows, or not at all.
        """
        identity = self._identity
        if identity is None:
            return
        step = tr("make a new one with 'fieldbeat build --secrets-out'")
        keys = dict(self._registry.keys(identity.kid)) if self._registry else {}
        if self._registry is None or keys.get(identity.epoch) != identity.master:
            raise CannotTry(
                tr("the registry does not know the key in {source}").format(source=self._source),
                step,
            )
        if identity.code != unit_code.kept(self._registry, identity.unit):
            message = tr("{source} does not lock the unit by the code that the registry has")
            raise CannotTry(message.format(source=self._source), step)
        self._must_be_the_board(mac)
        if not self._registry.claim(identity.kid, identity.epoch):
            message = tr("the key in {source} was already given to a unit, or is revoked").format(
                source=self._source
            )
            raise CannotTry(message, step)

    def _must_be_the_board(self, mac: str) -> None:
        """Refuse a second board: both would hold a key of the unit, and the first one's counts."""
        if other := self.board_of_node(mac):
            node = self._info.node
            message = tr("{unit} is the board with MAC {known}, this one has {mac}")
            step = tr(
                "flash it without --secrets, then put it in its place: fieldbeat swap {unit} {mac}"
                " --port PORT"
            )
            raise CannotTry(
                message.format(unit=node, known=other, mac=mac), step.format(unit=node, mac=mac)
            )

    def board_of_node(self, mac: str) -> str:
        """Return the MAC address of the board that is the unit of the image; '' if it is `mac`."""
        unit = self._registry.unit(self._info.node) if self._registry else None
        return unit.mac if unit and unit.in_use and unit.mac != mac else ""

    def after_write(self, mac: str) -> None:
        """Note in the unit's history what it got."""
        if self._registry is None:
            return
        text = f"app {self._info.build_id}, mac {mac}"
        if self._identity:
            known = {"mac": mac, "board": self._info.board_id, "state": PROVISIONED}
            self._registry.describe(self._identity.unit, "flashed with key", text, **known)
        elif unit := self._registry.unit_of_mac(mac):
            self._registry.note(unit.name, "flashed", text)
