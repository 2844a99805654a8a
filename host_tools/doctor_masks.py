"""What must not leave the house, masked in what a unit has said.

Passwords, keys, long hexadecimal numbers (a key, a datagram), most digits of an IMEI, IMSI or
ICCID, and a code that somebody has typed. No mask reaches into the next line, nor into a modem's
answer that a cause is judged by.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re

from . import unit_code

_ANSWER = r"(?= -> (?:ERROR|SEND|\+CM)|$)"  # of a modem to the command before it
_MASKS = (
    # Keys and datagrams, also as 00:11:22..., 00 11 22... and \x00\x11\x22...
    (
        re.compile(
            r"(?i)(?<![0-9a-f])"
            r"([0-9a-f]{2}([:\-_ ]|\\x|)[0-9a-f]{2})(?:\2[0-9a-f]{2}){10,}[0-9a-f]?"
        ),
        r"\1...",
    ),
    (re.compile(r"(?<!\d)(\d{5})\d{7,}(\d{2})(?!\d)"), r"\1...\2"),  # IMEI, IMSI, ICCID
    (re.compile(rf"(?im)(AT\+(?:CPIN|CPWD|CLCK)=).+?{_ANSWER}"), r"\1***"),
    # What is set, and what the modem says of it when it is asked.
    (
        re.compile(rf"(?im)([+*](?:QCGAUTH|CGAUTH|QICSGP|MCGDEFCONT)(?:=|: ?)).+?{_ANSWER}"),
        r"\1***",
    ),
    # To the end of the line: a password may have spaces. What +CPIN tells is none.
    (
        re.compile(
            r"(?i)(\b\S*(?:password|passphrase|psk|secret|master|private|(?<!\+C)pin|code)\b)"
            r"([^\w\n]+)[^\n]+"
        ),
        r"\1\2***",
    ),
)


def masked(text: str) -> str:
    """Return a text without what must not leave the house."""
    text = unit_code.masked(text)
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text
