"""What the collector knows of a unit, for its acceptance."""

from __future__ import annotations

import time

import pytest
from fieldbeat.host_tools.acceptance import FAILED, NOT_TESTED, PASSED
from fieldbeat.host_tools.collected import FRESH_S, picture, sound

from .test_pictures import PICTURE, picture_sender, site  # noqa: F401
from .test_self_tests import say_tested


@pytest.mark.parametrize(
    ("told", "verdict", "text"),
    [
        ({}, PASSED, "self-test of "),
        ({"silent": True}, NOT_TESTED, "a silent one"),
        ({"failed": ("no_sound",)}, FAILED, "no sound measured"),
        ({"ago_s": FRESH_S + 60}, NOT_TESTED, "no self-test today"),
        (None, NOT_TESTED, "fieldbeat alert test --unit sp-1"),
    ],
)
def test_the_last_self_test_counts(county, told, verdict, text):
    speaker = county.add("sp-1")
    if told is not None:
        say_tested(county, speaker, 7200, ("battery_low",))
        say_tested(county, speaker, **told)
    found = sound("sp-1", county.store.database.path, time.time())
    assert (found.name, found.verdict) == ("sound", verdict) and text in found.text


def test_without_a_store_nothing_is_known(tmp_path):
    found = sound("sp-1", tmp_path / "store.sqlite", time.time())
    assert found.verdict == NOT_TESTED and not list(tmp_path.iterdir())
    assert picture("gh-1", tmp_path / "store.sqlite", time.time()) is None


def test_the_last_picture_that_is_whole(site):  # noqa: F811
    path = site.store.database.path
    assert picture("gh-1", path, 0) is None
    site.send(picture_sender(7))
    taken_s = site.pictures()[0].taken_s
    site.send(picture_sender(8), most=6)
    found = picture("gh-1", path, taken_s + 60)
    assert found and found.data == PICTURE and found.media_type == "image/jpeg"
    assert picture("gh-1", path, taken_s + FRESH_S + 60) is None
    assert picture("gh-2", path, taken_s) is None
