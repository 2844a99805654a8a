"""Reaches the serial loader of a chip with esptool as a library: who it is, reading, erasing.

Importing esptool takes 0.3 s, so it is imported inside the functions.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from . import serial_port
from .errors import CannotTry, FieldbeatError

CONNECT_ATTEMPTS = 3
FAST_BAUD = 460_800
RETRY = "see that the board is powered, then try again"


class FlashError(FieldbeatError):
    """Writing did not work; the unit may hold an incomplete image."""


@contextmanager
def connected(port: str) -> Iterator[Any]:
    """Reach the ROM loader at a port and yield esptool's object for it."""
    import esptool
    from esptool import cmds

    opened = serial_port.open_port(port)
    try:
        try:
            loader = cmds.detect_chip(opened, connect_attempts=CONNECT_ATTEMPTS)
        except (esptool.FatalError, OSError) as error:
            reason = " ".join(str(error).split())
            message = f"no boot loader answers at {port} ({reason.partition(' For trouble')[0]})"
            step = "hold BOOT, press EN, release BOOT, try again; else see to cable and power"
            raise CannotTry(message, step) from None
        yield loader
    finally:
        opened.close()


def prepared(loader: Any, baud: int) -> Any:
    """Start the flasher stub, go to the fast rate, attach the flash; nothing is erased yet."""
    from esptool import cmds

    loader = cmds.run_stub(loader)
    if baud > loader.ESP_ROM_BAUD:
        loader.change_baud(baud)
    cmds.attach_flash(loader)
    return loader


@contextmanager
def untouched(port: str, loader: Any) -> Iterator[None]:
    """For what comes before the first write: if it fails, the unit runs on as it did before.

    Raises:
        CannotTry: the loader does not answer, or not as it should.
    """
    try:
        with failures(port, "nothing was written", RETRY, CannotTry):
            yield
    except BaseException:
        with suppress(Exception):
            loader.hard_reset()
        raise


@contextmanager
def failures(
    port: str, state: str, step: str, kind: type[FieldbeatError] = FlashError
) -> Iterator[None]:
    """Turn what esptool raises into our own error, which says in what state the unit is."""
    import esptool

    try:
        yield
    except (esptool.FatalError, OSError) as error:  # pyserial's errors are OSErrors
        reason = " ".join(str(error).split())
        raise kind(f"{port}: {reason}; {state}", step) from error


def identify(port: str) -> tuple[str, str]:
    """Return MAC address and chip of a board, and reset it.

    Raises:
        CannotTry: no boot loader answers, or it was lost on the way.
    """
    from .esptool_log import listening

    with listening(), connected(port) as loader, untouched(port, loader):
        mac = mac_text(loader)
        chip = loader.CHIP_NAME.lower().replace("-", "")
        loader.hard_reset()
        return mac, chip


def mac_text(loader: Any) -> str:
    """Return the MAC address of a chip as text."""
    return ":".join(f"{byte:02x}" for byte in loader.read_mac())


def read(port: str, offset: int, size: int, baud: int = FAST_BAUD) -> bytes:
    """Return what a board has in its flash, and reset it.

    Raises:
        CannotTry: no boot loader answers, or it was lost on the way.
    """
    from .esptool_log import listening

    with listening(), connected(port) as loader, untouched(port, loader):
        loader = prepared(loader, baud)
        content = loader.read_flash(offset, size)
        loader.hard_reset()
        return content


def erase(port: str, baud: int = FAST_BAUD) -> None:
    """Erase the whole flash of a board, NVS and all, and reset it."""
    from esptool import cmds

    from .esptool_log import listening

    with listening(), connected(port) as loader, failures(port, "it is half erased", RETRY):
        loader = prepared(loader, baud)
        cmds.erase_flash(loader)
        loader.hard_reset()
