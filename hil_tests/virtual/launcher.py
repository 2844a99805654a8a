"""Runs MicroPython in this process: launcher.py LIFELINE_FD DISK_FD|COMMAND ARGUMENT...

The module disk lies in this process's memory; its address goes to the interpreter in
$FIELDBEAT_DISK, and `uctypes` reads from there. So does a camera's frame buffer, which is shared
with the bench, in $FIELDBEAT_FRAME. A COMMAND takes this process over instead.

The lifeline is a pipe that only the bench can write to: when the bench dies, however it dies, its
end closes and SIGIO ends this process. A process that takes over inherits that.
"""

import ctypes
import fcntl
import mmap
import os
import sys


def die_with_bench(lifeline: int) -> None:
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)


def main() -> int:
    lifeline, what, *arguments = sys.argv[1:]
    die_with_bench(int(lifeline))
    if not what.isdecimal():
        os.execv(what, [what, *arguments])
    from micropython_run import run_main

    disk = mmap.mmap(int(what), 0, access=mmap.ACCESS_COPY)
    address = ctypes.addressof(ctypes.c_char.from_buffer(disk))
    os.environ["FIELDBEAT_DISK"] = f"{address},{len(disk)}"
    if "FIELDBEAT_FRAME_FD" in os.environ:
        frame = mmap.mmap(int(os.environ["FIELDBEAT_FRAME_FD"]), 0)
        os.environ["FIELDBEAT_FRAME"] = str(ctypes.addressof(ctypes.c_char.from_buffer(frame)))
    return run_main(["micropython", *arguments])


if __name__ == "__main__":
    sys.exit(main())
