"""The password of a unit's access point: where it comes from, and how two are compared.

It is never in a TOML file, an image, or what a command prints: it lies in the registry and, where
nothing reads it, in the unit's NVS.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import sys
from pathlib import Path

from fieldbeat.protocols import hkdf

from .errors import CannotTry
from .node_config import Wifi
from .registry import Registry

VARIABLE = "FIELDBEAT_WIFI_PASSWORD"
SHORTEST, LONGEST = 8, 63  # characters of a WPA2 password: IEEE 802.11, J.4.1
OPTION = "--wifi-password-file FILE"


def find(registry: Registry, unit: str, wifi: Wifi | None, file: Path | None) -> str:
    """Return the password for a unit, "" where it needs none.

    In this order: the first line of `file`, $FIELDBEAT_WIFI_PASSWORD, what the registry knows from
    the last time, and what a person types unseen.

    Raises:
        CannotTry: it is nowhere, or no access point could have it.
    """
    if wifi is None or wifi.open:
        if file:
            message = f"{unit} joins no network that has a password"
            raise CannotTry(message, f"leave {OPTION} out, or see [wifi] in its file")
        return ""
    if file:
        return checked(_first_line(file), str(file))
    if VARIABLE in os.environ:
        return checked(os.environ[VARIABLE], f"${VARIABLE}")
    known = registry.wifi_password(unit)
    if known is not None:
        return known
    if not sys.stdin.isatty():
        message = f"nobody is there to ask for the password of the Wi-Fi '{wifi.ssid}'"
        raise CannotTry(message, f"name a file that holds it: {OPTION}, or set ${VARIABLE}")
    import typer  # only where a person is asked

    asked = typer.prompt(f"Password of the Wi-Fi '{wifi.ssid}'", hide_input=True, err=True)
    return checked(asked, "the password")


def checked(password: str, place: str) -> str:
    """Return a password that an access point can have; `place` says where it is from.

    Raises:
        CannotTry: none can; what it is stays unsaid.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        message = f"{place} has {len(password)} characters"
        raise CannotTry(message, f"a Wi-Fi password has {SHORTEST} to {LONGEST}")
    if not (password.isascii() and password.isprintable()):
        raise CannotTry(f"{place} has characters beyond ASCII", "use letters, digits and signs")
    return password


def check_value(master: bytes, password: str) -> bytes | None:
    """Return what a unit tells of its password, as `firmware/wifi_secret.py` does.

    Under the unit's master key: who reads it without that can try no dictionary on it.
    """
    secret = password.encode()
    return hkdf.expand(hkdf.extract(master, secret), b"wifi", 4) if secret else None


def _first_line(file: Path) -> str:
    try:
        lines = file.read_text("ascii").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no ASCII text"
        step = "name a file whose first line is the password"
        raise CannotTry(f"{file} cannot be read: {reason}", step) from None
    return lines[0] if lines else ""
