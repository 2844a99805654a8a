"""Official MicroPython builds: fetched once, checked by SHA-256, kept in the user's cache.

`FIELDBEAT_CACHE` names the folder; without it, it is `fieldbeat` in the user's XDG cache folder. A
manifest pins the hash of its build. Where it cannot yet (`"sha256": null`), the user gives the
hash or trusts the first download; the file `lock.json` in the cache remembers what was seen.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import http.client
import json
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .board_model import Board, Micropython
from .errors import CannotTry, FieldbeatError
from .files import write_atomically
from .language import os_reason, tr

TIMEOUT_S = 30
CHUNK_BYTES = 64 * 1024
LARGEST_BYTES = 16 * 1024 * 1024  # no build is bigger than the biggest flash

Progress = Callable[[int, int], None]  # (bytes so far, bytes in all or 0)


class FirmwareError(FieldbeatError):
    """A build that was fetched but must not be used."""


@dataclass(frozen=True)
class Cached:
    """A build in the cache, or one that could be there (`present` False)."""

    build: str
    version: str
    url: str
    sha256: str | None
    path: Path
    present: bool


def folder() -> Path:
    """Return the cache's folder; it need not exist yet."""
    chosen = os.environ.get("FIELDBEAT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    xdg = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(xdg).expanduser() / "fieldbeat"


def status(board: Board) -> Cached:
    """Return the build of a board and whether it is in the cache."""
    official = board.micropython
    path = folder() / official.url.rpartition("/")[2]
    expected = official.sha256 or _lock().get(official.url)
    return Cached(official.build, official.version, official.url, expected, path, path.is_file())


def read(board: Board) -> bytes:
    """Return the cached build of a board, checked again.

    Raises:
        CannotTry: it is not in the cache.
        FirmwareError: the cached file has changed.
    """
    found = status(board)
    if not found.present or found.sha256 is None:
        message = tr("{build} {version} is not in the cache").format(
            build=found.build, version=found.version
        )
        step = tr("{command}, or build with --base FILE").format(command=_command(board))
        raise CannotTry(message, step)
    data = found.path.read_bytes()
    seen = hashlib.sha256(data).hexdigest()
    if seen != found.sha256:
        message = tr("{path} has changed: its sha256 is {seen}, not {sha256}").format(
            path=found.path, seen=seen, sha256=found.sha256
        )
        raise FirmwareError(message, _command(board))
    return data


def get(
    board: Board,
    sha256: str | None = None,
    trust_first: bool = False,
    progress: Progress = lambda done, total: None,
) -> Cached:
    """Fetch the build of a board into the cache, unless it is there.

    Args:
        board: whose build to fetch.
        sha256: the hash that the user knows, 64 hex digits; must agree with the manifest's.
        trust_first: take whatever arrives the first time and remember its hash.
        progress: called with the bytes that have arrived and the bytes in all.

    Raises:
        CannotTry: no hash is known, or the server cannot be reached or has no such file.
        FirmwareError: what arrived is cut short or has another hash; it is not kept.
    """
    official = board.micropython
    expected = _expected(official, sha256.lower() if sha256 else None)
    if expected is None and not trust_first:
        message = tr("no sha256 is known for {url}").format(url=official.url)
        step = tr("give --sha256 HEX from the publisher, or --trust-first to accept what arrives")
        raise CannotTry(message, step)
    present = status(board)
    if present.present and expected and _hash_of(present.path) == expected:
        _remember(official.url, expected)
        return status(board)
    try:
        _fetch(official.url, expected, present.path, progress)
    except OSError as error:  # what the network raises has been translated
        message = tr("the cache {folder} cannot be written: {strerror}").format(
            folder=folder(), strerror=os_reason(error)
        )
        step = tr("free space there, or name another folder with FIELDBEAT_CACHE")
        raise CannotTry(message, step) from None
    return status(board)


def _command(board: Board) -> str:
    """Return what fetches a build: one whose hash nobody knows yet has to be trusted once."""
    trust = "" if status(board).sha256 else " --trust-first"
    return f"fieldbeat firmware get {board.id}{trust}"


def _fetch(url: str, expected: str | None, path: Path, progress: Progress) -> None:
    """Bring a build into the cache if its hash is the expected one."""
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder(), suffix=".part", delete=False) as partial:
        try:
            seen = _download(url, partial, progress)
            if expected and seen != expected:
                message = tr("{url} has sha256 {seen}, expected {expected}").format(
                    url=url, seen=seen, expected=expected
                )
                raise FirmwareError(
                    message, tr("do not use it; ask the publisher which one is right")
                )
            _remember(url, seen)
            os.replace(partial.name, path)
        finally:
            Path(partial.name).unlink(missing_ok=True)


def _expected(official: Micropython, given: str | None) -> str | None:
    if given and (len(given) != 64 or set(given) - set("0123456789abcdef")):
        raise CannotTry(
            tr("--sha256 {given}: this is no SHA-256").format(given=given),
            tr("give 64 hex digits"),
        )
    known = official.sha256 or _lock().get(official.url)
    if given and known and given != known:
        where = tr("the manifest") if official.sha256 else folder() / "lock.json"
        message = tr("--sha256 {given}... contradicts {where}, which says {known}...").format(
            given=given[:12], where=where, known=known[:12]
        )
        raise FirmwareError(
            message, tr("find out which one the publisher states, then correct the other")
        )
    return given or known


def _download(url: str, target: IO[bytes], progress: Progress) -> str:
    """Write what the server sends to `target` and return its SHA-256."""
    digest, done = hashlib.sha256(), 0
    for chunk, total in _chunks(url):
        done += len(chunk)
        if done > LARGEST_BYTES:
            message = tr("{url} is bigger than {largest_bytes} bytes").format(
                url=url, largest_bytes=LARGEST_BYTES
            )
            raise FirmwareError(message, tr("correct the url in the manifest"))
        digest.update(chunk)
        target.write(chunk)
        progress(done, total)
    target.flush()
    return digest.hexdigest()


def _chunks(url: str) -> Iterator[tuple[bytes, int]]:
    """Yield what the server sends, with the bytes that it announced, or 0."""
    done = 0
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            total = int(response.headers.get("Content-Length") or 0)
            while chunk := response.read(CHUNK_BYTES):
                done += len(chunk)
                yield chunk, total
    except urllib.error.HTTPError as error:
        message = tr("{url}: the server answers {code} {reason}").format(
            url=url, code=error.code, reason=error.reason
        )
        raise CannotTry(message, tr("correct the url in the manifest")) from None
    except http.client.IncompleteRead:
        raise _cut_short(url) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        step = tr("see that this machine is online, or build with --base FILE")
        raise CannotTry(
            tr("{url} cannot be fetched: {reason}").format(url=url, reason=reason), step
        ) from None
    if total and done != total:
        raise _cut_short(url)


def _cut_short(url: str) -> FirmwareError:
    return FirmwareError(tr("{url}: the download was cut short").format(url=url), tr("try again"))


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _lock() -> dict[str, str]:
    """Return the hashes seen so far, by URL."""
    try:
        return json.loads((folder() / "lock.json").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        path = folder() / "lock.json"
        raise CannotTry(
            tr("{path} is damaged").format(path=path),
            tr("delete {path} and fetch again").format(path=path),
        ) from None


def _remember(url: str, sha256: str) -> None:
    lock = _lock() | {url: sha256}
    text = json.dumps(lock, indent=2, sort_keys=True) + "\n"
    write_atomically(folder() / "lock.json", text.encode())
