"""`fieldbeat bench record` and `bench replay FILE`: a modem of the field on the bench."""

from __future__ import annotations

import time
from pathlib import Path

from fieldbeat.host_tools import serial_port, unit_lock
from fieldbeat.host_tools.errors import CannotTry, FieldbeatError
from fieldbeat.host_tools.language import tr
from fieldbeat.host_tools.output import print_json, remark, say
from fieldbeat.host_tools.smp_link import SmpLink

from . import modem_transcript
from .endings import told_to_end

ANSWER_S = 8.0  # until the unit says that it shows the lines
ON, OFF = b"\x15atlog on\r", b"\x15atlog off\r"
SEND, LOCK = b"uplink\r", b"lock\r"


def record(
    port: str, output: Path, seconds: float | None, registry: Path | None, as_json: bool
) -> int:
    """Write what a unit and its modem say to one another, until Ctrl-C or for `seconds`.

    The unit is told to send what waits. One that is locked is opened for that, by the code in the
    registry; where there is none, what it says by itself is heard.

    Raises:
        CannotTry: the unit does not answer, or the port cannot be opened.
    """
    was_locked = _open(port, registry, as_json)
    line = serial_port.open_port(port, timeout_s=0.1)
    heard = b""
    try:
        give_up_s = time.monotonic() + ANSWER_S
        while b"lines of the modem are shown" not in heard:
            if time.monotonic() > give_up_s:
                raise CannotTry(
                    tr("{port}: no unit answers on its console").format(port=port),
                    tr("see 'fieldbeat doctor --port {port}'").format(port=port),
                )
            line.write(ON)
            time.sleep(0.5)
            heard += line.read(4096)
        line.write(SEND)
        remark(tr("recording, Ctrl-C ends it ..."), as_json)
        end_s = None if seconds is None else time.monotonic() + seconds
        ended = told_to_end()
        while not ended() and (end_s is None or time.monotonic() < end_s):
            heard += line.read(4096)
        line.write(OFF + (LOCK if was_locked else b""))
    except OSError as error:
        raise serial_port.explain(port, error) from None
    finally:
        line.close()
    lines = modem_transcript.of_console(heard.decode("utf-8", "replace"))
    modem_transcript.write(output, lines)
    if as_json:
        print_json({"file": str(output), "lines": len(lines)})
    else:
        say(tr("{count} lines of the modem in {file}").format(count=len(lines), file=output))
    return 0 if lines else 1


def _open(port: str, registry: Path | None, as_json: bool) -> bool:
    """Unlock a unit, if that can be, and tell whether it has to be locked again."""
    try:
        with SmpLink(port) as link:
            link.wait(ANSWER_S)
            return unit_lock.open_unit(link, registry)
    except serial_port.PortError:
        raise
    except FieldbeatError as error:
        told = tr("it is not told to send, what it says by itself is heard: {error}")
        remark(told.format(error=error.message), as_json)
        return False


def replay(
    file: Path, board: str, image: Path | None, seconds: float | None, as_json: bool
) -> int:
    """Start a virtual board in real time whose modem says what is in the file.

    Raises:
        CannotTry: the file is no transcript, or the board has no modem.
    """
    from .bench_up import up

    lines = modem_transcript.read(file)
    up([board], image, None, 1, seconds, None, None, None, as_json, lines)
    return 0
