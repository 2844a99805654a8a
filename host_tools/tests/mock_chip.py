"""A chip in ROM loader mode behind a TCP port, for tests that flash.

Protocol and registers are those of `esp32-mock-bootloader`; MAC, flash size and flash bytes are
ours. `flash.erased` has the regions that were erased explicitly.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from esp32_mock_bootloader import protocol, server

VIRTUAL_MAC = "02:fb:00:00:00:01"
REAL_MAC = "24:0a:c4:00:00:01"
EFUSE_MAC = 0x3FF5A004  # ESP32 technical reference, EFUSE_BLK0_RDATA1
FLASH_ID = 0x164020  # JEDEC: the third byte is log2 of the size


class Flash(server.FlashImage):
    """Flash bytes that count what is done to them; `corrupt` spoils writes at an address."""

    def __init__(self) -> None:
        super().__init__()
        self.erased: list[tuple[int, int]] = []
        self.written: list[int] = []
        self.corrupt: int | None = None

    def erase_region(self, offset: int, size: int) -> None:
        self.erased.append((offset, size))
        super().erase_region(offset, size)

    def begin_defl(self, payload: bytes) -> None:
        self.written.append(struct.unpack_from("<IIII", payload)[3])
        super().begin_defl(payload)

    def end_defl(self) -> None:
        super().end_defl()
        if self.corrupt is not None:
            self.data[self.corrupt] = 0xA5

    @property
    def untouched(self) -> bool:
        return not self.erased and not self.written


class Chip:
    """What stands behind the port."""

    def __init__(self, chip: str, mac: str, flash_mb: int) -> None:
        self.chip, self.flash, self.hang_up = chip, Flash(), threading.Event()
        high, low = struct.unpack(">II", b"\0\0" + bytes.fromhex(mac.replace(":", "")))
        self.registers = {EFUSE_MAC: low, EFUSE_MAC + 4: high} if chip == "esp32" else {}
        self.flash_id = (FLASH_ID & 0xFFFF) | (19 + flash_mb.bit_length()) << 16
        self.url = ""

    def session(self, mode: str) -> server.ChipSession:
        session = _REAL_SESSION(mode)
        session.registers.update(self.registers)
        return session


_REAL_SESSION = server.ChipSession


@contextmanager
def mock_chip(
    monkeypatch, chip: str = "esp32", mac: str = VIRTUAL_MAC, flash_mb: int = 4
) -> Iterator[Chip]:
    """Serve one chip while the block runs; `chip.url` is the port for esptool."""
    behind = Chip(chip, mac, flash_mb)
    monkeypatch.setattr(server, "ChipSession", behind.session)
    monkeypatch.setattr(protocol, "MOCK_FLASH_ID", behind.flash_id)
    monkeypatch.setattr(server, "_CLIENT_RECV_TIMEOUT", 5.0)  # a reading ends where a host is late
    listener = socket.create_server(("127.0.0.1", 0))
    behind.url = f"socket://127.0.0.1:{listener.getsockname()[1]}"
    thread = threading.Thread(target=_serve, args=(listener, behind), daemon=True)
    thread.start()
    try:
        yield behind
    finally:
        behind.hang_up.set()
        listener.close()
        thread.join(5)


def _serve(listener: socket.socket, chip: Chip) -> None:
    listener.settimeout(0.1)
    while not chip.hang_up.is_set():
        try:
            accepted, _ = listener.accept()
        except TimeoutError:
            continue
        except OSError:
            return
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = server.BootloaderConnection(sock=accepted, track_disconnect=True)
        server.handle_client(
            connection, chip.hang_up, chip.chip, exit_on_disconnect=True, flash=chip.flash
        )
