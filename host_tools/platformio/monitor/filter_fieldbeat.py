"""The filter `fieldbeat` of `pio device monitor`: SMP lines and frames of the log as words.

`fieldbeat decode --console` has the words; this only knows which lines to ask it about.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from typing import Any

from platformio.device.monitor.filters.base import DeviceMonitorFilterBase
from platformio.exception import PlatformioException
from platformio.platform.factory import PlatformFactory

_LEADS = ("\x06\t", "\x04\x14")  # how a line of SMP begins, maybe behind a prompt
_PARTS = re.compile(r"[^\n]*\n|[^\n]+")
_DIGITS = re.compile(r"[0-9A-Fa-f]{24}")


class FieldbeatFilter(DeviceMonitorFilterBase):
    """Holds back SMP lines and shows what is in them; text is shown as it comes."""

    NAME = "fieldbeat"

    def __init__(self, options: dict | None = None) -> None:
        super().__init__(options)
        self._line = ""  # what came since the last end of a line
        self._shown = 0  # characters of it that are on the screen
        self._open = False  # the last line of the screen has no end yet
        self._decoder: Any = None  # the process, once it is needed
        self._complaints: Any = None  # what it says on stderr: a pipe nobody reads would block it
        self._fault = ""

    def rx(self, text: str) -> str:
        """Return what is to be shown of what the unit has sent."""
        shown = ""
        for part in _PARTS.findall(text):
            self._line += part
            if self._line.endswith("\n"):
                shown += self._whole_line()
                self._line, self._shown = "", 0
            else:
                shown += self._up_to(_smp_at(self._line))
            self._open = not shown.endswith("\n") if shown else self._open
        return shown

    def tx(self, text: str) -> str:
        """Return what is typed, as it is."""
        return text

    def _up_to(self, end: int) -> str:
        start, self._shown = self._shown, max(self._shown, end)
        return self._line[start : self._shown]

    def _whole_line(self) -> str:
        at = _smp_at(self._line)
        if self._line[at : at + 2] not in _LEADS:
            shown = self._up_to(len(self._line))
            return shown + self._told() if _DIGITS.search(self._line) else shown
        shown, told = self._up_to(at), self._told()
        return f"{shown}\n{told}" if told and (shown or self._open) else shown + told

    def _told(self) -> str:
        """Ask about the line; what goes wrong is told once, and then no more is asked."""
        if self._fault:
            return ""
        try:
            texts = json.loads(self._answer())
        except (OSError, ValueError, PlatformioException) as error:
            self._fault = str(error)
            texts = [f"no frames are decoded: {error}"]
        return "".join(f"  | {text}\n" for text in texts)

    def _answer(self) -> str:
        self._decoder = decoder = self._decoder or self._start()
        try:
            decoder.stdin.write(self._line)
            decoder.stdin.flush()
            answer = decoder.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:  # it has ended, and said why
            self._complaints.seek(0)
            raise OSError(self._complaints.read().strip() or "fieldbeat decode has ended")
        return answer

    def _start(self) -> Any:
        platform = PlatformFactory.from_env(self.environment)
        self._complaints = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        return subprocess.Popen(
            [platform.command(), "decode", "--console", "--json", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for the unit
        )


def _smp_at(line: str) -> int:
    """Return where SMP begins, or could, once its second character is here; else the end."""
    for at, character in enumerate(line):
        if character in "\x06\x04" and line[at : at + 2] in (*_LEADS, character):
            return at
    return len(line)
