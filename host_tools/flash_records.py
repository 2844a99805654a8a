"""What the registry contributes to flashing: which board a unit is, and that no key is used twice.

A secrets image sets the unit's sequence numbers back to zero. Written a second time, it would
make the unit use a (key, sequence number) pair twice; so a key that has left for a unit is never
sent again.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

from . import nvs_image
from .errors import CannotTry
from .flasher import Known
from .image_info import ImageInfo
from .paths import registry_file
from .registry import PROVISIONED, Registry


class FlashRecords:
    """The registry during one flash; without a registry it knows nothing.

    Args:
        path: the registry's file, or None for the default.
        info: the image that is written.
        secrets: the NVS image that is written with it, or None.
        source: the name of its file, for messages.
    """

    def __init__(
        self, path: Path | None, info: ImageInfo, secrets: bytes | None, source: str
    ) -> None:
        self._info = info
        self._identity = nvs_image.read_identity(secrets, source) if secrets else None
        self._source = source
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
            CannotTry: the key is unknown, or it may already be in a unit.
        """
        identity = self._identity
        if identity is None:
            return
        step = "make a new one with 'fieldbeat build --secrets-out'"
        keys = dict(self._registry.keys(identity.kid)) if self._registry else {}
        if self._registry is None or keys.get(identity.epoch) != identity.master:
            raise CannotTry(f"the registry does not know the key in {self._source}", step)
        if not self._registry.claim(identity.kid, identity.epoch):
            raise CannotTry(f"the key in {self._source} was already given to a unit", step)

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
