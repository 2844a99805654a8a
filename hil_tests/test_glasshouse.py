"""The model of a greenhouse, against balances that are reckoned by hand."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.virtual import glasshouse, plant
from fieldbeat.hil_tests.virtual.glasshouse import Glasshouse
from fieldbeat.hil_tests.virtual.scene import Scene

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
NIGHT = {
    "air_temperature": 5.0,
    "air_humidity": 80.0,
    "radiation": 0.0,
    "illuminance": 0.0,
    "wind_speed": 2.0,
    "co2": 420.0,
    "soil_temperature": 12.0,
    "rain": 0.0,
}
NOON = NIGHT | {"air_temperature": 20.0, "radiation": 800.0, "illuminance": 40_000.0}


def house(weather: dict[str, float], **outputs: float) -> Glasshouse:
    made = Glasshouse(lambda name, now_us: weather[name])
    for name, value in outputs.items():
        made.put(name, value, 0)
    return made


def test_a_heated_night_settles_where_gains_are_losses(monkeypatch):
    monkeypatch.setattr(glasshouse, "LEAF_AREA", 0.0)  # nothing evaporates
    room = house(NIGHT, heater=0.5)
    room.soil_percent = 0.0
    found = room.value("air_temperature", 400 * HOUR_US)
    # Heat that leaves through film and gaps, and through soil and ground behind each other.
    air_w = glasshouse.LEAKS_H * glasshouse.HEIGHT_M / 3600 * glasshouse.AIR_J_M3K
    out = glasshouse.COVER_W_M2K + air_w
    down = 1 / (1 / glasshouse.SOIL_W_M2K + 1 / glasshouse.DEEP_W_M2K)
    heat = 0.5 * glasshouse.HEATER_W_M2
    wanted = (heat + out * 5.0 + down * glasshouse.DEEP_C) / (out + down)
    assert found == pytest.approx(wanted, abs=0.1)


def test_the_roof_brings_the_air_from_outside():
    shut, open_ = house(NOON), house(NOON, roof=1.0)
    assert shut.value("air_temperature", 3 * HOUR_US) > 40
    assert 20 < open_.value("air_temperature", 3 * HOUR_US) < 32
    assert shut.value("air_humidity", 3 * HOUR_US) > open_.value("air_humidity", 3 * HOUR_US)
    assert shut.value("co2", 3 * HOUR_US) < open_.value("co2", 3 * HOUR_US) < 420


def test_rain_comes_in_through_the_roof_that_is_open():
    weather = dict(NIGHT)
    half, shut = house(weather, roof=0.5), house(weather)
    for each in (half, shut):
        each.advance(HOUR_US)
        weather["rain"] = 4.0
        each.advance(2 * HOUR_US)
        weather["rain"] = 0.0  # the gauge was emptied: no rain
        each.advance(3 * HOUR_US)
    assert half.rained_in_mm == pytest.approx(glasshouse.ROOF_SHARE * 0.5 * 4.0)
    assert shut.rained_in_mm == 0
    wetter = half.soil_percent - shut.soil_percent
    assert wetter == pytest.approx(100 * half.rained_in_mm / glasshouse.ROOT_MM, abs=0.05)


def test_a_bottle_of_carbon_dioxide_fills_a_shut_house_and_not_an_open_one(monkeypatch):
    monkeypatch.setattr(glasshouse, "CO2_NIGHT", 0.0)  # no crop
    shut, open_ = house(NIGHT, co2_valve=1.0), house(NIGHT, co2_valve=1.0, roof=1.0)
    found = shut.value("co2", 40 * HOUR_US), open_.value("co2", 40 * HOUR_US)
    # What comes out of the bottle leaves with the air.
    air_m_s = glasshouse.LEAKS_H * glasshouse.HEIGHT_M / 3600
    more = glasshouse.CO2_VALVE / glasshouse.CO2_G_PPM / air_m_s
    assert found[0] == pytest.approx(420 + more, rel=0.01)
    assert found[1] < 470
    assert shut.carbon_g == pytest.approx(40 * 3600 * glasshouse.CO2_VALVE)


def test_mist_cools_and_dries_nothing_out():
    dry = {**NOON, "air_humidity": 30.0}
    plain, misted = house(dry, roof=1.0), house(dry, roof=1.0, mist=1.0)
    cooler = plain.value("air_temperature", HOUR_US) - misted.value("air_temperature", HOUR_US)
    assert 0.5 < cooler < 10
    assert misted.value("air_humidity", HOUR_US) > plain.value("air_humidity", HOUR_US)
    assert house(NIGHT, mist=1.0).value("air_humidity", 5 * HOUR_US) <= 100


def test_water_needs_a_valve_and_the_pump_if_there_is_one():
    for outputs, flows in (
        ({"valve": 1.0, "pump": 0.0}, False),
        ({"valve": 0.0, "pump": 1.0}, False),
        ({"valve": 1.0, "pump": 1.0}, True),
        ({"valve": 1.0}, True),  # from the mains
        ({"valve": 0.0}, False),
    ):
        room = house(NIGHT, **outputs)
        room.advance(10 * MINUTE_US)
        assert room.litres == pytest.approx(10 * plant.WATER_L_MIN if flows else 0)
    leaking = house(NIGHT, leak=1.0)
    assert leaking.value("water_flow", 0) == plant.WATER_L_MIN


def test_soil_gains_what_the_meter_counts(monkeypatch):
    monkeypatch.setattr(glasshouse, "LEAF_AREA", 0.0)
    room = house(NIGHT, valve=1.0, pump=1.0)
    room.advance(20 * MINUTE_US)
    gained_l = (room.soil_percent - 28.0) / 100 * glasshouse.ROOT_MM * glasshouse.AREA_M2
    assert gained_l == pytest.approx(room.litres, rel=0.001)


def test_the_crop_dries_the_soil_by_some_millimetres_a_day():
    room = house(NOON, roof=1.0)
    room.advance(8 * HOUR_US)
    evaporated_mm = (28.0 - room.soil_percent) / 100 * glasshouse.ROOT_MM
    assert 2 < evaporated_mm < 9


def test_how_often_it_is_asked_changes_nothing():
    seldom, often = house(NOON, roof=0.5), house(NOON, roof=0.5)
    for second in range(0, 7200, 7):
        often.value("air_temperature", second * 1_000_000)
    for name in glasshouse.INSIDE[:3]:
        assert often.value(name, 2 * HOUR_US) == pytest.approx(
            seldom.value(name, 2 * HOUR_US), rel=0.01
        )


def test_a_scene_with_a_house_in_it():
    scene = Scene()
    outside = scene.value("air_temperature", 0)
    scene.plant.put("heater", 1.0, 0)
    house = scene.enclose(0)
    scene.plant.put("roof", 0.5, HOUR_US)
    assert house.outputs == {"heater": 1.0, "roof": 0.5}
    assert scene.value("weather_temperature", 0) == outside
    assert scene.value("air_temperature", HOUR_US) > scene.recorded("air_temperature", HOUR_US)
    assert scene.value("wind_speed", 0) == scene.recorded("wind_speed", 0)
    scene.hold("air_temperature", 3.0)
    assert scene.value("air_temperature", HOUR_US) == 3.0


def test_a_sensor_that_it_has_not():
    with pytest.raises(KeyError, match="no 'rain'"):
        house(NIGHT).value("rain", 0)
