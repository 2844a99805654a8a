"""Where the plugin and its fixtures keep what they share: keys of pytest's stashes."""

from __future__ import annotations

import pytest

from ..stimulus.remote import RemotePanel
from ..virtual.fault_panel import FaultPanel
from .care import Care
from .chosen_bench import ChosenBench
from .measure import Measured

BENCH = pytest.StashKey[ChosenBench]()  # of the configuration
CARES = pytest.StashKey[dict[str, Care]]()  # of the configuration, by the name of the board
LEFT = pytest.StashKey[Exception]()  # of the configuration: why the bench is not as asked
MEASURED = pytest.StashKey[Measured]()  # of a test
PANEL = pytest.StashKey[FaultPanel | RemotePanel]()  # of a test
# What a fixture needs of a bench; where it is missing the test is skipped, and says so.
FIXTURE_NEEDS = {
    "bench": "own_world",
    "collector": "collector",
    "faults": "faults",
    "modem": "modem_model",
    "network": "virtual",
    "power": "power",
    "stimulus": "stimulus",
}
