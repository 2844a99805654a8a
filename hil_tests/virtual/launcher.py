"""Runs MicroPython in this process: launcher.py DISK_FD LIFELINE_FD ARGUMENT...

The module disk lies in this process's memory; its address goes to the interpreter in
$FIELDBEAT_DISK, and `uctypes` reads from there. The lifeline is a pipe that only the bench can
write to: when the bench dies, however it dies, its end closes and SIGIO ends this process.
"""

import ctypes
import fcntl
import mmap
import os
import sys

from micropython_run import run_main


def die_with_bench(lifeline: int) -> None:
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)


def main() -> int:
    die_with_bench(int(sys.argv[2]))
    disk = mmap.mmap(int(sys.argv[1]), 0, access=mmap.ACCESS_COPY)
    address = ctypes.addressof(ctypes.c_char.from_buffer(disk))
    os.environ["FIELDBEAT_DISK"] = f"{address},{len(disk)}"
    return run_main(["micropython", *sys.argv[3:]])


if __name__ == "__main__":
    sys.exit(main())
