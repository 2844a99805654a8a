# What happens once before boot.py: the bench's hello, the clock, the file system. Forgotten then.
# SPDX-License-Identifier: Apache-2.0
import gc
import json
import os
import random
import select  # noqa: F401
import sys
import time

import _link
import _tasks
import esp32  # noqa: F401, as machine and select: a chip has them from the start
import machine  # noqa: F401
import vfs
from _partition import Partition
from micropython import const

_OP_HELLO = const(0)

_MODULES = const("/.bench")
_CORRUPT = const("""\
The filesystem appears to be corrupted. If you had important data there, you
may want to make a flash snapshot to try to recover it. Otherwise, perform
factory reprogramming of the board (completely erase flash, followed by
writing the image).
""")


# Without times of files: this interpreter would take them from the host's clock.
def _littlefs(device):
    return vfs.VfsLfs2(device, mtime=False)


def mount(flash):
    Partition._file = open(flash, "rb")
    modules = os.getcwd()
    vfs.umount("/")
    if not os.getenv("FIELDBEAT_DISK"):
        vfs.mount(vfs.VfsPosix(modules), _MODULES)  # left out of listings by our os
    found = Partition.find(1, label="vfs")
    if not found:
        return False
    device = found[0]
    try:
        vfs.mount(_littlefs(device), "/")
    except OSError:
        first = bytearray(4096)
        device.readblocks(0, first)
        if first != b"\xff" * 4096:
            print(_CORRUPT)
            return False
        vfs.VfsLfs2.mkfs(device)
        vfs.mount(_littlefs(device), "/")
        with open("boot.py", "w") as file:
            file.write("# This file is executed on every boot.\n")
    os.chdir("/")
    return True


def install():
    info = json.loads(_link.call(_OP_HELLO))
    _link.mac = bytes(info["mac"])
    _link.reset_cause = info["reset_cause"]
    time.rtc_us = info["rtc_us"]
    time.ticks_start_us = info["ticks_start_us"]
    Partition._table = info["partitions"]
    random.seed(info["random"])
    _tasks.install()
    mounted = mount(info["flash"])
    sys.path[:] = ["", ".frozen", "/lib", _MODULES]
    gc.collect()
    return [name for name in info["scripts"] if mounted]
