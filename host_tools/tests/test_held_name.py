"""The name in an NVS partition, as Espressif's generator writes it."""

import pytest
from fieldbeat.host_tools import held_name, nvs_image

SIZE = 0x6000


def of_generator(unit="gh-07"):
    return nvs_image.build(nvs_image.Identity(unit, b"\0\1", 1, bytes(16)), SIZE)


@pytest.mark.parametrize("unit", ["a", "gh-07", "x" * 32])
def test_a_name_is_found(unit):
    assert held_name.find(of_generator(unit)) == unit


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * SIZE, b"\0" * SIZE, b"\x5a" * SIZE, of_generator()[:4000]]
)
def test_who_has_no_name_has_none(content):
    assert held_name.find(content) == ""


def test_another_name_space_is_none_of_ours():
    assert held_name.find(of_generator().replace(b"fieldbeat", b"fieldbeet")) == ""
