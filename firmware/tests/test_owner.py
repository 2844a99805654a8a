# A board that becomes another unit forgets what it was to sound.
# SPDX-License-Identifier: Apache-2.0
import os

from firmware import owner
from firmware.counters import Counters
from firmware.tests.support import remove_tree, temp_dir

FILES = ("alarm_rules.cbor", "alerts.cbor")


def test_a_board_that_becomes_another_unit_keeps_nothing_that_sounds():
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
    owner.settle(root, "pole-3", counters)  # the flash refuses
    assert counters.snapshot()["fs_corrupt"] == 1
