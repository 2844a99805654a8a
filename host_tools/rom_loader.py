"""Reaches the serial loader of a chip with esptool as a library: who it is, reading, erasing.

Importing esptool takes 0.3 s, so it is imported inside the functions.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import termios
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from . import serial_port
from .baud_rates import FAST_BAUD
from .errors import CannotTry, FieldbeatError
from .language import tr
from .serial_port import PortError

if TYPE_CHECKING:
    from .esptool_log import Heard

CONNECT_ATTEMPTS = 3


class FlashError(FieldbeatError):
    """Writing did not work; the unit may hold an incomplete image."""


def another_board(port: str) -> PortError:
    """Return what is said of a port whose name another board has got meanwhile."""
    message = tr("another board is at {port} now").format(port=port)
    return PortError(message, tr("leave it plugged in, and run it again"))


class Visit:
    """A board in its serial loader, from the first look until it runs its program again.

    A context manager. When it ends a board into which nothing was written is reset and runs on;
    one that is half written stays where it is. It is a visit to one board: where a port went away
    another one may have its name a moment later.

    Attributes:
        port: serial port or pyserial URL.
        untouched: nothing was written yet; who begins to write takes it away.
        heard: esptool's messages, once it is entered.
        mac: the board's MAC address as text; empty before the first look.
    """

    heard: Heard

    def __init__(self, port: str) -> None:
        self.port = port
        self.untouched = True
        self.mac = ""
        self._opened: Any = None
        self._loader: Any = None
        self._last = ExitStack()

    def __enter__(self) -> Self:
        from .esptool_log import listening

        self.heard = self._last.enter_context(listening())
        return self

    def __exit__(self, *_: object) -> None:
        with self._last:
            if self.untouched:
                with suppress(Exception):
                    self.leave()
            self._close()

    def loader(self) -> Any:
        """Return esptool's object for the board; the loader is entered, again if it was lost.

        Raises:
            CannotTry: no boot loader answers, or that of another board than before.
        """
        if self._loader is None or not self._answers():
            self._close()
            self._enter()
            self._recognize()
        return self._loader

    def prepared(self, baud: int) -> Any:
        """Return the loader with esptool's stub, at the fast rate; nothing is erased yet."""
        from esptool import cmds

        loader = self.loader()
        if loader.IS_STUB:
            return loader
        self._loader = stub = cmds.run_stub(loader)
        stub.WRITE_FLASH_ATTEMPTS = 1  # for the second one it would open whatever has the name now
        if baud > stub.ESP_ROM_BAUD:
            stub.change_baud(baud)
        cmds.attach_flash(stub)
        return stub

    def leave(self) -> None:
        """Reset the board, which runs its program, and close the port; nothing if it is closed."""
        if self._loader is not None:
            self._loader.hard_reset()
        self._close()

    def _recognize(self) -> None:
        mac = _mac_text(self._loader)
        if self.mac not in ("", mac):
            self.leave()
            raise another_board(self.port)
        self.mac = mac

    def _answers(self) -> bool:
        import esptool

        try:
            self._loader.read_mac()
            return True
        except (esptool.FatalError, OSError, termios.error):
            return False

    def _enter(self) -> None:
        import esptool
        from esptool import cmds

        self._opened = serial_port.open_port(self.port)
        try:
            self._loader = cmds.detect_chip(self._opened, connect_attempts=CONNECT_ATTEMPTS)
        except (esptool.FatalError, OSError, termios.error) as error:
            reason = " ".join(str(error).split())
            message = tr("no boot loader answers at {port} ({partition})").format(
                port=self.port, partition=reason.partition(" For trouble")[0]
            )
            step = tr("hold BOOT, press EN, release BOOT, try again; else {step}")
            step = step.format(step=serial_port.lost_step(self.port))
            raise CannotTry(message, step) from None

    def _close(self) -> None:
        opened, self._opened, self._loader = self._opened, None, None
        if opened is not None:
            opened.close()


def nothing_written(port: str) -> AbstractContextManager[None]:
    """For what comes before the first write.

    Raises:
        CannotTry: the loader does not answer, or not as it should.
    """
    return failures(port, tr("nothing was written"), serial_port.lost_step(port), CannotTry)


@contextmanager
def failures(
    port: str, state: str, step: str, kind: type[FieldbeatError] = FlashError
) -> Iterator[None]:
    """Turn what esptool raises into our own error, which says in what state the unit is."""
    import esptool

    try:
        yield
    # pyserial's errors are OSErrors, but for those of a port that goes away while it is emptied
    except (esptool.FatalError, OSError, termios.error) as error:
        reason = " ".join(str(error).split())
        raise kind(f"{port}: {reason}; {state}", step) from error


def who(visit: Visit) -> tuple[str, str]:
    """Return MAC address and chip of a board, which stays in its loader.

    Raises:
        CannotTry: no boot loader answers, or it was lost on the way.
    """
    with nothing_written(visit.port):
        loader = visit.loader()
        return visit.mac, chip_text(loader)


def identify(port: str) -> tuple[str, str]:
    """Return MAC address and chip of a board, and reset it.

    Raises:
        CannotTry: no boot loader answers, or it was lost on the way.
    """
    with Visit(port) as visit:
        return who(visit)


def _mac_text(loader: Any) -> str:
    """Return the MAC address of a chip as text."""
    return ":".join(f"{byte:02x}" for byte in loader.read_mac())


def chip_text(loader: Any) -> str:
    """Return the kind of a chip, as boards and images name it."""
    return str(loader.CHIP_NAME).lower().replace("-", "")


def read(port: str, offset: int, size: int, baud: int = FAST_BAUD) -> bytes:
    """Return what a board has in its flash, and reset it.

    Raises:
        CannotTry: no boot loader answers, or it was lost on the way.
    """
    with Visit(port) as visit, nothing_written(port):
        content: bytes = visit.prepared(baud).read_flash(offset, size)
        return content


def erase(port: str, baud: int = FAST_BAUD) -> None:
    """Erase the whole flash of a board, NVS and all, and reset it."""
    from esptool import cmds

    half, step = tr("it is half erased"), serial_port.lost_step(port)
    with Visit(port) as visit, failures(port, half, step):
        loader = visit.prepared(baud)
        visit.untouched = False
        cmds.erase_flash(loader)
        visit.leave()
