"""What readings say of a sensor, case by case and for any readings."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools import profiles, sensor_verdict, stimuli
from fieldbeat.host_tools.sensor_verdict import PASSED, Quiet, Seen, judge
from fieldbeat.host_tools.unit_parts import Subject, Unread
from hypothesis import given
from hypothesis import strategies as st

CHANNELS = {channel.name: channel for channel in profiles.load("greenhouse").channels}


def subject(name: str, kind: str = "") -> Subject:
    channel = CHANNELS[name]
    own = channel.source.partition(".")[2]
    return Subject(channel.part, own, channel, stimuli.of(kind, own))


def seen(name: str, quiet: list[float], after: list[float], kind: str = "") -> Seen:
    one = subject(name, kind)
    calm = Quiet(tuple(quiet))
    stimulus = one.stimulus or subject("air_temperature").stimulus
    assert stimulus
    return Seen(one, stimulus.chosen(calm.value), calm, after)


CALM = [22.0, 22.02, 21.99, 22.01]
SOIL = {"soil_temperature": seen("soil_temperature", [18.0, 18.1], [19, 20, 21], "modbus_probe")}
STILL = {"soil_temperature": seen("soil_temperature", [18.0, 18.1], [18.1, 18.0], "modbus_probe")}


@pytest.mark.parametrize(
    ("after", "others", "verdict"),
    [
        ([22.1, 22.6, 22.7], STILL, "answers"),
        ([22.1, 22.6, 22.7], SOIL, "answers"),  # so did a neighbour: no harm
        ([22.6, 22.0, 22.6, 22.0], STILL, "stuck"),  # one reading alone is a disturbance
        ([22.1, 22.2, 22.3], STILL, "stuck"),
        ([22.0, 21.4, 21.3], STILL, "wrong way"),
        ([22.0, 21.4, 21.3], SOIL, "swapped"),
        ([22.0, 22.0], SOIL, "swapped"),
    ],
)
def test_a_hand_around_a_thermometer(after, others, verdict):
    found = judge(seen("air_temperature", CALM, after), others, 60)
    assert found.verdict == verdict
    assert bool(found.next_step) == (verdict not in PASSED)


def test_the_very_same_value_is_told_from_noise():
    same = judge(seen("air_temperature", [22.0] * 8, [22.0] * 60), {}, 90)
    noisy = judge(seen("air_temperature", CALM, [22.0, 22.01]), {}, 90)
    assert same.verdict == noisy.verdict == "stuck"
    assert "very same 68 times" in same.detail and "no more than its noise" in noisy.detail


def test_more_noise_needs_more_of_an_answer():
    loud = [20.0, 24.0, 21.0, 23.0]
    assert judge(seen("air_temperature", loud, [23.5, 23.5]), {}, 9).verdict == "stuck"
    assert judge(seen("air_temperature", loud, [31.0, 31.0]), {}, 9).verdict == "answers"


def test_where_a_hand_would_not_warm_a_cloth_cools():
    hot = seen("air_temperature", [38.0, 38.0], [37.0, 36.9])
    assert "wet cloth" in hot.stimulus.ask and judge(hot, {}, 9).verdict == "answers"
    dark = seen("illuminance", [0.0, 0.0], [80.0, 90.0])
    assert "torch" in dark.stimulus.ask and judge(dark, {}, 9).verdict == "answers"
    wet = seen("soil_moisture", [70.0, 70.0], [5.0, 5.0])
    assert "pull" in wet.stimulus.ask and judge(wet, {}, 9).verdict == "answers"


def test_half_of_the_light_must_go():
    assert judge(seen("illuminance", [8000.0], [5000.0, 4500.0]), {}, 9).verdict == "stuck"
    assert judge(seen("illuminance", [8000.0], [3900.0, 3900.0]), {}, 9).verdict == "answers"


@given(
    st.lists(st.floats(-40, 85), min_size=1, max_size=8),
    st.lists(st.floats(-40, 85), min_size=1, max_size=8),
)
def test_any_readings_have_one_verdict_that_mirrors(quiet, after):
    def verdict(sign: int) -> str:
        one = subject("air_temperature")
        warm = stimuli.Stimulus("x", sign, 0.5, 9, "temperature")
        calm = Quiet(tuple(sign * q for q in quiet))
        return judge(Seen(one, warm, calm, [sign * a for a in after]), {}, 9).verdict

    assert verdict(1) == verdict(-1)


def test_a_range_is_that_of_what_is_reported():
    one, quiet = subject("air_humidity"), Quiet((100.4,))
    assert sensor_verdict.implausible(one, quiet, None)
    assert sensor_verdict.implausible(one, quiet, [-10, 10_000]) is None
    assert sensor_verdict.implausible(one, Quiet((99.0,)), [0, 10_200])


@pytest.mark.parametrize("reason", stimuli.NEXT_STEPS)
def test_each_reason_of_a_driver_has_its_own_step(reason):
    found = sensor_verdict.absent(subject("co2"), Unread(f"co2: {reason}: x; check its wiring"))
    assert found.next_step == stimuli.NEXT_STEPS[reason] and found.detail == f"{reason}: x"


def test_every_channel_of_every_profile_has_a_stimulus_or_is_known_to_have_none():
    """A new quantity is thought about once: here, and in stimuli.py."""
    looked_at = {"ec", "ph", "voltage", "current", "rsrp", "last_5min", "last_hour", "day"}
    for name in profiles.names():
        for channel in profiles.load(name).channels:
            own = channel.source.partition(".")[2]
            assert stimuli.of("", own) or own in looked_at, f"{name}: {channel.name}"
