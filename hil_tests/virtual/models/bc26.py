"""Quectel BC26, with MediaTek's chip set.

Sources: Quectel BC26 AT commands manual and hardware design guide. Not modelled: buffer mode of
sockets.
"""

from __future__ import annotations

from .at_modem import ATModem
from .bc26_commands import ALLOWED, PERSISTENT, SETTINGS, TABLE
from .uart import to_text

BOOT_LOG = (
    "\r\nF1: 0000 0000\r\nV0: 0000 0000 [0001]\r\n00: 0006 000C\r\n01: 0000 0000\r\n"
    "U0: 0000 0001 [0000]\r\nT0: 0000 00B4\r\nLeaving the BROM\r\n"
)


class BC26(ATModem):
    """The words of a BC26."""

    BOOT_LOG = BOOT_LOG
    TABLE = TABLE
    SETTINGS = SETTINGS
    PERSISTENT = PERSISTENT
    ALLOWED = ALLOWED
    BAND_SETTING = "+QBAND"
    SLEEP_SETTING = "+QSCLK"
    RELEASE_SETTING = "+QNBIOTRAI"

    def clear(self) -> None:
        super().clear()
        self.send_format, self.receive_format = 0, 0  # of sockets: 0 text, 1 hex

    def attached(self, address: str) -> None:
        self.urc(f"+IP: {address}")

    def sent(self, number: int, done: bool) -> None:
        self.tell("SEND OK" if done else "SEND FAIL")

    def arrived(self, number: int, data: bytes) -> None:
        text = data.hex() if self.receive_format else to_text(data)
        self.urc(f'+QIURC: "recv",{number},{len(data)},"{text}"')

    def closed(self, number: int) -> None:
        self.urc(f'+QIURC: "closed",{number}')

    def before_sleep(self) -> None:
        self.urc('+QNBIOTEVENT: "ENTER PSM"', "+QNBIOTEVENT")

    def after_sleep(self) -> None:
        self.urc('+QNBIOTEVENT: "EXIT PSM"', "+QNBIOTEVENT")
