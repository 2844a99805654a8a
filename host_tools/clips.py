"""Clips for loudspeakers: NAME.wav files of a folder, checked as the unit reads them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from pathlib import Path

from fieldbeat.protocols import wav

from .errors import CannotTry
from .file_system import BLOCK_SIZE, FileSystemError
from .language import os_reason, tr

FOLDER = "clips"  # on the unit
NAME = re.compile(r"[a-z0-9_-]{1,24}")
HEAD = 512  # bytes: what a unit reads to find the samples
SPARE = 576 * 1024  # bytes that the unit needs: 512 kB of records that wait, what is held, slack

_WORDS = {  # of protocols/wav.py
    "riff": tr("it is no WAV file"),
    "head": tr("its samples do not begin in its first {head} bytes").format(head=HEAD),
    "fmt": tr("its format is not told before its samples"),
    "codec": tr("it is not coded as PCM, mu-law, A-law or IMA ADPCM"),
    "channels": tr("it is not mono"),
    "rate": tr("its rate is neither 8 nor 16 kHz"),
    "bits": tr("its samples have another size than 16 bits, or 8 of mu-law and A-law"),
    "align": tr("its blocks are damaged, or have more than {block_max} bytes").format(
        block_max=wav.BLOCK_MAX
    ),
    "data": tr("it is empty or cut short"),
}


class ClipError(CannotTry):
    """A file that loudspeakers cannot play, or too many of them."""


def read(folder: Path) -> dict[str, bytes]:
    """Return the clips of a folder as path on the unit -> content.

    Raises:
        ClipError: one of them cannot be played, or there is none.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".wav")
        if not paths:
            raise ClipError(
                tr("{folder} has no NAME.wav").format(folder=folder),
                tr("name the folder of the clips"),
            )
        return {f"{FOLDER}/{path.name}": _checked(path, path.read_bytes()) for path in paths}
    except OSError as error:
        message = f"{error.filename or folder}: {os_reason(error)}"
        raise ClipError(message, tr("name a folder with clips that can be read")) from None


def names(clips: dict[str, bytes]) -> list[str]:
    """Return what an alert calls them."""
    return [Path(path).stem for path in clips]


def check_room(clips: dict[str, bytes], others: dict[str, bytes], size: int) -> None:
    """See that clips leave a unit the room that it needs, also for another slot of its app.

    Args:
        clips: as `read` returns them.
        others: the other files of the unit.
        size: bytes of its file system.

    Raises:
        FileSystemError: they do not.
    """
    room = size - SPARE - 2 * _on_flash(others)
    need = _on_flash(clips)
    if need > room:
        message = tr("the clips take {need} bytes, the unit has room for {room}").format(
            need=need, room=room
        )
        step = tr(
            "leave some out, or shorten them: IMA ADPCM takes 8 kB a second; {command}"
        ).format(command=_command("NAME"))
        raise FileSystemError(message, step)


def _on_flash(files: dict[str, bytes]) -> int:
    return sum(-(-len(content) // BLOCK_SIZE) * BLOCK_SIZE for content in files.values())


def _checked(path: Path, content: bytes) -> bytes:
    if not NAME.fullmatch(path.stem):
        step = tr("rename it: 1 to 24 of a-z, 0-9, _ and - before .wav")
        raise ClipError(
            tr("no clip can be called '{stem}' ({path})").format(stem=path.stem, path=path), step
        )
    try:
        wav.parse(content[:HEAD], len(content))
    except wav.WavError as error:
        step = tr("convert what it was made of: {command}").format(command=_command(path.stem))
        raise ClipError(f"{path}: {_WORDS[error.reason]}", step) from None
    return content


def _command(name: str) -> str:
    return f"ffmpeg -i IN -ac 1 -ar 16000 -c:a adpcm_ima_wav {name}.wav"
