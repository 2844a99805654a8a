"""The password of a unit's access point: where it comes from, and how two are compared.

It is never in a TOML file, an image, or what a command prints: it lies in the registry and, where
nothing reads it, in the unit's NVS.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
from pathlib import Path

from fieldbeat.protocols import hkdf

from . import asking, secret_file
from .errors import CannotTry
from .language import tr
from .node_tables import Wifi
from .registry import Registry

VARIABLE = "FIELDBEAT_WIFI_PASSWORD"
SHORTEST, LONGEST = 8, 63  # characters of a WPA2 password: IEEE 802.11, J.4.1
OPTION = "--wifi-password-file FILE"


def find(registry: Registry, unit: str, wifi: Wifi | None, file: Path | None) -> str:
    """Return the password for a unit, "" where it needs none.

    In this order: the first line of `file`, $FIELDBEAT_WIFI_PASSWORD, what the registry knows from
    the last time, and what a person types unseen.

    Raises:
        CannotTry: it is nowhere, others may read the file, or no access point could have it.
    """
    if wifi is None or wifi.open:
        if file:
            message = tr("{unit} joins no network that has a password").format(unit=unit)
            raise CannotTry(
                message, tr("leave {option} out, or see [wifi] in its file").format(option=OPTION)
            )
        return ""
    if file:
        step = tr("name a file whose first line is the password")
        return checked(secret_file.first_line(file, step), str(file))
    if VARIABLE in os.environ:
        return checked(os.environ[VARIABLE], f"${VARIABLE}")
    known = registry.wifi_password(unit)
    if known is not None:
        return known
    if not asking.may_ask_secret():
        message = tr("nobody is there to ask for the password of the Wi-Fi '{ssid}'").format(
            ssid=wifi.ssid
        )
        raise CannotTry(
            message,
            tr("name a file that holds it: {option}, or set ${variable}").format(
                option=OPTION, variable=VARIABLE
            ),
        )
    asked = asking.secret(tr("Password of the Wi-Fi '{ssid}'").format(ssid=wifi.ssid))
    return checked(asked, tr("the password"))


def checked(password: str, place: str) -> str:
    """Return a password that an access point can have; `place` says where it is from.

    Raises:
        CannotTry: none can; what it is stays unsaid.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        message = tr("{place} has {count} characters").format(place=place, count=len(password))
        raise CannotTry(
            message,
            tr("a Wi-Fi password has {shortest} to {longest}").format(
                shortest=SHORTEST, longest=LONGEST
            ),
        )
    if not (password.isascii() and password.isprintable()):
        raise CannotTry(
            tr("{place} has characters beyond ASCII").format(place=place),
            tr("use letters, digits and signs"),
        )
    return password


def check_value(master: bytes, password: str) -> bytes | None:
    """Return what a unit tells of its password, as `firmware/wifi_secret.py` does.

    Under the unit's master key: who reads it without that can try no dictionary on it.
    """
    secret = password.encode()
    return hkdf.expand(hkdf.extract(master, secret), b"wifi", 4) if secret else None
