# A board that becomes another unit forgets what it was to sound.
# SPDX-License-Identifier: Apache-2.0
import os

from firmware import owner
from firmware.counters import Counters
from firmware.issuers import Issuers
from firmware.tests.support import NVS, World, remove_tree, temp_dir

FILES = ("alarm_rules.cbor", "alerts.cbor")


def test_a_board_that_becomes_another_unit_keeps_nothing_that_sounds():
    World()
    root = temp_dir()
    counters = Counters()

    def kept(name):
        for file in FILES:
            if file not in os.listdir(root):
                with open(root + "/" + file, "w") as made:
                    made.write("of " + (name or "nobody"))
        owner.settle(root, name, counters)
        return sorted([file for file in os.listdir(root) if file.endswith(".cbor")])

    assert kept("") == sorted(FILES)
    assert kept("pole-1") == sorted(FILES)  # of an app that did not say whose they are
    assert kept("pole-1") == sorted(FILES)
    assert kept("") == sorted(FILES)
    assert kept("pole-2") == []
    assert kept("pole-2") == sorted(FILES)
    assert counters.snapshot().get("fs_corrupt", 0) == 0
    remove_tree(root)


class Refusing(NVS):
    def set_blob(self, key, value):
        raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")


# One alert for two places has one id and one number: who was told it at the one sounds it at the
# other as well, and does not answer that it has sounded.
def test_what_it_was_told_as_another_unit_is_new_to_it():
    World()
    root = temp_dir()
    issuers, counters = Issuers(), Counters()
    given = owner.esp32.NVS

    def noted_after(name):
        issuers.store_seen({b"district": [7, 1]})
        issuers.store_ring(b"by both.\x03")
        issuers.store_revoked(b"stolen..")
        owner.settle(root, name, counters)
        assert issuers.revoked() == b"stolen.."
        return issuers.seen(), issuers.ring()

    kept = {b"district": [7, 1]}, b"by both.\x03"
    assert noted_after("pole-1") == kept  # of an app that did not say whose they are
    assert noted_after("pole-1") == kept
    assert noted_after("pole-2") == ({}, b"")
    owner.settle(root, "pole-3", counters)  # nothing was noted
    remove_tree(root)
    root = temp_dir()  # a new image
    assert noted_after("pole-3") == kept
    assert counters.snapshot().get("fs_corrupt", 0) == 0
    owner.esp32.NVS = Refusing  # at each start: it would sound twice what it forgets
    stored = issuers.seen(), issuers.ring()
    owner.settle(root, "pole-4", counters)
    owner.esp32.NVS = given
    assert counters.snapshot()["fs_corrupt"] == 1 and (issuers.seen(), issuers.ring()) == stored
    assert noted_after("pole-4") == ({}, b"")
    remove_tree(root)
