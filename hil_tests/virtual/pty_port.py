"""The serial port of a virtual board: a PTY that any serial program can open by its path.

A PTY has no modem lines: DTR and RTS cannot reset a board here (esptool warns and goes on). What a
client can do is hang up, and the board takes that as the end of a visit to its serial loader.
"""

import ctypes
import errno
import os
import select
import termios
import tty
from collections.abc import Callable

from .world import World


class PtyPort:
    """The bench's end of the PTY; `path` is what a client opens.

    `received(data)` is called with what a client sends, `hung_up()` when the last one closes.
    Bytes to a port that nobody has open are lost, as on a cable that nobody plugged in.
    """

    def __init__(
        self, world: World, received: Callable[[bytes], object], hung_up: Callable[[], object]
    ) -> None:
        self.world = world
        self.received = received
        self.hung_up = hung_up
        self.dropped = 0
        self._open = False
        self._fd, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self._fd, False)
        self._unsent = b""
        self._closings = Closings(self.path)
        self._probe = select.poll()
        self._probe.register(self._fd, 0)
        # Edge triggered: a port that nobody has open reports a hang-up at every look.
        world.watch(self._fd, self._ready, edge=True)
        if self._closings.fd is not None:
            world.watch(self._closings.fd, self._ready)

    @property
    def is_open(self) -> bool:
        """Whether a client has the port open."""
        return not any(flags & select.POLLHUP for _, flags in self._probe.poll(0))

    def write(self, data: bytes) -> None:
        """Sends to the client; what does not fit into the terminal's buffer follows later."""
        if not self.is_open:
            self.dropped += len(data)
            self._unsent = b""
            return
        if self._unsent:
            self._unsent += data
            return
        self._unsent = data
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._fd, self._unsent) :]
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EIO):
                raise
            if len(self._unsent) > 1 << 20:  # a client that holds the port and never reads
                self.dropped += len(self._unsent)
                self._unsent = b""

    def _ready(self, flags: int) -> None:
        if flags & select.EPOLLOUT:
            self._flush()
        if self._closings.happened():  # what is read below may be the next client's
            self._unsent = b""
            self.hung_up()
        while True:
            try:
                data = os.read(self._fd, 65536)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    return
                break  # EIO: no client
            self._open = True
            self.received(data)
        if self._open or flags & select.EPOLLHUP:
            self._open = False
            self._unsent = b""
            self.hung_up()

    def close(self) -> None:
        if self._closings.fd is not None:
            self.world.unwatch(self._closings.fd)
            self._closings.close()
        self.world.unwatch(self._fd)
        os.close(self._fd)


class Closings:
    """Sees every closing of a file, also when another program opens it at once: by inotify.

    `fd` becomes readable; None where the system gives no more of them (128 for each user).
    """

    IN_CLOSE = 0x18  # after writing, or after reading only (inotify(7))

    def __init__(self, path: str) -> None:
        libc = ctypes.CDLL(None)
        fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.fd: int | None = fd if fd >= 0 else None
        if self.fd is not None:
            libc.inotify_add_watch(self.fd, path.encode(), self.IN_CLOSE)

    def happened(self) -> bool:
        """Whether there was one since the last call."""
        try:
            return self.fd is not None and bool(os.read(self.fd, 65536))
        except BlockingIOError:
            return False

    def close(self) -> None:
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


class Terminal:
    """The PTY on which an interpreter's REPL reads; its output comes by a pipe instead.

    The REPL switches to raw mode while it edits a line and back to the mode it found while a
    program runs. INPCK, which does nothing on a PTY and which raw mode clears, tells which.
    """

    def __init__(self) -> None:
        self._fd, self.slave = os.openpty()
        tty.setraw(self.slave)
        mode = termios.tcgetattr(self.slave)
        mode[0] |= termios.INPCK
        termios.tcsetattr(self.slave, termios.TCSANOW, mode)

    def started(self) -> None:
        """The child holds the slave now."""
        os.close(self.slave)

    @property
    def runs_program(self) -> bool:
        return bool(termios.tcgetattr(self._fd)[0] & termios.INPCK)

    def write(self, data: bytes) -> None:
        os.write(self._fd, data)

    def close(self) -> None:
        os.close(self._fd)
