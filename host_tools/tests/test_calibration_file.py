"""A calibration in a node's file: the rest of it stays as somebody has written it."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest
from fieldbeat.host_tools import calibration_file, profiles, sensor_calibration
from fieldbeat.host_tools.calibration_file import merged, text, values
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.sensor_calibration import CalibrationError, Point, Trim
from fieldbeat.host_tools.validation import InvalidData
from hypothesis import given
from hypothesis import strategies as st

CHANNELS = {channel.name: channel for channel in profiles.load("greenhouse").channels}
AIR, SOIL, PH = (CHANNELS[name] for name in ("air_temperature", "soil_moisture", "soil_ph"))
TABLE = values(AIR, Trim(-30), 'Li "the hand"', date(2026, 11, 26), "thermometer 4711")
FILES = {
    "plain": '[node]\nname = "a"  # label\n\n\n[fitted.air]\nenabled=true\n',
    "without its last newline": "a = 1 # x",
    "an array of tables at its end": '[[alarm]]\nnumber = 1\n[[alarm]]\nnumber = 2\nchannel="x"\n',
    "dotted keys": 'node.name = "a"\nnode.site = "b"\n\n',
    "Windows": '[node]\r\nname = "a"\r\n',
    "empty": "",
}


@pytest.mark.parametrize("old", FILES.values(), ids=FILES)
def test_a_new_table_goes_to_the_end(old):
    new = merged(old, AIR.name, TABLE)
    assert new.startswith(old) and ("\r\n" in old) == ("\r\n" in new)
    assert new.count("\n") - new.count("\r\n") == (0 if "\r\n" in old else new.count("\n"))
    assert tomllib.loads(new) == tomllib.loads(old) | {"calibration": {AIR.name: TABLE}}


def test_one_that_is_there_is_changed_in_its_place():
    old = merged(FILES["plain"], AIR.name, TABLE) + "# the end\n[power]\nledger = true # !\n"
    again = TABLE | {"offset": "0.10 Cel", "by": "Wang"}
    new = merged(old, AIR.name, again)
    expected = old.replace("-0.30 Cel", "0.10 Cel").replace("'Li \"the hand\"'", '"Wang"')
    expected = expected.replace('"Li \\"the hand\\""', '"Wang"')
    assert new == expected


def test_a_second_channel_stands_beside_the_first():
    old = merged(FILES["plain"], AIR.name, TABLE)
    new = merged(old, SOIL.name, TABLE)
    assert set(tomllib.loads(new)["calibration"]) == {AIR.name, SOIL.name}
    assert all(line in new.splitlines() for line in old.splitlines())


def test_a_file_with_mistakes_is_left_as_it_is(tmp_path):
    file = tmp_path / "n.toml"
    file.write_text("[node]\nname = 5\n")
    with pytest.raises(InvalidData):
        calibration_file.write(file, AIR.name, TABLE)
    assert file.read_text() == "[node]\nname = 5\n" and list(tmp_path.iterdir()) == [file]
    with pytest.raises(CannotTry, match="name a node's file"):
        calibration_file.write(tmp_path / "none.toml", AIR.name, TABLE)


def test_what_is_printed_is_what_is_written():
    assert merged("", AIR.name, TABLE) == text(AIR.name, TABLE)


@given(
    st.floats(0, 40),
    st.floats(60, 100),
    st.floats(-5, 5),
    st.floats(0.85, 1.15),
)
def test_two_points_find_what_bent_them(low, high, offset, factor):
    points = [Point((true - offset) / factor, true, 0.0) for true in (low, high)]
    trim = sensor_calibration.two_points(SOIL, *points, force=True)
    for point in points:  # half a count of the offset, half a step of the factor
        assert trim.of(SOIL, point.said) == pytest.approx(point.reference, abs=0.06)


def test_buffers_of_ph_are_finer_than_its_steps():
    with pytest.raises(CannotTry, match="like '1.000"):
        sensor_calibration.reference("7", PH)
    references = [sensor_calibration.reference(text, PH) for text in ("4.01 pH", "6.86 pH")]
    trim = sensor_calibration.two_points(
        PH, Point(4.3, references[0], 0.02), Point(7.0, references[1], 0.02)
    )
    assert trim.of(PH, 4.3) == pytest.approx(4.01, abs=0.06)
    assert trim.of(PH, 7.0) == pytest.approx(6.86, abs=0.06)


@pytest.mark.parametrize(
    ("said", "told"),
    [((25.0, 26.0), "too near"), ((50.0, 10.0), "a factor of"), ((1.0, 5.0), "a factor of")],
)
def test_two_points_that_are_no_calibration(said, told):
    low, high = Point(said[0], 5.0, 0.1), Point(said[1], 80.0, 0.1)
    with pytest.raises(CalibrationError, match=told):
        sensor_calibration.two_points(SOIL, low, high)


def test_a_drift_that_is_just_allowed():
    """Two steps of 0.1 %, which in binary fractions are 0.20000000000000284."""
    readings = [24.9] * 8 + [25.1] * 8
    sensor_calibration._must_be_steady(readings, 0.05, SOIL)
    with pytest.raises(CalibrationError, match="drifts by"):
        sensor_calibration._must_be_steady([24.9] * 8 + [25.2] * 8, 0.05, SOIL)
