"""Draws forecasts as an SVG: a bar of milliamp hours for each coverage, by consumer."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from .power_forecast import Forecast

WIDTH, LEFT, RIGHT = 760, 70, 24
BAR, ROW = 34, 62
COLOURS = {
    "CPU": "#4c78a8",
    "radio": "#e45756",
    "camera": "#f2a541",
    "rails": "#54a24b",
    "always on": "#9d9da1",
}
LABEL_PIXELS = 34  # a part of a bar that is narrower has its number in the legend alone
STYLE = (
    "text{font:13px sans-serif;fill:#222}.title{font-size:16px;font-weight:bold}"
    ".quiet{fill:#666}.in{fill:#fff}.over{paint-order:stroke;stroke:#fff;stroke-width:5px}"
    ".limit{stroke:#111;stroke-width:2;stroke-dasharray:5 3}"
)


def draw(title: str, found: list[Forecast], budget_mah: float | None = None) -> str:
    """Return the SVG; a line stands where the budget of a day ends."""
    most = max([each.mah_day for each in found] + [budget_mah or 0])
    scale = (WIDTH - LEFT - RIGHT - 80) / most
    height = 84 + ROW * len(found) + 22 * len(COLOURS)
    shapes = [f'<text class="title" x="16" y="28">{escape(title)}</text>']
    for n, each in enumerate(found):
        shapes += _bar(each, 52 + ROW * n, scale)
    bottom = 52 + ROW * len(found)
    if budget_mah:
        x = LEFT + scale * budget_mah
        shapes.append(f'<path class="limit" d="M{x:.1f} 42V{bottom - 10}"/>')
        side = "end" if x > WIDTH / 2 else "start"
        shapes.append(
            f'<text x="{x:.1f}" y="{bottom + 4}" text-anchor="{side}">'
            f"budget {budget_mah:g} mAh a day</text>"
        )
    for n, each in enumerate(found):
        x, y = LEFT + scale * each.mah_day + 6, 74 + ROW * n
        shapes.append(f'<text class="over" x="{x:.1f}" y="{y}">{each.mah_day:.1f} mAh</text>')
    shapes += _legend(found, bottom + 26)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}"><style>{STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(shapes)}</svg>\n'
    )


def _bar(each: Forecast, y: float, scale: float) -> Iterator[str]:
    yield f'<text x="16" y="{y + 22}">{each.coverage.name}</text>'
    x = float(LEFT)
    for name, mah in each.mah.items():
        wide = scale * mah
        yield (
            f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{BAR}" '
            f'fill="{COLOURS[name]}"><title>{name}: {mah:.1f} mAh a day</title></rect>'
        )
        if wide > LABEL_PIXELS:
            yield f'<text class="in" x="{x + 5:.1f}" y="{y + 22}">{mah:.1f}</text>'
        x += wide


def _legend(found: list[Forecast], y: float) -> Iterator[str]:
    for n, (name, colour) in enumerate(COLOURS.items()):
        row = y + 22 * n
        shares = ", ".join(f"{each.mah[name]:.1f} ({each.coverage.name})" for each in found)
        yield f'<rect x="{LEFT}" y="{row - 11}" width="14" height="14" fill="{colour}"/>'
        yield f'<text x="{LEFT + 22}" y="{row}">{name}</text>'
        yield f'<text class="quiet" x="{LEFT + 110}" y="{row}">{shares} mAh a day</text>'
