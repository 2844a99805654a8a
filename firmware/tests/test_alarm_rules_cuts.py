# Alarm rules on flash: damage, a profile that changed, and power cuts while they are stored.
# SPDX-License-Identifier: Apache-2.0
import os

from firmware.tests.support_cuts import Files, Power, SmallFlash, format_flash, vfs

FLASH = format_flash(SmallFlash) if vfs else None  # before the others have torn the heap

import firmware.alarm_rules  # noqa: E402
from firmware.alarm_rules import AlarmRules  # noqa: E402
from firmware.counters import Counters  # noqa: E402
from firmware.tests.support import remove_tree, temp_dir  # noqa: E402
from protocols.command import ALARM_RULES, Command  # noqa: E402

ALERT = {0: 2, 1: 1, 2: [[0, 0, 10000]]}


def rule(number, threshold):
    return {0: number, 1: "level", 2: "m", 3: 1000, 4: threshold, 8: 60, 9: 600, 10: ALERT}


class Unit:
    # All that AlarmRules needs to keep them, and no more: the flash takes heap, too.
    has_channel = True

    def __init__(self, root):
        self.root = root
        self.counters = Counters()
        self.clock = self
        self.rules = AlarmRules(self, self, self)

    def uptime_s(self):
        return 0

    def measures(self, name, unit, scale):
        return self.has_channel

    def order(self, *items, **more):
        sent = [more.get("sent", 1), 0]
        return self.rules.replace(
            Command(ALARM_RULES, b"12345678", True, 0, 9, 1, list(items), sent)
        )

    def thresholds(self):
        return [entry.watch.rule.threshold for entry in self.rules._entries]


def store(root, *items):
    assert Unit(root).order(*items) is None


def test_damage_is_counted_and_no_rule_is_half_there():
    root = temp_dir()
    path = root + "/alarm_rules.cbor"

    store(root, rule(1, 3200))
    with open(path, "rb") as file:
        whole = file.read()
    for at in range(0, len(whole), 5):
        for damaged in (whole[:at], whole[:at] + bytes((whole[at] ^ 0x10,)) + whole[at + 1 :]):
            with open(path, "wb") as file:
                file.write(damaged)
            unit = Unit(root)
            assert unit.counters.snapshot() == {"rules_corrupt": 1}, at
            assert unit.rules._entries == []
            assert unit.order(rule(1, 3200)) is None and len(Unit(root).rules._entries) == 1
    remove_tree(root)


def test_a_profile_that_has_changed():
    root = temp_dir()

    store(root, rule(1, 3200))
    unit = Unit(root)
    assert unit.counters.snapshot() == {}
    Unit.has_channel = False
    try:
        unit = Unit(root)
        assert unit.counters.snapshot() == {"rule_channel": 1} and unit.rules._entries == []
    finally:
        Unit.has_channel = True
    remove_tree(root)


# --- power cuts while they are stored

OLD = [rule(1, 3200), rule(2, 5000)]
NEW = [rule(n + 1, 4000 + n) for n in range(16)]


def found(root):
    unit = Unit(root)
    assert unit.counters.snapshot() == {}
    return unit.thresholds()


BEFORE, AFTER = [item[4] for item in OLD], [item[4] for item in NEW]


def test_a_cut_at_every_file_operation():
    for torn in (0, 2):
        last, seen = 0, []
        while True:
            root = temp_dir()
            unit = Unit(root)
            unit.order(*OLD)
            power = Power(last, torn)
            files = Files(power)
            module = firmware.alarm_rules
            module.os, module.open = files, files.open
            try:
                refused = unit.order(*NEW, sent=2)
            finally:
                module.os = os
                del module.open
            rules = found(root)
            assert rules in (BEFORE, AFTER) and (rules == AFTER) == (not power.gone)
            # Who is told that they were refused still has the old ones, at once and after a reset.
            assert refused == ("fs_corrupt" if power.gone else None)
            assert unit.thresholds() == rules
            seen.append(rules)
            remove_tree(root)
            if not power.gone:
                break
            last += 1
        assert BEFORE in seen and AFTER in seen and last == 3, last  # opened, written, renamed


def test_a_cut_at_every_flash_operation():
    if not vfs:
        return
    for torn in (0, 2):
        last, seen = 0, []
        while True:
            power = cut_flash(last, torn)
            rules = with_flash(lambda: found("/flash"))
            assert rules in (BEFORE, AFTER), last
            if rules == BEFORE:
                assert AFTER not in seen  # and never back
            seen.append(rules)
            if not power.gone:
                break
            last += 1
        assert BEFORE in seen and seen[-1] == AFTER and last > 10, last


# The old ones are there, and while the new ones are stored the power goes.
def cut_flash(last, torn):
    for n in range(FLASH.COUNT):
        FLASH.ioctl(6, n)
    vfs.VfsLfs2.mkfs(FLASH)
    with_flash(lambda: Unit("/flash").order(*OLD))
    FLASH.power = power = Power(last, torn)
    with_flash(lambda: Unit("/flash").order(*NEW, sent=2))
    FLASH.power = Power(1 << 30, False)
    return power


def with_flash(action):
    vfs.mount(vfs.VfsLfs2(FLASH), "/flash")
    try:
        return action()
    finally:
        vfs.umount("/flash")
