"""Clips for loudspeakers: NAME.wav files of a folder, checked as the unit reads them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from pathlib import Path

from fieldbeat.protocols import wav

from .errors import CannotTry
from .file_system import BLOCK_SIZE, FileSystemError

FOLDER = "clips"  # on the unit
NAME = re.compile(r"[a-z0-9_-]{1,24}")
HEAD = 512  # bytes: what a unit reads to find the samples
SPARE = 320 * 1024  # bytes that the unit needs: records that wait, what is held, and slack

_WORDS = {  # of protocols/wav.py
    "riff": "it is no WAV file",
    "head": f"its samples do not begin in its first {HEAD} bytes",
    "fmt": "its format is not told before its samples",
    "codec": "it is not coded as PCM, mu-law, A-law or IMA ADPCM",
    "channels": "it is not mono",
    "rate": "its rate is neither 8 nor 16 kHz",
    "bits": "its samples have another size than 16 bits, or 8 of mu-law and A-law",
    "align": f"its blocks are damaged, or have more than {wav.BLOCK_MAX} bytes",
    "data": "it is empty or cut short",
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
            raise ClipError(f"{folder} has no NAME.wav", "name the folder of the clips")
        return {f"{FOLDER}/{path.name}": _checked(path, path.read_bytes()) for path in paths}
    except OSError as error:
        message = f"{error.filename or folder}: {error.strerror}"
        raise ClipError(message, "name a folder with clips that can be read") from None


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
        message = f"the clips take {need} bytes, the unit has room for {room}"
        step = (
            f"leave some out, or shorten them: IMA ADPCM takes 8 kB a second; {_command('NAME')}"
        )
        raise FileSystemError(message, step)


def _on_flash(files: dict[str, bytes]) -> int:
    return sum(-(-len(content) // BLOCK_SIZE) * BLOCK_SIZE for content in files.values())


def _checked(path: Path, content: bytes) -> bytes:
    if not NAME.fullmatch(path.stem):
        step = "rename it: 1 to 24 of a-z, 0-9, _ and - before .wav"
        raise ClipError(f"no clip can be called '{path.stem}' ({path})", step)
    try:
        wav.parse(content[:HEAD], len(content))
    except wav.WavError as error:
        step = f"convert what it was made of: {_command(path.stem)}"
        raise ClipError(f"{path}: {_WORDS[error.reason]}", step) from None
    return content


def _command(name: str) -> str:
    return f"ffmpeg -i IN -ac 1 -ar 16000 -c:a adpcm_ima_wav {name}.wav"
