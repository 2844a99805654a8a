"""Addresses and registers of Modbus devices, as a person writes and reads them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from .errors import CannotTry
from .language import tr
from .modbus_line import blocks


def addresses(text: str) -> list[int]:
    """Return the addresses of '1-20,30'.

    Raises:
        CannotTry: it is nothing of the kind.
    """
    found: list[int] = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        ends = (low, high if dash else low)
        if not all(end.isdigit() for end in ends):
            raise CannotTry(
                tr("--addresses {text}: not a list of addresses").format(text=text),
                tr("write 1-20 or 1,2,30"),
            )
        found += range(int(ends[0]), int(ends[1]) + 1)
    if not found or not all(1 <= number <= 247 for number in found):
        raise CannotTry(
            tr("--addresses {text}: must be from 1 to 247").format(text=text),
            tr("write 1-20 or 1,2,30"),
        )
    return found


def register(text: str) -> int:
    """Return a register's number, decimal or hexadecimal with 0x.

    Raises:
        CannotTry: it is none.
    """
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not 0 <= number <= 0xFFFF:
        raise CannotTry(
            tr("--register {text}: no register").format(text=text),
            tr("write 500 or 0x1F4, up to 65535"),
        )
    return number


def ranges(found: list[int]) -> str:
    """Return '0 to 6, 100' for registers in order."""
    parts = [
        str(start)
        if size == 1
        else tr("{start} to {value}").format(start=start, value=start + size - 1)
        for start, size in blocks(found, 0xFFFF)
    ]
    return ", ".join(parts)
