"""A label for a batch: a QR code that names unit, batch, root and key, and the same in text.

    FIELDBEAT1:gh-01:tomato-07:20260402:ROOT:KEY

ROOT is the chain's value that the last root has signed, KEY the fingerprint of the public key,
both in hexadecimal digits. Whoever has a trace compares it:
`fieldbeat trace verify FILE --label TEXT`.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import segno

from .errors import CannotTry
from .language import tr
from .times import iso
from .trace_file import TraceFile, fingerprint
from .trace_proof import Proof, Root

if TYPE_CHECKING:
    import numpy as np

_PREFIX = "FIELDBEAT1"
_SCALE = 8  # pixels of a module
_BORDER = 4  # modules that are kept free around a code: ISO/IEC 18004, 9.1
_LINE = 20  # pixels of a line of text
_TEXT = 16
_MARGIN = 16
_CHAR_SHARE = 0.62  # of a letter's height, its width in a monospaced font


@dataclass(frozen=True)
class Label:
    """What stands on a label; `day` as 20260402."""

    unit: str
    batch: str
    day: str
    root: bytes
    key: str

    @property
    def text(self) -> str:
        """What the code says."""
        return ":".join([_PREFIX, self.unit, self.batch, self.day, self.root.hex(), self.key])

    @property
    def lines(self) -> list[str]:
        """The text below it."""
        root, half = self.root.hex(), len(self.root)
        return [
            f"unit {self.unit}   batch {self.batch}",
            f"signed until {self.day[:4]}-{self.day[4:6]}-{self.day[6:]} (UTC)",
            f"root {root[:half]}",
            f"     {root[half:]}",
            f"key  {self.key}",
        ]


def of(proof: Proof, batch: str) -> Label:
    """Return the label of a batch by the last root of its trace.

    Raises:
        CannotTry: the trace does not prove what it should.
    """
    if proof.problems or not proof.good_roots:
        step = tr("see 'fieldbeat trace show {unit}'").format(unit=proof.unit)
        problem = proof.problems[0] if proof.problems else tr("no root is good")
        raise CannotTry(
            tr("no label for what is not proven: {problem}").format(problem=problem), step
        )
    last = proof.good_roots[-1]
    return Label(proof.unit, batch, _day(last), last.chain, fingerprint(proof.keys[0]))


def _day(root: Root) -> str:
    return iso(root.t)[:10].replace("-", "")


def parse(text: str) -> Label:
    """Return the label that a code says.

    Raises:
        CannotTry: it is none.
    """
    try:
        prefix, unit, batch, day, root, key = text.strip().split(":")
        found = Label(unit, batch, day, bytes.fromhex(root), key.lower())
        if prefix != _PREFIX or len(found.root) != 32 or len(bytes.fromhex(key)) != 16:
            raise ValueError
    except ValueError:
        step = tr("give all that the code says, it begins with {prefix}:").format(prefix=_PREFIX)
        raise CannotTry(tr("this is no text of a label"), step) from None
    return found


def compare(label: Label, trace: TraceFile, proof: Proof) -> None:
    """Add to a proof what a label says that its trace does not."""
    problems = proof.problems
    if label.unit != trace.unit:
        problems.append(
            tr("the label is of {unit}, this file is of {unit_2}").format(
                unit=label.unit, unit_2=trace.unit
            )
        )
        return  # another unit has another root, and another key
    named = {done.operation.batch for done in proof.operations}
    if label.batch not in named:
        problems.append(
            tr("the label is of batch {batch}, of which the file tells nothing").format(
                batch=label.batch
            )
        )
    days = {root.chain: _day(root) for root in proof.good_roots}
    if label.root not in days and label.day > max(days.values(), default=""):
        problems.append(
            tr("this file ends before {day}, the day on the label: ask for one until then").format(
                day=label.day
            )
        )
    elif label.root not in days:
        problems.append(
            tr("the root on the label is none of this file: it was made of another one")
        )
    elif days[label.root] != label.day:
        problems.append(
            tr("the label is of {day}, its root of {root_day}: the label was changed").format(
                day=label.day, root_day=days[label.root]
            )
        )
    if not proof.judged:
        proof.judge_keys([label.key])
    elif label.key not in map(fingerprint, proof.keys):
        problems.append(tr("the key on the label has signed nothing in this file"))


def write(label: Label, path: Path) -> None:
    """Write a label as .svg or .png.

    Raises:
        CannotTry: it is neither, or cannot be written.
    """
    from . import files

    code = segno.make(label.text, error="m", micro=False)
    match path.suffix.lower():
        case ".svg":
            files.write_atomically(path, _svg(code, label.lines).encode())
        case ".png":
            files.write_atomically(path, _png(code, label.lines))
        case _:
            raise CannotTry(
                tr("{path} is neither .svg nor .png").format(path=path),
                tr("give a name that ends so"),
            )


def _size(code: segno.QRCode, lines: list[str]) -> tuple[int, int, int]:
    """Return the side of the code, and width and height of the label, in pixels."""
    side = int(code.symbol_size(_SCALE, _BORDER)[0])
    width = max(side, round(max(map(len, lines)) * _TEXT * _CHAR_SHARE) + 2 * _MARGIN)
    return side, width, side + _LINE * len(lines) + _MARGIN


def _svg(code: segno.QRCode, lines: list[str]) -> str:
    side, width, height = _size(code, lines)
    inside = code.svg_inline(scale=_SCALE, border=_BORDER)
    texts = "".join(
        f'<text x="{_MARGIN}" y="{side + _LINE * i + _TEXT}" xml:space="preserve">'
        f"{escape(line)}</text>"
        for i, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}"><rect width="100%" height="100%" fill="#fff"/>'
        f'{inside}<g font-family="monospace" font-size="{_TEXT}">{texts}</g></svg>\n'
    )


def _png(code: segno.QRCode, lines: list[str]) -> bytes:
    """A PNG needs a font: OpenCV has one."""
    try:
        import cv2
        import numpy as np
    except ImportError:
        step = tr("pip install 'fieldbeat[pictures]', or give a name that ends in .svg")
        raise CannotTry(tr("a label as .png needs OpenCV"), step) from None
    side, width, height = _size(code, lines)
    sheet: np.ndarray = np.full((height, width), 255, np.uint8)
    out = io.BytesIO()
    code.save(out, kind="png", scale=_SCALE, border=_BORDER)
    drawn = cv2.imdecode(np.frombuffer(out.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE)
    sheet[:side, :side] = drawn
    scale = _TEXT * 0.03
    for i, line in enumerate(lines):
        at = (_MARGIN, side + _LINE * i + _TEXT)
        cv2.putText(sheet, line, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 0, 1, cv2.LINE_AA)
    return bytes(cv2.imencode(".png", sheet)[1])
