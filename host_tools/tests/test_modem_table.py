"""The table [modem]: what a network can be told, what a modem is told, and what is refused."""

from functools import partial

import pytest
from fieldbeat.host_tools import modem_table, node_config
from fieldbeat.host_tools.modem_table import ACTIVE_UNITS_S, PERIODIC_UNITS_S, timer_bits
from fieldbeat.host_tools.validation import InvalidData
from hypothesis import given
from hypothesis import strategies as st

CONFIG = """
[node]
name = "gh-07"
site = "riverside"
board = "{board}"
profile = "greenhouse"

[uplink]
host = "collector.example"
port = 5690
apn = ""

[modem]
{table}
"""


def parse(table="", board="greenhouse_esp32"):
    return node_config.parse(CONFIG.format(table=table, board=board), "gh-07.toml")


def problems(table, **options):
    with pytest.raises(InvalidData) as caught:
        parse(table, **options)
    return [problem for problem in caught.value.problems if "[modem]" in problem]


def told(table="", **options):
    return parse(table, **options).to_device_map()["modem"]


def seconds(bits, units):
    """The other way, as TS 24.008 tells it to a network."""
    return units[bits[:3]] * int(bits[3:], 2)


# Table 10.5.163 and 10.5.163a, typed from the standard.
T3324 = {"000": 2, "001": 60, "010": 360}
T3412_EXTENDED = {
    "000": 600,
    "001": 3600,
    "010": 36_000,
    "011": 2,
    "100": 30,
    "101": 60,
    "110": 1_152_000,
}


@pytest.mark.parametrize(
    "units_s, standard", [(ACTIVE_UNITS_S, T3324), (PERIODIC_UNITS_S, T3412_EXTENDED)]
)
def test_every_time_that_can_be_told_is_told_right(units_s, standard):
    times = {unit * n for unit in standard.values() for n in range(1, 32)}
    for time_s in times:
        assert seconds(timer_bits(time_s, units_s), standard) == time_s
    for time_s in range(1, 12_000):
        assert (timer_bits(time_s, units_s) is not None) == (time_s in times)


@given(st.integers(1, 40_000_000))
def test_the_nearest_times_are_told(time_s):
    for units_s in (ACTIVE_UNITS_S, PERIODIC_UNITS_S):
        near = [int(text) for text in modem_table.nearest(time_s, units_s).split(" or ")]
        assert 1 <= len(near) <= 2
        assert all(timer_bits(each, units_s) for each in near)


def test_an_empty_table_is_what_a_station_without_one_does():
    from drivers.nbiot import NBIoT

    assert [tuple(setting) for setting in told()["settings"]] == list(NBIoT.POWER)
    assert told() == {
        "settings": [["+CPSMS", 1, None, None, "00100001", "00100001"]],
        "release": 2,
        "backoff_s": 0,
        "backoff_max_s": 21_600,
        "last_gasp_mv": 0,
        "reachable_s": 60,
    }
    without = CONFIG.replace("[modem]", "").format(table="", board="greenhouse_esp32")
    assert "modem" not in node_config.parse(without, "x").to_device_map()


@pytest.mark.parametrize(
    "table, settings",
    [
        ("psm_periodic_s = 0", [["+CPSMS", 0]]),
        (
            "psm_active_s = 0\npsm_periodic_s = 86400",
            [["+CPSMS", 1, None, None, "00111000", "00000000"]],
        ),
        (
            "edrx_s = 20.48",
            [
                ["+CPSMS", 1, None, None, "00100001", "00100001"],
                ["+CEDRXS", 1, 5, "0010"],
            ],
        ),
        ("psm_periodic_s = 0\nedrx_s = 0", [["+CPSMS", 0], ["+CEDRXS", 0, 5]]),
        ("psm_periodic_s = 0\nedrx_s = 10485.76", [["+CPSMS", 0], ["+CEDRXS", 1, 5, "1111"]]),
    ],
)
def test_settings(table, settings):
    assert told(table)["settings"] == settings


@pytest.mark.parametrize(
    "board, bands, restart",
    [
        ("greenhouse_esp32", ["+QBAND", 2, 5, 8], None),
        ("river_cam_esp32_uart", ["+NBAND", 5, 8], "AT+NRB"),
        ("river_cam_esp32s3", ["+CBAND", 5, 8], None),
    ],
)
def test_each_modem_is_told_its_bands_in_its_own_way(board, bands, restart):
    table = modem_table.Modem(bands=[5, 8])
    part = node_config.boards.load(board).modem.part
    made = table.to_device_map(part)
    assert made["bands"] == bands and made.get("restart") == restart


def test_a_band_without_nb_iot_is_noted():
    config = partial(CONFIG.format, board="greenhouse_esp32")
    told = [node_config.parse(config(table=f"bands = {b}"), "").notes for b in ([5, 99], [5])]
    assert any("NB-IoT has no band 99" in note for note in told[0])
    assert not any("band" in note for note in told[1])


@pytest.mark.parametrize(
    "table, problem",
    [
        ("psm_active_s = 61", "cannot be told to a network (TS 24.008), choose 60 or 62"),
        ("psm_periodic_s = 4000", "choose 3600 or 4200"),
        ("psm_active_s = 3600", "psm_periodic_s = 3600: must be above psm_active_s"),
        ("edrx_s = 30", "edrx_s = 30: must be 0 or one of 20.48, 40.96"),
        ("edrx_s = 81.92", "edrx_s = 81.92: longer than psm_active_s"),
        ("bands = [5, 8, 5]", "one is there twice"),
        ("last_gasp_mv = 3", "last_gasp_mv = 3: must be 0 for any voltage, or from 1000 to 60000"),
        ("last_gasp_mv = 3.4", "last_gasp_mv = 3.4: must be 0 for any voltage, or from 1000"),
        ("last_gasp_mv = 70000", "from 1000 to 60000 mV: 3400 for 3.4 V"),
        ("bands = [999]", "[modem] bands = 999: must be a whole number from 1 to 255"),
        ("bands = 5", "bands = 5: must be a list of at most 16 whole numbers from 1 to 255"),
        ("backoff_s = 900\nbackoff_max_s = 600", "must be at most backoff_max_s, which is 600"),
    ],
)
def test_what_is_refused_and_what_to_do(table, problem):
    (found,) = problems(table)
    assert problem in found


def test_a_last_gasp_needs_a_battery_that_is_measured(monkeypatch):
    profile = node_config.profiles.load("greenhouse")
    channels = tuple(c for c in profile.channels if c.name != "battery")
    without = profile.model_copy(update={"channels": channels})
    monkeypatch.setattr(node_config.profiles, "load", lambda name: without)
    (found,) = problems("last_gasp_mv = 3300")
    assert "has no channel 'battery' in V" in found


def test_where_there_is_no_such_modem_the_table_is_refused():
    text = CONFIG.replace('"greenhouse"', '"speaker"').format(table="", board="speaker_esp32_eth")
    with pytest.raises(InvalidData) as caught:
        node_config.parse(text, "x")
    assert "[modem]: speaker_esp32_eth has no use for it as a speaker, remove it" in (
        caught.value.problems
    )
