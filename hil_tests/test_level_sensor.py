"""The level sensor: its driver against its model, and a pole that reports a river."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.district import District

import drivers.a02yyuw
import drivers.surface
from drivers.a02yyuw import A02YYUW
from drivers.errors import DriverError

from .driver_rig import Port, Ticks, Uart, run, sleeps_in
from .virtual.models.a02yyuw import A02YYUW as Model
from .virtual.world import World

DATUM_MM = 5200
RIVER = f"[fitted.river]\ndatum_mm = {DATUM_MM}\n"


class Rig:
    """A sensor over water, and its driver on CPython."""

    def __init__(self) -> None:
        self.world = World(4)
        self.model = Model(self.world)
        self.driver = A02YYUW(Uart(self.world, self.model), DATUM_MM)

    def read(self) -> tuple[int, int]:
        return run(self.driver.read())

    def reason(self) -> str:
        with pytest.raises(DriverError) as caught:
            run(self.driver.read())
        return caught.value.reason


@pytest.fixture
def rig(monkeypatch):
    monkeypatch.setattr(drivers.a02yyuw, "UARTPort", Port)
    rig = Rig()
    for module in (drivers.a02yyuw, drivers.surface):
        monkeypatch.setattr(module, "time", Ticks(rig.world))
    sleeps_in(rig.world, monkeypatch)
    yield rig
    rig.world.close()


def test_the_level_is_what_is_left_of_the_datum(rig):
    rig.model.hang(2000)
    for _ in range(5):
        level, distance = rig.read()
        assert abs(distance - 2000) <= 2 and level == DATUM_MM - distance


def test_it_follows_a_river_that_rises(rig):
    rig.model.hang(lambda: 3000 - rig.world.now_us / 1e6 * 5)
    levels = []
    for _ in range(30):
        levels.append(rig.read()[0])
        rig.world.run_for(5)
    assert levels == sorted(levels) and levels[-1] - levels[0] == pytest.approx(30 * 27, abs=60)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("silent", "sensor_timeout"), ("bad_sum", "sensor_crc"), ("no_echo", "sensor_range")],
)
def test_a_fault_becomes_its_reason_and_ends_with_it(rig, fault, reason):
    rig.model.hang(2000)
    rig.read()
    setattr(rig.model.faults, fault, True)
    assert rig.reason() == reason and rig.model.faults.unfired() == []
    setattr(rig.model.faults, fault, False)
    assert abs(rig.read()[1] - 2000) <= 2


def test_two_bad_frames_cost_nothing(rig):
    rig.model.hang(2000)
    for fault in ("bad_sum", "no_echo"):
        rig.model.faults.limit(fault, 2)
        assert abs(rig.read()[1] - 2000) <= 2 and rig.model.faults.fired[fault] == 2


def test_a_spike_is_not_believed_unless_it_stays(rig):
    rig.model.hang(3000)
    rig.read()
    rig.model.faults.spike = 900
    begin_us = rig.world.now_us
    while rig.world.now_us - begin_us < 29_000_000:
        assert rig.reason() == "sensor_range"
        rig.world.run_for(4)
    rig.world.run_for(4)
    assert rig.read() == (DATUM_MM - 900, 900) and rig.model.faults.fired["spike"]


def test_a_spike_after_a_long_rest_is_not_believed_either(rig):
    rig.model.hang(3000)
    rig.read()
    rig.world.run_for(300)
    rig.model.faults.spike = 900
    assert rig.reason() == "sensor_range"
    rig.model.faults.spike = 0
    assert abs(rig.read()[1] - 3000) <= 2


def test_what_is_believed_and_doubted_is_known_after_a_deep_sleep(rig):
    rig.model.hang(3000)
    rig.read()

    def sleep() -> None:
        kept = rig.driver.keep()
        rig.driver = A02YYUW(Uart(rig.world, rig.model), DATUM_MM)
        rig.world.run_for(300)
        rig.driver.resume(kept, 300_000)

    sleep()
    rig.model.faults.spike = 900
    assert rig.reason() == "sensor_range"
    sleep()
    assert rig.read() == (DATUM_MM - 900, 900)  # it has stayed


def test_one_that_is_frozen_is_not_believed_for_ever(rig, monkeypatch):
    monkeypatch.setattr(drivers.surface, "_FROZEN_MS", 600_000)  # in place of a day
    rig.model.hang(2000)
    rig.read()
    rig.model.faults.frozen = True
    for _ in range(10):
        rig.read()
        rig.world.run_for(60)
    assert rig.reason() == "sensor_range" and rig.model.faults.fired["frozen"]
    rig.model.faults.frozen = False
    assert abs(rig.read()[1] - 2000) <= 2


def test_a_pole_reports_its_river(tmp_path):
    with District(tmp_path) as district:
        pole = district.add_pole(profile='"speaker_river"', more=RIVER)
        pole.fitted.parts["river"].hang(2000)
        district.run_for(1000)
        found = district.views.unit("speaker-01", district.now_s)
        [level] = [reading for reading in found.readings if reading.channel == "level"]
        assert float(level.text) == pytest.approx(3.2, abs=0.004) and level.quality == "normal"
        assert b"Traceback" not in pole.output
