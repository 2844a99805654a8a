"""A unit on the air: it has no heap for a reading now and then, which is no fault of the part."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat

import pytest
from fieldbeat.host_tools import profiles, sensor_calibration
from fieldbeat.host_tools.sensor_calibration import CalibrationError
from fieldbeat.host_tools.sensor_check import BUSY_S, Clock, SensorCheck
from fieldbeat.host_tools.unit_parts import Unit

CHANNELS = tuple(each for each in profiles.load("greenhouse").channels if each.part == "battery")
UNIT = Unit("gh-1", "greenhouse_esp32", "greenhouse", {"battery": "battery"}, CHANNELS, {})
BUSY = ("read failed: MemoryError()", 1)
LOST = ("battery: sensor_range: 0 mV; check its wiring and address", 1)
GOOD = ("voltage  4.012 V", 0)


class Line:
    """The answers of a unit, one a second."""

    def __init__(self, answers: Iterator[tuple[str, int]]) -> None:
        self.now_s = 0.0
        self.answers = answers
        self.clock = Clock(lambda: self.now_s, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def download(self, path: str) -> bytes | None:
        raise AssertionError(path)

    def run(self, argv: list[str], attempts: int = 1, timeout_s: float = 0) -> tuple[str, int]:
        assert argv == ["read", "battery"] and attempts > 1
        return next(self.answers)


def verdict(*answers: tuple[str, int]) -> tuple[str, str, float]:
    line = Line(chain(answers, repeat(answers[-1])))
    check = SensorCheck(line, UNIT, lambda question: None, lambda text: None, line.clock)
    (finding,) = check.run(UNIT.subjects())
    return finding.verdict, finding.detail, line.now_s


def test_a_busy_unit_is_waited_for():
    assert verdict(*[BUSY] * 60, GOOD)[0] == "plausible"
    assert verdict(GOOD, BUSY, LOST, GOOD, LOST, GOOD)[0] == "plausible"


def test_but_not_for_ever():
    found, _, passed_s = verdict(BUSY)
    assert found == "absent" and passed_s == pytest.approx(BUSY_S, abs=2)


def test_three_failures_are_an_absence():
    found, detail, passed_s = verdict(LOST)
    assert (found, detail) == ("absent", "sensor_range: 0 mV") and passed_s < 5


def test_a_calibration_waits_as_well():
    (subject,) = UNIT.subjects()
    line = Line(chain([BUSY] * 20, repeat(GOOD)))
    point = sensor_calibration.measure(line, subject, 4.0, line.clock)
    assert (point.said, point.noise) == (4.012, 0.0)
    for answers in (repeat(BUSY), repeat(LOST), repeat(("voltage  no value", 0))):
        line = Line(answers)
        with pytest.raises(CalibrationError, match="battery"):
            sensor_calibration.measure(line, subject, 4.0, line.clock)
        assert line.now_s <= BUSY_S + 2
