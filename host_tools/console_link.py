"""A terminal on a serial port: what is typed goes out as it is, what comes in is shown so too."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import select
import sys
import termios
import tty

from .errors import FieldbeatError

BAUD = 115_200
LEAVE = b"\x1d"  # Ctrl-]


def terminal(port: str, baud: int = BAUD) -> None:
    """Connect the user's terminal with a serial port until Ctrl-].

    Raises:
        CannotTry: the port is absent, busy or not allowed.
        FieldbeatError: the port was lost.
    """
    import serial

    from .serial_errors import port_error

    try:
        line = serial.Serial(port, baud, timeout=0, exclusive=True)
    except (OSError, serial.SerialException) as error:
        raise port_error(port, error) from error
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    print(f"{port} at {baud}; Ctrl-] ends", flush=True)
    try:
        tty.setraw(keyboard)
        line.write(b"\r")  # the shell shows its prompt
        pump(keyboard, sys.stdout.fileno(), line.fileno())
    except OSError as error:
        message = f"{port} was lost: {error.strerror}"
        raise FieldbeatError(message, "plug the cable in and run it again") from error
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        print(flush=True)
        line.close()


def pump(keyboard: int, screen: int, line: int) -> None:
    """Copy bytes between file descriptors until the leave key is typed or an end is closed."""
    while True:
        readable, _, _ = select.select([keyboard, line], [], [])
        if line in readable:
            data = os.read(line, 4096)
            if not data:
                return
            os.write(screen, data)
        if keyboard in readable:
            typed, leave, _ = os.read(keyboard, 4096).partition(LEAVE)
            _write_all(line, typed)
            if leave or not typed:
                return


def _write_all(file: int, data: bytes) -> None:
    while data:
        select.select([], [file], [])
        data = data[os.write(file, data) :]
