# The choice of the slot: every state of what NVS holds and of which slots exist.
# SPDX-License-Identifier: Apache-2.0
from firmware import boot
from firmware.tests.support import NVS, World


def start(slots="ab", counted=True, build=0):
    return boot.choose(NVS("fieldbeat"), lambda slot: slot[1] in slots, counted, build)


def test_a_bare_unit_starts_the_first_slot():
    world = World()
    assert start("a") == "/a" and world.nvs["fieldbeat"] == {"tries": 1}


def test_four_boots_without_a_proof_take_the_other_slot_once():
    world = World()
    world.nvs["fieldbeat"] = {"slot": 1}
    assert [start() for _ in range(3)] == ["/b"] * 3
    assert start() == "/a"
    assert world.nvs["fieldbeat"] == {"slot": 0, "tries": 1, "fell": 1}
    # Neither is any good: stay, so that the app goes into safe mode.
    assert [start() for _ in range(5)] == ["/a"] * 5
    assert world.nvs["fieldbeat"]["tries"] == 6


def test_without_another_slot_the_tries_go_on():
    world = World()
    assert [start("a") for _ in range(6)] == ["/a"] * 6
    assert world.nvs["fieldbeat"] == {"tries": 6}


def test_a_proof_starts_the_count_anew():
    world = World()
    start(), start(), start()
    world.nvs["fieldbeat"]["tries"] = 0
    assert [start() for _ in range(3)] == ["/a"] * 3


def test_another_build_starts_the_count_anew():
    world = World()
    for _ in range(5):
        start("a", build=7)
    assert world.nvs["fieldbeat"] == {"build": 7, "tries": 5, "fell": 0}
    start("a", build=8)
    assert world.nvs["fieldbeat"] == {"build": 8, "tries": 1, "fell": 0}


def test_an_innocent_reset_is_not_a_try():
    world = World()
    for _ in range(10):
        assert start(counted=False) == "/a"
    assert world.nvs["fieldbeat"] == {}


def test_a_slot_that_is_gone_is_left():
    for slot, other, there in ((0, "/b", "b"), (1, "/a", "a")):
        world = World()
        world.nvs["fieldbeat"] = {"slot": slot}
        assert start(there) == other
        assert start("") in boot.SLOTS  # nothing to choose from


class Full(NVS):
    def _set(self, key, value):
        raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")

    def commit(self):
        raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")


def test_an_nvs_that_takes_nothing_more_starts_the_slot_all_the_same():
    world = World()
    world.nvs["fieldbeat"] = {"slot": 1, "tries": 2}
    for slots, chosen in (("ab", "/b"), ("a", "/a")):

        def exists(slot, slots=slots):
            return slot[1] in slots

        for _ in range(5):
            assert boot.choose(Full("fieldbeat"), exists, True, 7) == chosen
