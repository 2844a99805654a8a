"""Asks a running unit by SMP, over any console, which chip it is and which build it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import smp, smp_codes

from ..instruments.console import Console

ANSWER_S = 2.5  # as host_tools.smp_link
ATTEMPTS = 6  # together 15 s: the board may have been reset just now
MAC_SETTING, APP_FILE = "id/mac", "/app.cbor"


class Silent(Exception):
    """Nothing answers SMP at this console."""


@dataclass(frozen=True)
class Identity:
    """What a board is; `build_id` None: it does not say."""

    mac: str
    build_id: str | None


def ask(console: Console) -> Identity:
    """Returns what the unit says of itself.

    Raises:
        Silent: it does not answer.
    """
    asking = _Asking(console)
    setting = asking.read(smp_codes.GROUP_SETTINGS, 0, {"name": MAC_SETTING})
    mac = setting.get("val", b"").hex(":")
    if not mac:
        raise Silent
    return Identity(mac, asking.build_id())


class _Asking:
    """One request at a time; an answer to an earlier one has another sequence number."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._sequence = 0
        self._decoder = smp.LineDecoder(4096)
        self._line = b""

    def build_id(self) -> str | None:
        from fieldbeat.host_tools import strict_cbor

        answer = self.read(smp_codes.GROUP_FS, smp_codes.FS_FILE, {"name": APP_FILE, "off": 0})
        try:
            return strict_cbor.loads(answer["data"])["build_id"]
        except (KeyError, TypeError, ValueError):
            return None

    def read(self, group: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        for _ in range(ATTEMPTS):
            self._sequence = (self._sequence + 1) & 0xFF
            frame = smp.pack(smp.READ, group, self._sequence, command, body)
            self._console.write(b"".join(smp.encode_lines(frame)))
            for _ in range(round(ANSWER_S / 0.1)):
                for answer in self._frames(self._console.read(0.1)):
                    if answer[2:3] == (self._sequence,) and answer[1] == group:
                        return answer[4]
        raise Silent

    def _frames(self, data: bytes) -> list[tuple]:
        *lines, self._line = (self._line + data).split(b"\n")
        found = []
        for line in lines:
            at = line.find(smp.FIRST) if smp.FIRST in line else line.find(smp.NEXT)
            frame = self._decoder.feed(line[at:]) if at >= 0 else None
            if frame:
                found.append(smp.unpack(frame))
        return found
