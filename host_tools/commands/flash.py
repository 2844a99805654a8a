"""Write an image into a unit and verify it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..output import JsonOption, RegistryOption, print_json, progress, say

if TYPE_CHECKING:
    from ..flasher import Result


def flash(
    image: Path = typer.Argument(help="The image that 'fieldbeat build' made."),
    port: str = typer.Option(help="Serial port of the unit."),
    secrets: Path = typer.Option(None, help="Also write this NVS image (erases the old key)."),
    board: str = typer.Option(
        None, help="The board at the port; default: what the registry knows."
    ),
    repurpose: bool = typer.Option(False, "--repurpose", help="Make another unit of this board."),
    baud: int = typer.Option(460800, min=9600, help="Bits per second for the data."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an image into a unit and verify it; the unit's key and counters stay as they are.

    A wrong chip, flash size, board or unit is refused before anything is erased. Reports that the
    unit has not sent yet are lost, for they are in the file system that is replaced.

    \b
    Example:
        fieldbeat flash --port /dev/ttyUSB0 greenhouse.img
    """
    from .. import boards, flasher, image_info
    from ..errors import Interrupted
    from ..flash_records import FlashRecords

    if board:
        boards.must_exist(board)
    content = _read(image)
    info = image_info.inspect(content, str(image))
    new_secrets = _read(secrets) if secrets else None
    records = FlashRecords(registry, info, new_secrets, str(secrets))
    try:
        with progress("flash", 100) as show:
            done = flasher.flash(
                port,
                content,
                info,
                new_secrets,
                board,
                records.unit_of_mac,
                repurpose,
                records.before_write,
                baud,
                lambda written, total: show(100 * written // max(1, total)),
            )
        records.after_write(done.mac)
    except KeyboardInterrupt:
        message = f"interrupted; unless nothing was written yet, {flasher.INCOMPLETE}"
        raise Interrupted(message, flasher.FLASH_AGAIN) from None
    finally:
        records.close()
    if as_json:
        print_json(vars(done))
        return
    for line in _told(done, port):
        say(line)


def _told(done: Result, port: str) -> list[str]:
    """Return lines for a person: what it is now, what it was, what comes next."""
    lines = [
        f"{done.mac}: {done.board} now runs {done.node}, app {done.build_id}",
        f"{done.bytes_written} bytes written and verified in {done.seconds:.1f} s",
    ]
    if done.secrets:
        lines.append("new key written")
    elif done.nvs_blank:
        was = f"it was {done.unit}, but holds no key now" if done.unit else "it has no key yet"
        lines.append(f"{was}; next: fieldbeat provision --port {port} CONFIG")
    elif done.unit:
        lines.append(f"it was {done.unit}; key and counters kept")
    else:
        lines.append("it is no unit of this registry; what is in its nvs was kept")
    return lines


def _read(path: Path) -> bytes:
    from ..errors import CannotTry

    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotTry(f"{path}: {error.strerror}", "make it with 'fieldbeat build'") from None
