"""What is told of a picture alone; hil_tests/test_gauge.py has pictures that are worth judging."""

import json

import numpy as np
from fieldbeat.host_tools.picture_quality import assess


def test_what_needs_another_picture_has_no_figure_and_no_flag():
    flat = np.full((240, 320), 128, np.uint8)
    found = assess(flat)
    assert found.flags() == ["covered"]
    assert [name for name, figure in found.figures.items() if figure is None] == [
        "blurred",
        "frozen",
    ]
    json.dumps(found._asdict(), allow_nan=False)  # NaN is no JSON
    assert assess(flat, flat).figures["frozen"] == 0
