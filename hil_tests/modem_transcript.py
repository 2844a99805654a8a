"""What was said between a unit and its modem, as a text file that a bench can play again.

    # fieldbeat modem transcript 1
           0 > AT
          24 < OK
        1031 > AT+CEREG?
        1060 < +CEREG: 0,2

Milliseconds since the first line, `>` for what the unit sent, `<` for what the modem said. Numbers
of subscriber and SIM are masked in part, passwords and datagrams wholly; lengths stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.language import tr

HEAD = "# fieldbeat modem transcript 1"
_LINE = re.compile(r"\s*(\d+) ([<>]) (.+)")
_SHOWN = re.compile(r"A (-?\d+) ([<>]) (.+)")  # as the verb atlog prints it
_DIGITS = re.compile(r"(?<!\d)(\d{5})(\d{8,})(\d{2})(?!\d)")  # IMEI, IMSI, ICCID
_HEX = re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{16,}(?![0-9a-f])")
_LOGIN = re.compile(r"(?i)^(AT\+(?:\w*AUTH|QICSGP|CPIN|CLCK|CPWD)=)(.*)")
_TICKS = 1 << 30


@dataclass(frozen=True)
class Line:
    """One line; `at_ms` since the first one."""

    at_ms: int
    is_sent: bool  # by the unit
    text: str


def masked(text: str) -> str:
    """Return a line without what must not leave the house, as long as it was."""
    login = _LOGIN.match(text)
    if login:
        return login[1] + re.sub(r"[^,\"]", "*", login[2])
    text = _HEX.sub(lambda found: _zeros(found[0]), text)
    return _DIGITS.sub(lambda found: found[1] + "0" * len(found[2]) + found[3], text)


def _zeros(text: str) -> str:
    return text if text.isdecimal() else "0" * len(text)  # decimals are numbers, masked in part


def of_console(text: str) -> list[Line]:
    """Return the lines of the modem in what a console printed while `atlog` was on."""
    found: list[Line] = []
    first_ms = None
    for row in re.split(r"[\r\n]+", text):
        shown = _SHOWN.search(row.replace("\x1b[K", ""))
        if shown:
            at_ms = int(shown[1])
            first_ms = at_ms if first_ms is None else first_ms
            found.append(Line((at_ms - first_ms) % _TICKS, shown[2] == ">", masked(shown[3])))
    return found


def write(path: Path, lines: Iterable[Line]) -> None:
    """Write a transcript.

    Raises:
        CannotTry: the file cannot be written.
    """
    rows = [HEAD]
    rows += [f"{line.at_ms:8} {'>' if line.is_sent else '<'} {line.text}" for line in lines]
    try:
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    except OSError as error:
        step = tr("name a file where you may write")
        raise CannotTry(f"{path}: {error.strerror}", step) from None


def read(path: Path) -> list[Line]:
    """Return the lines of a transcript.

    Raises:
        CannotTry: it is none, or it has no line in which the unit says something.
    """
    step = tr("name a file that 'fieldbeat bench record' has written")
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotTry(f"{path}: {getattr(error, 'strerror', error)}", step) from None
    if rows[:1] != [HEAD]:
        raise CannotTry(tr("{path} is no transcript of a modem").format(path=path), step)
    lines = []
    for number, row in enumerate(rows, 1):
        if not row.strip() or row.startswith("#"):
            continue
        found = _LINE.fullmatch(row)
        if not found:
            message = tr("{path}, line {number}: no time, < or >, and text")
            raise CannotTry(message.format(path=path, number=number), step)
        lines.append(Line(int(found[1]), found[2] == ">", found[3]))
    if not any(line.is_sent for line in lines):
        message = tr("{path}: the unit says nothing to its modem in it").format(path=path)
        raise CannotTry(message, step)
    return lines
