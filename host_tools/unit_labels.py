"""A sheet of labels, one for each unit: a QR code and the same in text, to print and cut.

    FBUNIT1:gh-01:24:0a:c4:00:00:01:greenhouse_esp32

Name, MAC address and board; nothing of it is secret.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Protocol

import segno

from .language import tr

_PREFIX = "FBUNIT1"
_BORDER = 4  # modules that are kept free around a code: ISO/IEC 18004, 9.1

_STYLE = (
    "\n@page { size: A4; margin: 10mm }\nbody { margin: 0; font-family: "
    "sans-serif; color: #000; background: #fff }\nmain { display: grid; "
    "grid-template-columns: repeat(3, 63mm); gap: 0 }\nsection { box-sizing: "
    "border-box; width: 63mm; height: 34mm; border: 0.2mm dashed #999;\n      "
    "    display: flex; align-items: center; break-inside: avoid; overflow: "
    "hidden }\nsvg { width: 29mm; height: 29mm; flex: none }\ndiv { min-width: "
    "0; padding-right: 1.5mm; font-size: 2.3mm; line-height: 1.4;\n      "
    "overflow-wrap: anywhere }\nb { display: block; font-size: 3.6mm }\n"
    "strong { display: block; border: 0.8mm solid #000; font-size: 4.6mm; text-align: center }\n"
)


class Label(Protocol):
    """What a sheet shows: the code's text, the unit in large, lines below it, a warning if any."""

    @property
    def unit(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def lines(self) -> list[str]: ...
    @property
    def warning(self) -> str: ...


@dataclass(frozen=True)
class UnitLabel:
    """What stands on a label."""

    unit: str
    site: str
    mac: str
    board: str

    @property
    def text(self) -> str:
        """What the code says."""
        return ":".join([_PREFIX, self.unit, self.mac, self.board])

    warning = ""

    @property
    def lines(self) -> list[str]:
        """The text beside it."""
        return [tr("site {site}").format(site=self.site), self.mac, self.board]


def sheet(labels: Iterable[Label], title: str) -> str:
    """Return a page of HTML with a label for each unit, 63 x 34 mm, three in a row of A4."""
    body = "".join(map(_label, labels))
    return (
        f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main>\n{body}</main></body></html>\n"
    )


def _label(label: Label) -> str:
    code = segno.make(label.text, error="m", micro=False)
    drawn = code.svg_inline(border=_BORDER, omitsize=True)
    lines = "<br>".join(map(escape, label.lines))
    framed = f"<strong>{escape(label.warning)}</strong>" if label.warning else ""
    return f"<section>{drawn}<div><b>{escape(label.unit)}</b>{framed}{lines}</div></section>\n"
