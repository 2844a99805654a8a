"""A modem as a survey sees it: is its SIM ready, how does it hear the network, how soon is it in.

Sources: 3GPP TS 27.007 (+CPIN, +CFUN, +CEREG, +CESQ, +COPS), TS 36.101 table 5.7.3-1 (EARFCN);
the serving cell in the words of each maker, as published logs have them (hypotheses).
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from .errors import CannotTry, FieldbeatError
from .language import tr
from .survey_line import Line, Reply
from .survey_sample import Sample

SIM_S = 10  # until a SIM is ready, after the start
RADIO_S = 20.0  # to switch the radio on or off
UNKNOWN = -32768  # of +NUESTATS
PIN_ERRORS = (11, 12, 17, 18)  # +CME ERROR, TS 27.007, 9.2.1
# First EARFCN of the downlink of each band that NB-IoT is sold in.
EARFCNS = {
    1: (0, 599), 2: (600, 1199), 3: (1200, 1949), 4: (1950, 2399), 5: (2400, 2649),
    8: (3450, 3799), 12: (5010, 5179), 13: (5180, 5279), 17: (5730, 5849), 18: (5850, 5999),
    19: (6000, 6149), 20: (6150, 6449), 25: (8040, 8689), 26: (8690, 9039), 28: (9210, 9659),
    66: (66436, 67335), 70: (68336, 68585), 71: (68586, 68935), 85: (70366, 70545),
}  # fmt: skip


@dataclass(frozen=True)
class Words:
    """What differs between modems.

    `bauds`: at which it may answer. `awake`: keeps it from sleeping while it is surveyed. `sim`:
    tells whether the SIM can be used. `cell`: describes the serving cell, `read` takes that.
    `bands`: tells in which it searches.
    """

    bauds: tuple[int, ...]
    awake: tuple[str, ...]
    sim: str
    cell: str
    read: Callable[[Reply], dict[str, Any]]
    bands: str


def band_of(earfcn: int | None) -> int | None:
    """Return the band in which a downlink channel lies."""
    if earfcn is None:
        return None
    return next((b for b, (low, high) in EARFCNS.items() if low <= earfcn <= high), None)


def _mediatek(reply: Reply, head: str) -> dict[str, Any]:
    """EARFCN, offset, PCI, cell, RSRP, RSRQ, RSSI, SINR, band, area, ECL, power, mode."""
    row = reply.row(head)
    if len(row) < 11:
        return {}
    earfcn, _, pci, cell, rsrp, rsrq, _, snr, band, _, ecl = row[:11]
    named = {"earfcn": earfcn, "pci": pci, "band": band, "ecl": ecl}
    values: dict[str, Any] = {name: _number(text) for name, text in named.items()}
    levels = {"rsrp_dbm": rsrp, "rsrq_db": rsrq, "snr_db": snr}
    return values | {name: _number(text) for name, text in levels.items()} | {"cell": cell}


def _hisilicon(reply: Reply) -> dict[str, Any]:
    """Lines `Signal power:-952`, in tenths; a cell in decimals."""
    told = dict(line.split(":", 1) for line in reply.lines if ":" in line)
    numbers = {name: _number(text.strip()) for name, text in told.items()}

    def tenths(name: str) -> float | None:
        found = numbers.get(name)
        return None if found is None or found == UNKNOWN else found / 10

    cell, ecl, earfcn = (numbers.get(name) for name in ("Cell ID", "ECL", "EARFCN"))
    if tenths("Signal power") is None:
        return {}
    return {
        "rsrp_dbm": tenths("Signal power"),
        "rsrq_db": tenths("RSRQ"),
        "snr_db": tenths("SNR"),
        "ecl": ecl,
        "earfcn": earfcn,
        "band": band_of(earfcn),
        "pci": numbers.get("PCI"),
        "cell": "" if cell is None else f"{cell:X}",
    }


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:  # empty, or torn
        return None


MODEMS = {
    "bc26": Words(
        (115_200, 9_600),
        ("ATE0", "AT+QSCLK=0"),
        "AT+CPIN?",
        "AT+QENG=0",
        lambda reply: _mediatek(reply, "+QENG: 0,"),
        "+QBAND",
    ),
    "bc95": Words((9_600, 57_600, 115_200), (), "AT+CIMI", "AT+NUESTATS", _hisilicon, "+NBAND"),
    "sim7020": Words(
        (115_200, 9_600),
        ("ATE0", "AT+CSCLK=0"),
        "AT+CPIN?",
        "AT+CENG?",
        lambda reply: _mediatek(reply, "+CENG:"),
        "+CBAND",
    ),
}
COUNTED = ("bc26",)  # its list of bands begins with how many there are


class NoSim(CannotTry):
    """The SIM cannot be used."""


class Modem:
    """A modem that answers; `part` is its name in MODEMS."""

    def __init__(self, line: Line, part: str, now_s: Callable[[], float]) -> None:
        self._line, self.part, self._now_s = line, part, now_s
        self._words = MODEMS[part]
        self._operator = ""
        self.bands: tuple[int, ...] = ()  # in which it searches; none: all, or not told

    def prepare(self, wait: Callable[[float], object]) -> None:
        """Keep it awake, see that its SIM is ready, let it tell why it is refused.

        Raises:
            NoSim: it cannot be used, and why.
        """
        for text in (*self._words.awake, "AT+CMEE=1", "AT+CEREG=3"):
            self._line.ask(text)
        self._radio(True)
        for _ in range(SIM_S):
            problem = self._sim_problem()
            if problem is None:
                break
            wait(1.0)
        if problem is not None:
            raise problem
        listed = self._line.ask(f"AT{self._words.bands}?").row(self._words.bands)
        numbers = [n for text in listed if (n := _number(text))]
        counted = self.part in COUNTED and len(numbers) > 1 and numbers[0] == len(numbers) - 1
        self.bands = tuple(numbers[1:] if counted else numbers)

    def _sim_problem(self) -> NoSim | None:
        reply = self._line.ask(self._words.sim, 5.0)
        told = " ".join(reply.row("+CPIN"))
        if reply.done and told in ("READY", ""):
            return None
        code = _number(reply.final.rpartition(":")[2].strip())
        if "PIN" in told or "PUK" in told or code in PIN_ERRORS:
            wants = told or tr("a PIN")
            message = tr("the SIM wants {what}: a unit never enters one").format(what=wants)
            step = tr("switch the PIN off in a phone's settings, or have a SIM without one")
            return NoSim(message, step)
        message = tr("the modem finds no SIM ({told})").format(told=reply.final or told)
        step = tr("put a SIM in, contacts to the modem's; clean it; try it in a phone")
        return NoSim(message, step)

    def _radio(self, on: bool) -> None:
        if self._line.ask("AT+CFUN?").row("+CFUN") != [str(int(on))]:
            self._line.ask(f"AT+CFUN={int(on)}", RADIO_S)
        if on:
            self._line.ask("AT+CGATT=1", RADIO_S)

    def detach(self) -> None:
        """Switch the radio off and on, so that it looks for a cell from where it is now."""
        self._radio(False)
        self._radio(True)
        self._operator = ""

    def look(self) -> Sample:
        """Return what it says now.

        Raises:
            FieldbeatError: it has gone silent.
        """
        at_s = self._now_s()
        answer = self._line.ask("AT+CEREG?")
        if not answer.final:
            raise FieldbeatError(
                tr("the modem does not answer any more"),
                tr("see its supply: a weak one fails when the radio sends; then run it again"),
            )
        sample = _registration(Sample(at_s), answer.row("+CEREG"))
        found = self._levels()
        if sample.registered and not self._operator:
            self._operator = (self._line.ask("AT+COPS?").row("+COPS") + [""] * 3)[2]
        return replace(sample, operator=self._operator, **found)

    def _levels(self) -> dict[str, Any]:
        """Signal and cell, as its own words have them, else as the standard's."""
        cell = self._line.ask(self._words.cell)
        found = {k: v for k, v in self._words.read(cell).items() if v not in (None, "")}
        if found.get("ecl") not in (0, 1, 2):
            found.pop("ecl", None)
        if "rsrp_dbm" not in found and cell.final and self.part != "bc95":
            with suppress(ValueError):
                found |= _levels([int(text) for text in self._line.ask("AT+CESQ").row("+CESQ")])
        return found


def _registration(sample: Sample, row: Sequence[str]) -> Sample:
    """+CEREG: <n>,<stat>[,<tac>,<ci>,<AcT>[,<cause type>,<cause>]]."""
    stat = _number(row[1]) if len(row) > 1 else None
    cause = _number(row[6]) if len(row) > 6 else None
    return replace(sample, stat=stat, cause=cause)


def _levels(row: Sequence[int]) -> dict[str, Any]:
    """+CESQ: RSRQ of 0 to 34 for -20 to -3 dB, RSRP of 0 to 97 for -140 to -43 dBm."""
    if len(row) != 6:
        return {}
    *_, rsrq, rsrp = row
    found: dict[str, Any] = {}
    if 0 <= rsrp <= 97:
        found["rsrp_dbm"] = float(rsrp - 140)
    if 0 <= rsrq <= 34:
        found["rsrq_db"] = rsrq / 2 - 20
    return found
