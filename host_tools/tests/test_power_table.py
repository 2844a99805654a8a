"""[power] in a node's file: what reaches the unit, and what is refused with a way out."""

import pytest
from fieldbeat.hil_tests.virtual.site import config
from fieldbeat.host_tools.validation import InvalidData


def refused(more: str) -> str:
    with pytest.raises(InvalidData) as caught:
        config(more=more)
    return "\n".join(caught.value.problems)


def test_without_the_table_or_awake_the_unit_hears_nothing_of_it():
    for more in ("", "[power]\nbattery_mah = 5000\n", '[power]\nsleep = "never"\n'):
        assert "power" not in config(more=more).to_device_map()


def test_a_unit_that_sleeps_gets_what_it_needs_and_no_budget():
    more = '[power]\nsleep = "deep"\nbudget_mah_day = 2000\n'
    assert config(more=more).to_device_map()["power"] == {
        "sleep": "deep",
        "console_s": 60,
        "window_s": 30,
    }
    more = "[power]\nledger = true\n"
    assert config(more=more).to_device_map()["power"]["sleep"] == "never"


def test_a_batch_that_the_rtc_cannot_keep_is_refused():
    small = "[sampling]\ninterval_s = 60\nreport_samples = 70\n"
    datagram = '[power]\nsleep = "deep"\n'
    try:
        config(more=small + datagram)
    except InvalidData as error:  # such a report may be too long as well: not what is asked here
        assert not [problem for problem in error.problems if "deep sleep" in problem]
    assert "at most 70 samples of 10 channels" in refused(
        "[sampling]\ninterval_s = 60\nreport_samples = 71\n" + datagram
    )
    light = '[power]\nsleep = "light"\n'
    problems = refused("[sampling]\ninterval_s = 60\nreport_samples = 71\n" + light)
    assert "deep sleep" not in problems


def test_another_kind_of_sleep_is_refused():
    assert "sleep" in refused('[power]\nsleep = "often"\n')


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("budget_mah_day = 0", "budget_mah_day = 0: must be a number above 0, at most 1000000"),
        ("solar_wh_day = 0", "solar_wh_day = 0: must be a number above 0, at most 10000"),
        ("budget_bytes_month = 0", "must be a whole number from 1 to 10000000000"),
        ("battery_mah = 20", "must be a whole number from 100 to 1000000"),
        ("days = 14", "[power] days = 14: needs battery_mah"),
    ],
)
def test_a_limit_without_a_meaning_is_refused(line, said):
    assert said in refused(f"[power]\n{line}\n")


def test_who_is_to_sleep_and_never_does_is_told():
    fast = "[sampling]\ninterval_s = 18\nreport_samples = 12\n"
    deep = '[power]\nsleep = "deep"\n'
    [note] = [note for note in config(more=fast + deep).notes if "[power]" in note]
    assert note.startswith("[power] sleep = 'deep': it would be awake for 23 h") and "18 s" in note
    assert not [note for note in config(more=deep).notes if "[power]" in note]
