"""Which place of a survey is named best: one where a unit may stand, and no other."""

import pytest
from fieldbeat.host_tools import survey_verdict
from fieldbeat.host_tools.survey_limits import Limits
from fieldbeat.host_tools.survey_sample import HOME, SEARCHING, Sample


def looks(spot, count, dbm):
    return [Sample(float(n), spot, HOME, rsrp_dbm=dbm, snr_db=12.0, ecl=0) for n in range(count)]


@pytest.mark.parametrize(
    ("samples", "named"),
    [
        (looks("gate", 2, -80.0) + looks("roof", 9, -100.0), "best: roof"),
        (looks("gate", 9, -80.0) + looks("roof", 9, -100.0), "best: gate"),
        (looks("gate", 2, -80.0) + looks("roof", 9, -115.0), "best: roof"),
        (
            looks("gate", 2, -80.0) + looks("roof", 3, -100.0),
            "best: no place is known yet to be good enough",
        ),
        (
            looks("gate", 9, -140.0) + looks("roof", 2, -80.0),
            "best: no place is known yet to be good enough",
        ),
    ],
)
def test_a_place_that_cannot_be_judged_is_not_named_best(samples, named):
    found = survey_verdict.spots(samples, Limits())
    best = survey_verdict.best(found)
    lines = survey_verdict.in_words(found, best)
    assert [line for line in lines if line.startswith("best: ")] == [named]
    assert best.is_fit == (named in ("best: roof", "best: gate"))


def visits(*spans):
    """Samples, one a second: (spot, seconds, stat)."""
    found = []
    for spot, seconds, stat in spans:
        dbm = -90.0 if stat == HOME else None
        found += [
            Sample(float(len(found) + n), spot, stat, rsrp_dbm=dbm, snr_db=10.0)
            for n in range(seconds)
        ]
    return found


def roof(*spans):
    return next(s for s in survey_verdict.spots(visits(*spans), Limits()) if s.name == "roof")


def test_a_new_search_at_a_place_that_is_visited_again_does_not_count_against_it():
    once = ("roof", 20, SEARCHING), ("roof", 60, HOME)
    assert roof(*once).verdict == survey_verdict.GO
    again = roof(*once, ("wall", 40, HOME), *once)
    assert (again.verdict, again.registered, again.looks) == (survey_verdict.GO, 1.0, 160)
    left = roof(*once, ("wall", 40, HOME), ("roof", 20, SEARCHING))  # before it could be found
    assert (left.verdict, left.registered) == (survey_verdict.GO, 1.0)


def test_a_search_that_was_long_enough_and_found_nothing_counts():
    most_s = int(Limits().most_attach_s)
    found = roof(("roof", 60, HOME), ("wall", 40, HOME), ("roof", most_s + 1, SEARCHING))
    assert found.verdict == survey_verdict.NO_GO


def test_the_time_at_another_place_is_no_search_at_this_one():
    most_s = int(Limits().most_attach_s)
    spans = ("roof", 15, SEARCHING), ("wall", most_s, HOME), ("roof", 5, SEARCHING)
    found = roof(*spans)
    assert found.verdict == survey_verdict.UNKNOWN and "after 14 s" in found.reason
