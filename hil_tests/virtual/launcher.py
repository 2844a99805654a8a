"""Runs MicroPython in this process, with the module disk in its memory: launcher.py FD ARGUMENT...

The address goes to the interpreter in $FIELDBEAT_DISK; `uctypes` reads from there.
"""

import ctypes
import mmap
import os
import sys

from micropython_run import run_main


def main() -> int:
    disk = mmap.mmap(int(sys.argv[1]), 0, access=mmap.ACCESS_COPY)
    address = ctypes.addressof(ctypes.c_char.from_buffer(disk))
    os.environ["FIELDBEAT_DISK"] = f"{address},{len(disk)}"
    return run_main(["micropython", *sys.argv[2:]])


if __name__ == "__main__":
    sys.exit(main())
