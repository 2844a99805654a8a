"""A unit that tests itself, as its line answers: busy, old, not provisioned."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fieldbeat.host_tools import unit_acceptance
from fieldbeat.host_tools.acceptance import FAILED, NOT_TESTED, PASSED, Check
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.unit_acceptance import BUSY_S, BUSY_TRIES, NOBODY_THERE
from fieldbeat.protocols import cbor, reasons

FILES = {
    "/config.cbor": {"node": {"name": "gh-1", "site": "valley"}},
    "/board.cbor": {"id": "greenhouse_esp32"},
    "/profile.cbor": {"id": "greenhouse"},
    "/app.cbor": {"version": "0.1.0", "build_id": "1630443b6f04d7a5"},
}
SETTINGS = {"id/kid": b"\0\1", "id/mac": bytes(6), "config/sha256": bytes(32)}
BUSY = ("selftest failed: MemoryError()", 1)


class Line:
    """The answers of a unit, by the words of the verb; the last of several stays."""

    def __init__(self, answers, files=FILES, settings=SETTINGS):
        self.answers = {words: list(told) for words, told in answers.items()}
        self.files, self.settings = files, settings
        self.asked, self.waited_s = [], 0.0

    def run(self, argv, attempts=1, timeout_s=0.0):
        words = " ".join(argv)
        self.asked.append(words)
        told = self.answers[words]
        return told.pop(0) if len(told) > 1 else told[0]

    def download(self, path):
        return cbor.encode(self.files[path]) if path in self.files else None

    def read_setting(self, name):
        return self.settings.get(name)

    def information(self):
        return "MicroPython 1.25.0"

    def pause(self, seconds):
        self.waited_s += seconds


def found(answers, **more):
    line = Line({"selftest list": [("heap\nair", 0)]} | answers)
    return unit_acceptance.run(line, pause=line.pause, **more), line


HEAP = {"selftest heap": [("ok heap.free 39072 B (8192..)", 0)]}
GOOD = Check("heap.free", PASSED, Decimal(39072), "B", Decimal(8192))


def test_the_share_that_is_done_is_told():
    shares = []
    air = {"selftest air": [("ok air answers", 0)]}
    assert len(found(HEAP | air, tell=shares.append)[0]) == 2 and shares == [0.5, 1.0]


def test_a_mere_number_has_no_second_one_behind_it():
    rows, _ = found(HEAP | {"selftest air": [("ok door.active 0 1 (0..1)", 0)]})
    assert (rows[1].unit, rows[1].measured, rows[1].limits) == ("1", "0", "0 to 1")
    assert (rows[0].measured, rows[0].limits) == ("39072 B", "at least 8192 B")


def test_a_busy_unit_is_asked_again():
    air = {"selftest air": [BUSY, BUSY, ("FAIL air i2c_nack: address 0x44", 1)]}
    rows, line = found(HEAP | air)
    assert rows == [GOOD, Check("air", FAILED, text="i2c_nack: address 0x44")]
    assert line.waited_s == 2 * BUSY_S and line.asked.count("selftest air") == 3


def test_but_not_for_ever_and_what_it_says_is_kept():
    rows, line = found(HEAP | {"selftest air": [BUSY]})
    assert rows[1] == Check("air", FAILED, text="selftest failed: MemoryError()")
    assert line.waited_s == (BUSY_TRIES - 1) * BUSY_S
    rows, line = found(HEAP | {"selftest air": [("selftest failed: OSError(5,)", 1)]})
    assert rows[1].verdict == FAILED and line.waited_s == 0


def test_on_the_air_it_reports_first():
    air = {"selftest air": [("ok air answers", 0)], "uplink": [("none: 3 wait", 1)]}
    _, line = found(HEAP | air, on_air=True)
    assert line.asked.index("uplink") < line.asked.index("selftest heap")


@pytest.mark.parametrize("reason", sorted(NOBODY_THERE))
def test_a_village_without_a_server_is_no_failure_before_it_is_asked_for(reason):
    assert reason in reasons.names()
    air = {"selftest air": [(f"FAIL modem.uplink {reason}", 1)], "uplink": [(reason, 1)]}
    (_, at_desk), _ = found(HEAP | air)
    assert at_desk == Check("modem.uplink", NOT_TESTED, text=reason)
    (_, judged), _ = found(HEAP | air, on_air=True)
    assert judged == Check("modem.uplink", FAILED, text=reason)


@pytest.mark.parametrize(
    "line", ["modem.uplink modem_silent", "modem.uplink reg_denied", "air no_ack"]
)
def test_but_what_is_broken_is_one(line):
    (_, row), _ = found(HEAP | {"selftest air": [(f"FAIL {line}", 1)]})
    assert row.verdict == FAILED


def test_a_program_without_a_self_test():
    line = Line({"selftest list": [("unknown verb selftest; type help", 1)]})
    with pytest.raises(CannotTry, match="has no self-test: unknown verb"):
        unit_acceptance.run(line)


def test_what_a_unit_is():
    assert unit_acceptance.facts(Line({})).role == "station"
    for name in FILES:
        less = {path: content for path, content in FILES.items() if path != name}
        with pytest.raises(CannotTry, match=f"the unit has no {name}"):
            unit_acceptance.facts(Line({}, files=less))
    for name in SETTINGS:
        with pytest.raises(CannotTry, match="is not provisioned"):
            unit_acceptance.facts(Line({}, settings=SETTINGS | {name: None}))


class Torn(Line):
    """A unit one of whose files is not what was written."""

    def __init__(self, path, content):
        super().__init__({})
        self.path, self.content = path, content

    def download(self, path):
        return self.content if path == self.path else super().download(path)


@pytest.mark.parametrize("path", sorted(FILES))
@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[:-3], lambda data: b"", lambda data: b"\x00", lambda data: b"\xa0"],
)
def test_a_torn_file_is_named_with_what_to_do(path, spoil):
    data = cbor.encode(FILES[path])
    step = "provision" if path == "/config.cbor" else "flash it again"
    with pytest.raises(CannotTry, match=f"^{path} of the unit is damaged; next: .*{step}"):
        unit_acceptance.facts(Torn(path, spoil(data)))


@pytest.mark.parametrize("name", ["../gh-1", "/tmp/gh-1", "", "gh 1"])
def test_a_name_that_would_lead_a_certificate_elsewhere_is_refused(name):
    node = FILES["/config.cbor"]["node"]
    for key in ("name", "site"):
        files = FILES | {"/config.cbor": {"node": node | {key: name}}}
        with pytest.raises(CannotTry, match="is not allowed"):
            unit_acceptance.facts(Line({}, files=files))
