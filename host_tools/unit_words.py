"""What a unit says, in the language of who reads it: a unit speaks English to programs.

What its shell says is in firmware/zh.txt, which units of that language have themselves; the rest
stands here, and in the catalogue of the host. `%s` stands for whatever stands there. What is not
known stays as it is, and so does what is stored or written as JSON.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from fieldbeat.protocols import reasons

from .language import ENGLISH, chosen, tr
from .wide_text import columns, padded

# What the host says in a row of a certificate, which is stored in English as well.
NOT_TOLD = "the unit did not tell of it"
UNTESTED = "it has to be tested: %s"
NO_NUMBER = "it is no number, and has limits: %s"
OTHER_UNIT = "it is told in %s, its limits are in %s"
OF_CERTIFICATES = (NOT_TOLD, UNTESTED, NO_NUMBER, OTHER_UNIT)
TEXTS = (
    *OF_CERTIFICATES,
    # of self-tests, and of parts that could not be read: firmware/, drivers/
    "not set yet",
    "cannot be opened; see counters",
    "no uplink",
    "not measured yet",
    "supply and clips are well",
    "obeys %s who may order an emergency",
    "obeys %s who may order an emergency, needs %s: fieldbeat issuer",
    "answers",
    "is at fault; see control",
    "told %s, it is not asked",
    "told %s, nobody knows where it stands",
    "only %s good frames in %s bytes",
    "no frame: check its supply and its TX",
    "no echo from 30 to 4500 mm in %s frames",
    "it reports a short, heat or no supply",
    "%s mV: unplugged, shorted, or no supply",
    "%s uV of noise: unplugged",
    "its trimming values give no pressure",
    "chip id %s, neither BMP280 nor BME280",
    "it does not end its start",
    "no trimming values",
    "it is still measuring",
    "it has measured nothing",
    "it has measured no humidity",
    "none of %s bytes",
    "no %s of %s bytes",
    "no region %s, see its config",
    "no JPEG: %s",
    "no end within %s bytes",
    "the contact does not come to rest",
    "%s uA, high alarm or a short",
    "%s uA, no current: check supply and loop",
    "%s uA, low alarm",
    "85.0 Cel: it has not converted, see to its supply",
    "configuration %s",
    "%s: see to cable and pull-up",
    "nobody on the 1-Wire: see to cable and pull-up",
    "no sensor with this rom answers",
    "family %s, not 28",
    "no frame: check its ribbon and its supply",
    "register 17 is %s",
    "%s / 100 l/min: the cable hums",
    "address 0x%s: check wiring and power",
    "%s, reply %s",
    "no valid answer of device %s in %s bytes",
    "device %s refused: exception %s",
    "relay %s: the board has %s",
    "relay %s stays as it was",
    "check its supply, TX/RX and power key",
    "start, attach and open again",
    "time is up",
    "socket: no answer",
    "%s: no answer",
    "%s has no address",
    "%s has no address: %s",
    "at %s baud and at %s",
    "check the SIM's contract and the APN",
    "the socket is closed: open it again",
    "the contact stays closed: see to the bucket",
    "%s bounces in %s tips",
    "no reply on RS485: check address, A/B, power",
    "no CO2 value in %s s",
    "0 ppm: the first value after power-on may be void",
    "serial number %s",
    "status %s after a reset",
    "%s mm after %s mm",
    "%s mm for a whole day",
    "check its supply and TX/RX",
    "frame %s.. was not taken",
    "still speaking after %s ms",
    "it started anew while it spoke",
    "a length of %s",
    "%s bytes, not %s",
    "only a part of %s bytes",
    "no answer to %s",
    "%s, status %s",
    "register map %s is not on the device: build the image again",
    # of refusals
    "board: %s %s is not known, there is: %s",
    "config: node.name is %s and id/unit %s: make them one",
    "%s is not a map; %s again",
    "%s is not valid CBOR (%s); %s again",
    "upload it",
    "provision the unit",
    "%s cannot be read; provision the unit or flash it again",
    "config: sampling.trim is none of this app; provision the unit again",
    "config: fitted must be a table",
    "config: [%s] is missing",
    "config: %s = %s, allowed is %s to %s",
    "config: %s = %s, allowed is a text of %s to %s characters",
    "config: [%s] needs another image; build and flash it",
    "config: a unit with [control] holds its outputs and cannot sleep deeply",
    "config: control is none of this app; provision the unit again",
    "config: power.sleep must be one of %s",
    "config: watch.alarms is none of this app; provision the unit again",
    "config: pace.look_s = %s, at most its interval_s, %s",
    "config: watch.pace is none of this app; provision the unit again",
    "config: [trace] must be a table",
    "config: trace.button must have a contact and a kind",
    "config: trace.button: %s",
    "config: modem: %s is no setting of a modem",
    "config: speaker.groups must be a list of up to 16 numbers",
    "config: wifi.open must be true or false",
    "kind: give 1 to 24 of a-z, 0-9 and -",
    "batch: %s needs the name of one",
    "batch: give 1 to 32 letters, digits, . _ and -",
    "amount: give a number with its unit, or none of both",
    "amount: give 0 to 2147483.647",
    "amount: give a number with at most 3 decimals",
    "unit: give 1 to 16 characters",
    "unit: %s is none, type it after the number",
    "note: give 1 to 60 bytes",
    "type operation KIND, KIND BATCH or KIND AMOUNT UNIT BATCH, - for what there is none of",
    "%s is a batch, or an amount? type AMOUNT UNIT BATCH, - for what there is none of",
    "node.language is en or zh",
    "%s is true or false",
    "there is no %s; here it is %s",
    "%s has a form that is not typed here: run fieldbeat provision",
    "issuers: give CBOR, [[algorithm, key, {0: class, 1: level}], ...] of up to %s: %s",
    "no such list",
    "a key is no point of its curve",
    "code: give 8 bytes of salt, the rounds and a SHA-256",
    "unit: give 1 to 32 lower-case letters, digits and -, which is not first",
    "master: give 16 random bytes; epoch and kid may follow",
    "kid: give 2 or 4 bytes",
    "epoch: give an integer of 1 to 2147483647",
    "epoch: give 4 bytes, big-endian",
    "%s: give one of master, kid, epoch, unit, issuers, wifi_password, trace, code",
    "trace: give 96 bytes, a secret of P-256 and its public key",
    "wifi: give a password of 8 to 63 ASCII characters, or none",
    "%s: %s is missing; build and flash the image again",
    "%s takes at most %s bytes",
    "datetime: more than a day from the network's %s",
    "datetime: give 2024-01-31T23:59:59Z, up to 2099",
    "field %s must be %s",
    "a frame has at most %s bytes",
    "locked; 'shell exec unlock CODE' first; 'fieldbeat code UNIT' shows it",
    "no heap for it now, ask again in some seconds",
    "nothing to commit: upload /config.new first",
    "field argv must be a list of words",
    "an SMP frame of %s bytes does not have the length it claims",
    "the body of an SMP frame is not a map",
    "more bytes after the item",
    "the input ends inside an item",
    "not the shortest head",
    "reserved additional information",
    "an indefinite length or a break",
    "nested deeper than %s",
    "text is not UTF-8",
    "an array longer than the input",
    "a map longer than the input",
    "map keys out of order",
    "a map key that is a container",
    "a map key twice",
    "%s at byte %s",
    # of safe mode, log and tables that the shell in Chinese leaves
    "held in its boot window; reboot ends it",
    "%s boots failed; reboot tries again, as it does itself in an hour",
    "cannot start: %s; see /crash.txt",
    "task %s fails again and again; see /crash.txt",
    "it has no keys yet: run fieldbeat provision on this port",
    "silent: %s; the watchdog will reset",
    "safe mode: %s",
    "%s (out of range)",
    "%s (sensor fault)",
    "%s (communication fault)",
    "%s (calibration)",
    "cut off here; in a terminal (fieldbeat console) it is whole",
    "%s (server)",
    "%s (modem)",
    "%sZ server",
    "%sZ modem",
    "since",
    "%s s ago",
    "awake",
    "light sleep",
    "deep sleep",
    "%s in %s sleeps",
    "radio sends",
    "%s, %s bytes",
    "radio listens",
    "%s in %s wakes",
    "radio idle",
    "rail %s",
    "ALARM %s",
    "%s is above %s",
    "%s is below %s",
    "%s, traceback %s in /crash.txt",
)

# What stands before a text, and stays: the rest of a row or line, also as doctor has seen it, and
# names of reasons, which counters and docs have, too.
_BEFORE = re.compile(
    rf"((?:selftest )?(?:ok|FAIL|skip) \S+ |(?:log )?L \d+ \S+: |(?:status|story) safe mode "
    rf"|(?:{'|'.join(reasons.names())}): )(.+)"
)
_OUTCOMES = ("acked", "partly", "no_ack", "none")
_GAP = re.compile(r"(?<=\S)  +(?=\S)")  # between the columns of a table
_COLUMNS_BETWEEN = "  "


def in_words(text: str) -> str:
    """Return a text of a unit in the language of who reads it."""
    language = chosen()
    if language == ENGLISH or not text:
        return text
    whole, patterns = _known(language)
    if text in whole:
        return whole[text]
    if text in reasons.names():
        return text
    if before := _BEFORE.fullmatch(text):
        return before[1] + in_words(before[2])
    for pattern, pieces in patterns:
        if found := pattern.fullmatch(text):
            values = [_filled(value) for value in found.groups()]
            return "".join(map("".join, zip(pieces, [*values, ""], strict=True)))
    return text


def answer(text: str) -> str:
    """Return the answer of a verb; the columns of a table stay below each other.

    Names stay as they are: the first column of `help`, lists of words, and what is counted.
    """
    if chosen() == ENGLISH:
        return text
    rows = [_GAP.split(line.strip()) for line in text.splitlines()]
    is_help = text.startswith("help  ")
    is_list = len(rows) > 1 and all(len(row) == 1 for row in rows)
    for row in rows:
        for n, cell in enumerate(row):
            is_name = is_list and " " not in cell
            is_name |= not n and (is_help or cell in reasons.names())
            row[n] = cell if is_name else in_words(cell)
    widths = [
        max(columns(row[n]) for row in rows if len(row) > n)
        for n in range(max(map(len, rows), default=0))
    ]
    return "\n".join(
        _COLUMNS_BETWEEN.join(
            [padded(cell, width) for cell, width in zip(row[:-1], widths, strict=False)] + row[-1:]
        )
        for row in rows
    )


def _filled(value: str) -> str:
    """Return what stands in a place; a single word is a name, but for how a wake has ended."""
    return in_words(value) if " " in value or value in _OUTCOMES else value


@cache
def _known(language: str) -> tuple[dict[str, str], list[tuple[re.Pattern[str], list[str]]]]:
    """Return the texts without places, and the others: those first that say the most."""
    told = {text: tr(text) for text in TEXTS} | of_shell(language)
    whole = {text: ours for text, ours in told.items() if "%s" not in text}
    patterns = sorted(told.keys() - whole.keys(), key=lambda text: (-_letters(text), text))
    return whole, [
        (_pattern(text), told[text].replace("%%", "%").split("%s")) for text in patterns
    ]


def of_shell(language: str) -> dict[str, str]:
    """Return what the shell of a unit has in a language: English to that, none if it has none."""
    file = resources.files("fieldbeat.firmware").joinpath(f"{language}.txt")
    if not file.is_file():
        return {}
    lines = file.read_text("utf-8").splitlines()
    return {text: ours for text, _, ours in (line.partition("\t") for line in lines)}


def _letters(text: str) -> int:
    return len(text.replace("%s", ""))


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(map(re.escape, text.split("%s"))))
