"""Explain a frame byte by byte."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..language import os_reason, tr
from ..output import DbOption, JsonOption, RegistryOption, print_json, print_json_line, say

if TYPE_CHECKING:
    from ..explain import Explainer

DATAGRAM_BYTES = 65_507  # the largest that UDP carries


def decode(
    source: str = typer.Argument(..., metavar="FILE|HEX", help="A frame; - reads stdin."),
    registry: RegistryOption = None,
    db: DbOption = None,
    kid_size: int | None = typer.Option(None, help="Bytes of a key id, 2 or 4."),
    cose: bool = typer.Option(False, "--cose", help="Write it as COSE_Encrypt0, for other tools."),
    console: bool = typer.Option(
        False, "--console", help="FILE is what a console printed: tell of the frames in it."
    ),
    as_json: JsonOption = False,
) -> None:
    """Explain a frame byte by byte: the header, and with the registry's key what is inside.

    A file holds the bytes, or hexadecimal digits; spaces, line ends and 0x do no harm. --cose
    needs no key: it gives the same ciphertext as the message and the external_aad that any COSE
    library takes (RFC 9052).

    With --console each line is shown, and under it what its frames say: SMP, and hexadecimal
    digits that a key of the registry opens; with --json as a list of texts for each line.

    \b
    Example:
        fieldbeat decode '41 0001 00 109a3a8f1b0c9a5a10'
        fieldbeat decode datagram.bin --json
        xxd -p datagram.bin | fieldbeat decode -
        fieldbeat decode --console session.log
    """
    from .. import open_files
    from ..errors import CannotTry
    from ..explain import Explainer

    if kid_size not in (None, 2, 4):
        raise CannotTry(
            tr("a key id of {kid_size} bytes").format(kid_size=kid_size),
            tr("say --kid-size 2 or --kid-size 4"),
        )
    if cose and console:
        raise CannotTry(tr("--cose and --console exclude each other"), tr("give one of them"))
    data = b"" if console else read(source)
    _must_be_there(registry, "registry")
    _must_be_there(db, "store")
    with open_files.registry_if_there(registry) as keys, open_files.store_if_there(db) as store:
        explainer = Explainer(keys, store, kid_size)
        if console:
            _tell_console(source, explainer, as_json)
            return
        if cose:
            _print_cose(*explainer.as_cose(data), as_json)
            return
        found = explainer.explain(data)
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)


def _must_be_there(path: Path | None, what: str) -> None:
    from ..errors import CannotTry

    if path and not path.exists():
        raise CannotTry(
            tr("there is no {what} {path}").format(what=what, path=path),
            tr("name the file that has it"),
        )


def read(source: str) -> bytes:
    """Return the bytes that a command line names: a file, stdin (-) or hexadecimal digits.

    Raises:
        CannotTry: there are none.
    """
    import sys

    from ..errors import CannotTry

    try:
        if source == "-":
            return from_text(sys.stdin.buffer.read(), "stdin")
        if _is_file(source):
            return from_text(Path(source).read_bytes(), source)
    except OSError as error:
        raise CannotTry(
            f"{source}: {os_reason(error)}", tr("name a file that you may read")
        ) from None
    data = _digits(source)
    if data is None:
        message = tr("'{short}' is neither a file nor hexadecimal digits in pairs").format(
            short=_short(source)
        )
        raise CannotTry(message, tr("give a file, or the frame as hexadecimal digits"))
    return _checked(data, tr("the argument"))


def from_text(content: bytes, name: str) -> bytes:
    """Return a file's bytes, decoded if they are hexadecimal text."""
    try:
        data = _digits(content.decode("ascii"))
    except UnicodeDecodeError:
        data = None
    return _checked(content if data is None else data, name)


def _digits(text: str) -> bytes | None:
    import re

    plain = re.sub(r"(?i)\b0x|[\s,:]", "", text)
    try:
        return bytes.fromhex(plain)
    except ValueError:
        return None


def _checked(data: bytes, name: str) -> bytes:
    from ..errors import CannotTry

    if not data:
        raise CannotTry(tr("{name} is empty").format(name=name), tr("give one whole frame"))
    if len(data) > DATAGRAM_BYTES:
        message = tr("{name} has {count} bytes, more than any datagram").format(
            name=name, count=len(data)
        )
        raise CannotTry(message, tr("give one whole frame"))
    return data


def _is_file(source: str) -> bool:
    try:
        return bool(source) and Path(source).exists()
    except (OSError, ValueError):  # too long for a path, or a NUL in it
        return False


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."


def _tell_console(source: str, explainer: Explainer, as_json: bool) -> None:
    """Read line by line, and answer each before the next: who asks may wait for it."""
    import sys
    from contextlib import nullcontext

    from ..console_frames import ConsoleFrames
    from ..errors import CannotTry

    frames = ConsoleFrames(explainer)
    try:
        with nullcontext(sys.stdin.buffer) if source == "-" else open(source, "rb") as lines:
            for line in lines:
                told = frames.told(line)
                if as_json:
                    print_json_line(told)
                    continue
                text = frames.text(line)
                if text or not told:
                    print(text, flush=True)
                for about in told:
                    print(f"  | {about}", flush=True)
    except OSError as error:
        raise CannotTry(
            f"{source}: {os_reason(error)}", tr("name a file that you may read")
        ) from None


def _print_cose(message: bytes, external_aad: bytes, as_json: bool) -> None:
    told = {"cose_encrypt0": message.hex(), "external_aad": external_aad.hex()}
    if as_json:
        print_json(told)
    else:
        print("\n".join(f"{name} {value}" for name, value in told.items()))


def _print(found: Any) -> None:
    for layer in found.layers:
        print("\n".join(layer.lines()), end="\n\n")
        if layer.title == "frame" and found.unit:
            print(
                tr("Opened with the key of {unit}, epoch {epoch}: {direction}\n").format(
                    unit=found.unit, epoch=found.epoch, direction=found.direction
                )
            )
    for report in found.reports:
        _print_report(report)
    if found.sealed:
        say(tr("The plaintext stays sealed: {sealed}").format(sealed=found.sealed))


def _print_report(report: dict[str, Any]) -> None:
    from ..output import print_table

    clock = "" if report["clock_set"] else tr(", clock not set")
    units = {name: cell["unit"] for name, cell in report["samples"][0]["values"].items()}
    columns = ["Time (UTC)", *(f"{name} {unit}" for name, unit in units.items())]
    rows = [
        [sample["time"], *(_cell(value) for value in sample["values"].values())]
        for sample in report["samples"]
    ]
    print_table(columns, rows, title=f"Report {report['rn']}, schema {report['schema']}{clock}")


def _cell(value: dict[str, Any]) -> str:
    normal = value["quality"] == "normal"
    return value["text"] if normal else f"{value['text']} ({value['quality']})"
