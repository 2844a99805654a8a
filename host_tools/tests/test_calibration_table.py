"""What a node's file says of calibrations: what the unit gets, and what is said of mistakes."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools import node_config
from fieldbeat.host_tools.validation import InvalidData

from firmware import config_check

HEAD = """
[node]
name = "gh-1"
site = "farm"
board = "greenhouse_esp32"
profile = "greenhouse"
[uplink]
host = "h"
port = 1
apn = ""
"""
WHO = 'by = "Li"\non = 2026-11-26\nagainst = "thermometer 4711"\n'
AIR = f"[calibration.air_temperature]\n{WHO}"


def sampling(more: str) -> dict:
    found = node_config.parse(HEAD + more, "gh.toml").to_device_map()
    return config_check.check(found)["sampling"]


def problem(more: str) -> str:
    with pytest.raises(InvalidData) as caught:
        node_config.parse(HEAD + more, "gh.toml")
    return "\n".join(caught.value.problems)


def test_the_unit_gets_counts_and_ten_thousandths():
    soil = f'[calibration.soil_moisture]\noffset = "2.5 %"\nfactor = 0.9125\n{WHO}'
    assert sampling(f'{AIR}offset = "-0.3 Cel"\n{soil}')["trim"] == {
        "air_temperature": [-30, 10_000],
        "soil_moisture": [25, 9125],
    }


def test_what_changes_nothing_is_not_sent():
    plain = sampling("")
    assert sampling(AIR) == sampling(f'{AIR}offset = "0 Cel"\nfactor = 1\n') == plain


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (AIR.replace("air_temp", "air_tmp"), "did you mean 'air_temperature'?"),
        (f'{AIR}offset = "-0.3"\n', "must be a number with its unit"),
        (f'{AIR}offset = "0.005 Cel"\n', "comes in steps of 0.01 Cel"),
        (f'{AIR}offset = "400 Cel"\n', "more than the channel's whole range"),
        (f"{AIR}factor = 0.0\n", "from 0.1 to 10"),
        (f"{AIR}factor = 1.00005\n", "at most four decimals"),
        ("[calibration.co2]\n", "by: missing, must be who did it"),
        (AIR.replace("2026-11-26", '"today"'), "must be the day, like 2026-11-26"),
        (AIR.replace("Li", ""), "must be who did it"),
    ],
)
def test_mistakes(more, told):
    assert told in problem(more)
