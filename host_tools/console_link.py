"""A terminal on a serial port: what is typed goes out as it is, what comes in is shown so too."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import tty
from typing import Any

from . import serial_port
from .errors import FieldbeatError
from .language import os_reason, tr

LEAVE = b"\x1d"  # Ctrl-]
READ_S = 0.1  # how long the line is waited for at a time


def terminal(port: str, baud: int = serial_port.CONSOLE_BAUD) -> None:
    """Connect the user's terminal with a serial port until Ctrl-].

    Raises:
        CannotTry: the port is absent, busy or not allowed.
        FieldbeatError: the port was lost.
    """
    line = serial_port.open_port(port, baud, READ_S)
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    print(tr("{port} at {baud}; type help").format(port=port, baud=baud), flush=True)
    print(tr("Ctrl-] leaves; Ctrl-C stops the unit's program, then Ctrl-D starts it"), flush=True)
    try:
        tty.setraw(keyboard)
        line.write(b"\r")  # the shell shows its prompt
        pump(keyboard, sys.stdout.fileno(), line)
    except OSError as error:
        message = tr("{port} was lost: {value}").format(port=port, value=os_reason(error))
        raise FieldbeatError(message, serial_port.lost_step(port)) from error
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        print(flush=True)
        line.close()


def pump(keyboard: int, screen: int, line: Any) -> None:
    """Copy bytes between two file descriptors and a port until Ctrl-] or an end is closed.

    Raises:
        OSError: the port was lost.
    """
    lost: list[OSError] = []
    ended = threading.Event()
    told, tell = os.pipe()

    def show() -> None:
        try:
            while not ended.is_set():
                os.write(screen, line.read(max(1, line.in_waiting)))
        except OSError as error:
            lost.append(error)
        os.close(tell)

    thread = threading.Thread(target=show, name="console", daemon=True)
    thread.start()
    try:
        typed, leave = b".", b""
        while typed and not leave:
            readable, _, _ = select.select([keyboard, told], [], [])
            if told in readable:
                break
            typed, leave, _ = os.read(keyboard, 4096).partition(LEAVE)
            line.write(typed)
    finally:
        ended.set()
        thread.join()
        os.close(told)
    if lost:
        raise lost[0]
