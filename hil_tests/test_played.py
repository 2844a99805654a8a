"""What a stimulus plays reaches the station: the models of a virtual board, or a fixture's."""

from __future__ import annotations


def test_the_station_reads_the_value_that_is_played(console, stimulus):
    for value, read in ((-2.5, rb"-2\.\d"), (24.5, rb"24\.\d")):
        stimulus.set("soil_temperature", value)
        assert console.ask("read soil", rb"temperature\s+" + read + rb" Cel", timeout_s=10)


def test_a_probe_that_is_played_as_unplugged_is_told(console, stimulus):
    stimulus.faults.soil.unplugged = True
    assert console.ask("read soil", rb"soil: sensor_timeout", timeout_s=20)
