"""What modems say of their cell, as logs of others have it, and lines that are torn or absent."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.survey_line import Clock, Reply, UnitLine, fields
from fieldbeat.host_tools.survey_modem import MODEMS, Modem, NoSim, band_of
from fieldbeat.host_tools.survey_sample import Sample

# A BC95's AT+NUESTATS as published; Hisilicon counts tenths.
NUESTATS = (
    "Signal power:-952",
    "Total power:-896",
    "TX power:230",
    "TX time:1920",
    "RX time:28404",
    "Cell ID:27447553",
    "ECL:0",
    "SNR:213",
    "EARFCN:2509",
    "PCI:7",
    "RSRQ:-108",
)


def read(part: str, *lines: str) -> dict:
    return MODEMS[part].read(Reply(lines, "OK"))


CELLS = {  # of BC26 and BC660K, in programs that quote them: RSRP, SINR, band, level, cell, EARFCN
    '+QENG: 0,2507,2,146,"772F253",-90,-8,-83,16,5,"785F",0,140,3': (
        -90,
        16,
        5,
        0,
        "772F253",
        2507,
    ),
    '+QENG: 0,1769,9,400,"00288516",-103,-9,-94,5,3,"A924",0,14,2': (
        -103,
        5,
        3,
        0,
        "00288516",
        1769,
    ),
    '+QENG: 0,2506,,176,"0BF576D1",-59,-6,31,21,5,3095,0,-17,3': (-59, 21, 5, 0, "0BF576D1", 2506),
}
TOLD = ("rsrp_dbm", "snr_db", "band", "ecl", "cell", "earfcn")


@pytest.mark.parametrize("line", CELLS)
def test_a_serving_cell_of_mediatek(line):
    found = read("bc26", line)
    assert tuple(found[name] for name in TOLD) == CELLS[line]
    assert band_of(found["earfcn"]) == found["band"]


def test_a_serving_cell_of_hisilicon():
    assert read("bc95", *NUESTATS) == {
        "rsrp_dbm": -95.2,
        "rsrq_db": -10.8,
        "snr_db": 21.3,
        "ecl": 0,
        "earfcn": 2509,
        "band": 5,
        "pci": 7,
        "cell": "1A2D101",
    }


@pytest.mark.parametrize("part", MODEMS)
@pytest.mark.parametrize("line", ["", "+QENG: 0,25", "Signal power:-9", "+CENG: x", "ECL", ":"])
def test_what_is_torn_tells_nothing_wrong(part, line):
    found = read(part, line)
    assert not {k: v for k, v in found.items() if v not in (None, "", -0.9)}


def test_no_cell():
    assert not read("bc95", "Signal power:-32768", "Cell ID:4294967295", "ECL:255")
    assert not read("bc26")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (': 0,"a,b",3', ["0", "a,b", "3"]),
        ("42,0,255,255,2,54", ["42", "0", "255", "255", "2", "54"]),
        ("", [""]),
        ('"open', ["open"]),
    ],
)
def test_fields(text, found):
    assert fields(text) == found


def test_bands_overlap_nowhere():
    assert [band_of(n) for n in (0, 1575, 2525, 3500, 6300, 9435, 99999, None)] == [
        *(1, 3, 5, 8, 20, 28),
        None,
        None,
    ]


class Scripted:
    """A modem that answers from a table, and OK to all else."""

    def __init__(self, **replies: Reply) -> None:
        self.replies = {f"AT{name}": reply for name, reply in replies.items()}
        self.heard: list[str] = []

    def ask(self, text: str, timeout_s: float = 0) -> Reply:
        self.heard.append(text)
        return self.replies.get(text, Reply((), "OK"))


def test_the_standard_will_do_where_a_maker_has_no_words():
    line = Scripted()
    line.replies["AT+QENG=0"] = Reply((), "ERROR")
    line.replies["AT+CESQ"] = Reply(("+CESQ: 42,0,255,255,2,54",), "OK")
    line.replies["AT+CEREG?"] = Reply(("+CEREG: 3,5", "+CSCON: 1"), "OK")
    sample = Modem(line, "bc26", lambda: 7.0).look()
    assert sample == Sample(7.0, stat=5, rsrp_dbm=-86.0, rsrq_db=-19.0)


@pytest.mark.parametrize("final", ["+CME ERROR: 10", "ERROR", "+CME ERROR: 14"])
def test_a_sim_is_waited_for(final):
    line, waited = Scripted(), []
    line.replies["AT+CPIN?"] = Reply((), final)
    with pytest.raises(NoSim, match="no SIM"):
        Modem(line, "bc26", lambda: 0.0).prepare(waited.append)
    assert sum(waited) == pytest.approx(10)


@pytest.mark.parametrize(
    ("part", "told", "bands"),
    [
        ("bc26", "+QBAND: 3,1,3,8", (1, 3, 8)),
        ("bc26", "+QBAND: 0", ()),
        ("bc95", "+NBAND:5,8,20", (5, 8, 20)),
        ("sim7020", "+CBAND: 5", (5,)),
    ],
)
def test_bands(part, told, bands):
    line = Scripted()
    line.replies[f"AT{told.partition(':')[0]}?"] = Reply((told,), "OK")
    modem = Modem(line, part, lambda: 0.0)
    modem.prepare(lambda seconds: None)
    assert modem.bands == bands


class Unit:
    """A unit whose shell says one thing after the other."""

    def __init__(self, *told: tuple[str, int]) -> None:
        self.told, self.heard = list(told), []

    def run(self, argv: list[str]) -> tuple[str, int]:
        self.heard.append(argv)
        return self.told.pop(0)


def test_a_unit_on_the_air_is_waited_for():
    busy, waited = ("the modem is in use; try again in a minute", 1), []
    unit = Unit(busy, busy, ("+CSQ: 9,0\nOK", 0))
    line = UnitLine(unit, Clock(lambda: sum(waited), waited.append))
    assert line.ask("AT+CSQ") == Reply(("+CSQ: 9,0",), "OK")
    assert waited == [5.0, 5.0] and unit.heard == [["at", "AT+CSQ"]] * 3


def test_a_unit_is_not_waited_for_in_vain():
    waited = []
    clock = Clock(lambda: sum(waited), waited.append)
    with pytest.raises(CannotTry, match="in use"):
        UnitLine(Unit(*[("in use", 1)] * 99), clock).ask("AT")
    assert 100 < sum(waited) <= 125
    with pytest.raises(CannotTry, match="no modem"):
        UnitLine(Unit(("this unit has no modem", 1)), clock).ask("AT")


@pytest.mark.parametrize(
    ("told", "final"), [("+CME ERROR: 10 (no SIM)", "+CME ERROR: 10"), ("no answer in 10 s", "")]
)
def test_what_a_unit_adds_in_words(told, final):
    assert UnitLine(Unit((told, 0))).ask("AT+CPIN?").final == final
