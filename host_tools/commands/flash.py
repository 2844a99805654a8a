"""Write an image into a unit and verify it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..baud_rates import FAST_BAUD
from ..language import tr
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
    baud: int = typer.Option(FAST_BAUD, min=9600, help="Bits per second for the data."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an image into a unit and verify it; the unit's key and counters stay as they are.

    What is there already is not written again: a new app takes a few seconds.
    A wrong chip, flash size, board or unit is refused before anything is erased. Reports that the
    unit has not sent yet are lost, for they are in the file system that is replaced.

    \b
    Example:
        fieldbeat flash --port /dev/ttyUSB0 greenhouse.img
    """
    from .. import boards, files, flasher, image_info
    from ..flash_records import FlashRecords
    from ..last_written import LastWritten
    from ..rom_loader import Visit

    if board:
        boards.must_exist(board)
    step = tr("make it with 'fieldbeat build'")
    content = files.read(image, step)
    info = image_info.inspect(content, str(image))
    new_secrets = files.read(secrets, step) if secrets else None
    found = FlashRecords(registry, info, new_secrets, str(secrets))
    with closing(found) as records, _told_if_interrupted():
        with progress("flash", 100) as show, Visit(port) as visit:
            done = flasher.flash(
                visit,
                content,
                info,
                new_secrets,
                board,
                records.unit_of_mac,
                repurpose,
                records.before_write,
                baud,
                lambda written, total: show(100 * written // max(1, total)),
                LastWritten(),
            )
        records.after_write(done.mac)
        other = records.board_of_node(done.mac)
    if as_json:
        print_json(vars(done))
        return
    for line in _told(done, port, other):
        say(line)


@contextmanager
def _told_if_interrupted() -> Iterator[None]:
    from ..errors import Interrupted
    from ..flasher import FLASH_AGAIN, INCOMPLETE

    try:
        yield
    except KeyboardInterrupt:
        message = tr("interrupted; unless nothing was written yet, {incomplete}").format(
            incomplete=INCOMPLETE
        )
        raise Interrupted(message, FLASH_AGAIN) from None


def _told(done: Result, port: str, other: str) -> list[str]:
    """Return lines for a person: what it is now, what it was, what comes next.

    `other` is the MAC address of another board that is the unit of the image, or ''.
    """
    told = tr("{written} bytes written, {same} were there; all of them verified in {seconds} s")
    figures = {"written": done.bytes_written, "same": done.bytes_same}
    lines = [
        tr("{mac}: {board} now runs {node}, app {build_id}").format(
            mac=done.mac, board=done.board, node=done.node, build_id=done.build_id
        ),
        told.format(seconds=f"{done.seconds:.1f}", **figures),
    ]
    if done.unit and done.bytes_written:
        text = tr(
            "records and pictures that it had not sent yet are gone, and of a loudspeaker its"
            " alarm rules and what waits to sound: see 'fieldbeat rule list' and 'fieldbeat alert"
            " list', and send them again"
        )
        lines.append(text)
    if done.secrets:
        lines.append(tr("new key written"))
    elif other:
        text = tr(
            "{node} is the board with MAC {other}; next, to put this one in its place: fieldbeat"
            " swap {node} {mac} --port {port}"
        )
        lines.append(text.format(node=done.node, other=other, mac=done.mac, port=port))
    elif done.nvs_blank:
        was = (
            tr("it was {unit}, but holds no key now").format(unit=done.unit)
            if done.unit
            else tr("it has no key yet")
        )
        lines.append(
            tr("{was}; next: fieldbeat provision --port {port} CONFIG").format(was=was, port=port)
        )
    elif done.unit:
        lines.append(tr("it was {unit}; key and counters kept").format(unit=done.unit))
    else:
        lines.append(tr("it is no unit of this registry; what is in its nvs was kept"))
    return lines
