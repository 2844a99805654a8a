# Cuts the power at every step of the outbox, cleanly and torn: at each file operation, and on
# MicroPython at each operation of the flash below a real littlefs.
# SPDX-License-Identifier: Apache-2.0
import os

import firmware.outbox
import firmware.outbox_files
from firmware.counters import Counters
from firmware.outbox import Outbox
from firmware.tests.support import MICROPYTHON, remove_tree, temp_dir
from firmware.tests.support_cuts import Cut, Files, Power, format_flash, vfs

LIMIT = 12288  # three segments, so that the story meets every one of its operations


def record(rn):
    return b"%d:" % rn + bytes(600 + rn % 7 * 50)


# One life of an outbox, and what the world outside learned from it before the power went.
class Story:
    def __init__(self):
        self.reserved = 1
        self.given = 0  # the highest rn that append() returned
        self.stored = set()  # rn that the host has acknowledged
        self.settled = set()  # of these: ack() returned, so that the device must know
        self.dropped = 0

    def mount(self, directory):
        self.counters = Counters()
        return Outbox(directory, self.counters, LIMIT, self.load, self.store)

    def load(self):
        return self.reserved

    def store(self, limit):
        self.reserved = limit

    def append(self, outbox, n, urgent=False):
        for _ in range(n):
            self.given = outbox.append(record, urgent)

    def ack(self, outbox, cumulative, bitmap=0):
        for rn in range(1, self.given + 1):
            ahead = rn - cumulative - 1
            if ahead < 0 or bitmap >> ahead & 1:
                self.stored.add(rn)
        outbox.ack(cumulative, bitmap)
        if not self.counters.snapshot().get("fs_corrupt"):
            self.settled = set(self.stored)

    # Appends, rotations, acks, trims, alarms, a reset, and more than the limit holds.
    def tell(self, directory):
        outbox = self.mount(directory)
        self.append(outbox, 7)
        self.ack(outbox, 2, 0b100)
        self.append(outbox, 1, urgent=True)
        self.append(outbox, 3)
        self.ack(outbox, 9)
        outbox = self.mount(directory)
        self.append(outbox, 2)
        self.ack(outbox, 13)
        self.append(outbox, 2)

    def tell_of_a_full_outbox(self, directory):
        outbox = self.mount(directory)
        self.append(outbox, 18)
        self.ack(outbox, 17)
        self.append(outbox, 1)

    # Power is back. Everything that was promised must hold.
    def check(self, directory, may_drop=False):
        outbox = self.mount(directory)
        found = dict(outbox.pending())
        for rn in range(1, self.given + 1):
            if rn in found:
                assert rn not in self.settled, "acknowledged and sent again: %d" % rn
            else:
                assert rn in self.stored or may_drop, "lost: %d of %d" % (rn, self.given)
        for rn, content in found.items():
            assert content == record(rn)
        assert outbox.depth == len(found)
        fresh = outbox.append(record)
        assert fresh > self.given, "number given twice: %d" % fresh
        outbox.ack(fresh)
        again = self.mount(directory)
        assert list(again.pending()) == [] and again.next_rn == fresh + 1
        assert self.counters.snapshot() == {}, self.counters.snapshot()


STORIES = ((Story.tell, False), (Story.tell_of_a_full_outbox, True))


# --- at each file operation


def cut_files(tell, may_drop, last, torn):
    # Returns whether the power went before the story ended.
    root = temp_dir()
    directory = root + "/outbox"
    story = Story()
    power = with_power(Power(last, torn), tell, story, directory)
    files, reserved = snapshot(directory), story.reserved
    second = 0
    while True:  # cut the recovery at each of its operations too
        recovery = with_power(Power(second, torn), story.mount, directory)
        story.check(directory, may_drop)
        if not recovery.gone:
            break
        restore(directory, files)
        story.reserved = reserved
        second += 1
    remove_tree(root)
    return power.gone


def snapshot(directory):
    files = {}
    try:
        for name in os.listdir(directory):
            with open(directory + "/" + name, "rb") as file:
                files[name] = file.read()
    except OSError:  # not even made yet
        pass
    return files


def restore(directory, files):
    remove_tree(directory)
    os.mkdir(directory)
    for name, content in files.items():
        with open(directory + "/" + name, "wb") as file:
            file.write(content)


def with_power(power, function, *args):
    modules, files = (firmware.outbox, firmware.outbox_files), Files(power)
    for module in modules:
        module.os, module.open = files, files.open
    try:
        function(*args)
    except Cut:
        pass
    finally:
        for module in modules:
            module.os = os
            del module.open
    return power


def test_a_cut_at_every_file_operation():
    for tell, may_drop in STORIES:
        for torn in (0, 2):
            last = 0
            while cut_files(tell, may_drop, last, torn):
                last += 1
            assert last > 30, last  # every operation of the story was met


# A write that fails once, in the middle, and nothing else: the outbox goes on with the next one.
class Stumble(Power):
    @property
    def gone(self):
        return self.count == self.last + 1


def test_one_refused_write_costs_at_most_what_it_was_for():
    for torn in (0, 2):
        for last in range(1, 40):
            root = temp_dir()
            story = Story()

            def tell(directory, story=story):
                outbox = story.mount(directory)
                for n in range(12):
                    try:
                        story.append(outbox, 1)
                    except Cut:
                        pass
                    if n == 6:
                        story.ack(outbox, 2, 0b100)

            with_power(Stumble(last, torn), tell, root + "/outbox")
            dropped = story.counters.snapshot().get("outbox_full", 0)
            story.mount(root + "/outbox")  # counts the torn tail, once
            story.check(root + "/outbox", may_drop=dropped > 0)
            assert story.given >= 11
            remove_tree(root)


# --- at each flash operation below littlefs


def cut_flash(flash, image, tell, may_drop, last, torn):
    flash.data[:] = image
    flash.power = power = Power(last, torn)
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    story = Story()
    try:
        tell(story, "/flash/outbox")
    except OSError:
        if not power.gone:
            raise
    finally:
        flash.power = Power(1 << 30, False)
        vfs.umount("/flash")
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    try:
        story.check("/flash/outbox", may_drop)
    finally:
        vfs.umount("/flash")
    return power.gone


def campaign(torn):
    flash = format_flash()
    image = bytes(flash.data)
    for tell, may_drop in STORIES:
        last = 0
        while cut_flash(flash, image, tell, may_drop, last, torn):
            last += 1
        assert last > 100, last


def test_a_cut_at_every_flash_operation():
    if vfs:
        campaign(0)


def test_a_torn_flash_operation_everywhere():
    if vfs:
        campaign(2)


def test_an_append_is_one_erase_and_few_writes():
    if not vfs:
        return
    flash = format_flash()
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    try:
        outbox = Outbox("/flash/outbox", Counters(), LIMIT)
        for _ in range(5):
            outbox.append(lambda rn: bytes(82))
        flash.erased = 0
        for _ in range(20):
            outbox.append(lambda rn: bytes(82))
        # One block is copied at each append; now and then littlefs compacts its directory.
        assert flash.erased <= 24, flash.erased
    finally:
        vfs.umount("/flash")


assert vfs or not MICROPYTHON
