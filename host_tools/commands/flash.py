"""Write an image into a unit and verify it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import typer

from ..output import JsonOption, print_json, progress


def flash(
    image: Path = typer.Argument(help="The image that 'fieldbeat build' made."),
    port: str = typer.Option(help="Serial port of the unit."),
    secrets: Path = typer.Option(None, help="Also write this NVS image (erases the old key)."),
    board: str = typer.Option(
        None, help="The board at the port; default: what the registry knows."
    ),
    baud: int = typer.Option(460800, min=9600, help="Bits per second for the data."),
    registry: Path = typer.Option(None, help="The registry, a SQLite file."),
    as_json: JsonOption = False,
) -> None:
    """Write an image into a unit and verify it; the unit's key and counters stay as they are.

    A wrong chip, flash size or board is refused before anything is erased. Reports that the unit
    has not sent yet are lost, for they are in the file system that is replaced.

    \b
    Example:
        fieldbeat flash --port /dev/ttyUSB0 greenhouse.img
    """
    from .. import flasher, image_info
    from ..flash_records import FlashRecords

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
                records.board_of_mac,
                records.before_write,
                baud,
                lambda written, total: show(100 * written // max(1, total)),
            )
        records.after_write(done.mac)
    finally:
        records.close()
    if as_json:
        print_json(vars(done))
        return
    kept = "new key written" if done.secrets else "key and counters kept"
    print(
        f"{done.mac}: {done.board} now runs {done.node}, app {done.build_id}; "
        f"{done.bytes_written} bytes written and verified in {done.seconds:.1f} s, {kept}"
    )


def _read(path: Path) -> bytes:
    from ..errors import CannotTry

    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotTry(f"{path}: {error.strerror}", "make it with 'fieldbeat build'") from None
