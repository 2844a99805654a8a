"""What `fieldbeat power` predicts of a day is what the unit's own ledger says of it."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools.currents import BAD, GOOD

from . import power_trial

WITHIN = 0.1
HOURLY = "[sampling]\ninterval_s = 3600\nreport_samples = 1\n"


# `make bench AREA=river` has all four, at the paces of their profiles.
@pytest.mark.parametrize(
    "node, coverage",
    [
        (power_trial.greenhouse(HOURLY), GOOD),
        (power_trial.greenhouse(HOURLY), BAD),
        (power_trial.river(), BAD),
    ],
    ids=["greenhouse-good", "greenhouse-bad", "river-bad"],
)
@pytest.mark.long
def test_a_predicted_day_is_that_of_the_ledger(node, coverage):
    trial = power_trial.run(node, coverage)
    for what, (predicted, told) in (trial.states() | trial.charges()).items():
        if told or predicted:
            assert predicted == pytest.approx(told, rel=WITHIN), what
    # Bad coverage is really bad, and a unit that sleeps really does.
    assert (trial.told.radio["tx"] + trial.told.radio["active"] > 250) == (coverage is BAD)
    assert trial.told.awake_s < 5000
