"""A board's timeline as inline SVG: lanes faults, power, radio, serial, frames and heap.

Marks that would fall on one pixel become one, so that a month is no bigger than a minute.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT = 1120, 64, 12
LANES = {"faults": 22, "power": 22, "radio": 22, "serial": 20, "frames": 38, "heap": 40}
GAP, AXIS = 6, 20
OFF_PIXELS = 4  # a power cut of two seconds is seen in a day, too
HEAP_SPAN = 10  # the heap lane shows at least one in so many bytes: 32 bytes are no cliff
STATES = {  # class of the style sheet by state
    "running": "good", "boot": "start", "off": "off", "sleep": "rest", "download": "odd",
    "no program": "bad", "connected": "good", "idle": "rest", "searches": "odd",
    "starts": "start", "sleeps": "faint", "radio off": "off",
}  # fmt: skip
UNNAMED = ("running", "boot")  # the words of the resets stand there
FATES = {"carried": "good", "duplicated": "odd", "reordered": "odd"}  # all others are bad
BAD_LINES = ("rst:0x7", "Traceback", "Error", "abort()", "safe mode", "Guru", "panic")
STEPS_S = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400)


class Picture:
    """Draws one board's lanes between two moments."""

    def __init__(self, board: dict[str, Any], from_us: int, to_us: int) -> None:
        self.board = board
        self.from_us, self.to_us = from_us, max(to_us, from_us + 1)
        self.parts: list[str] = []
        self.y = 0

    def draw(self) -> str:
        """The whole SVG element."""
        height = sum(LANES.values()) + GAP * len(LANES) + AXIS
        self._axis(height - AXIS)
        for lane, tall in LANES.items():
            middle = self.y + tall / 2 + 4
            self.parts.append(f'<text class="lane" x="{LEFT - 8}" y="{middle:g}">{lane}</text>')
            getattr(self, f"_{lane}")(tall)
            self.y += tall + GAP
        body = "".join(self.parts)
        name = escape(self.board["board"])
        return (
            f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="timeline of {name}">'
            f"{body}</svg>"
        )

    def x(self, at_us: int) -> float:
        """Where a moment stands."""
        share = (at_us - self.from_us) / (self.to_us - self.from_us)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def clock(self, at_us: int) -> str:
        """A moment for people: seconds since the start and the time of day there."""
        moment = datetime.fromtimestamp(self.board["start_s"] + at_us / 1e6, UTC)
        return f"{at_us / 1e6:.3f} s, {moment:%Y-%m-%d %H:%M:%S} UTC"

    # Lanes

    def _faults(self, tall: int) -> None:
        marks = []
        for x, rows in self._merged(self.board["faults"]):
            kind = "bad" if any(str(row[2]).startswith("fired") for row in rows) else "odd"
            marks.append((x, kind, [f"{row[1]} {row[2]}" for row in rows], rows[0][0]))
        self._flags(marks, tall)

    def _power(self, tall: int) -> None:
        self._bars(self.board["power"], tall, "off", shown=True)
        marks = []
        for x, rows in self._merged(self.board["resets"]):
            causes = [row[1] for row in rows]
            marks.append((x, "bad" if "watchdog" in causes else "dark", causes, rows[0][0]))
        self._flags(marks, tall)

    def _radio(self, tall: int) -> None:
        self._bars(self.board["radio"], tall, "off")
        for x, rows in self._merged(self.board["sends"]):
            self._tick(x, self.y, self.y + tall, "dark", [f"send {r[1]}" for r in rows], rows)

    def _serial(self, tall: int) -> None:
        for x, rows in self._merged(self.board["serial"]):
            lines = [row[1] for row in rows]
            bad = any(word in line for line in lines for word in BAD_LINES)
            top = self.y + (0 if bad else tall * 0.3)
            self._tick(x, top, self.y + tall, "bad" if bad else "dark", lines, rows)
        for x, rows in self._merged(self.board.get("typed", [])):
            typed = [f"typed: {row[1]}" for row in rows]
            self._tick(x, self.y - 2, self.y + tall * 0.3, "typed", typed, rows)

    def _frames(self, tall: int) -> None:
        middle = self.y + tall / 2
        self._outages(tall)
        self.parts.append(
            f'<path class="line" d="M{LEFT} {middle:g}H{WIDTH - RIGHT}"/>'
            f'<text class="small" x="{LEFT - 8}" y="{self.y + 8}">up</text>'
            f'<text class="small" x="{LEFT - 8}" y="{self.y + tall}">down</text>'
        )
        for direction, end in (("up", self.y), ("down", self.y + tall)):
            frames = [row for row in self.board["frames"] if row[1] == direction]
            for x, rows in self._merged(frames):
                kinds = [FATES.get(row[2], "bad") for row in rows]
                kind = next((kind for kind in ("bad", "odd") if kind in kinds), "good")
                told = [f"{direction} {row[3]} bytes, {row[2]}" for row in rows]
                self._tick(x, middle, end, kind, told, rows)

    def _heap(self, tall: int) -> None:
        rows = [row for row in self.board["heap"] if self.from_us <= row[0] <= self.to_us]
        if not rows:
            text = "the unit did not report it in this time"
            self.parts.append(f'<text class="quiet" x="{LEFT}" y="{self.y + 24}">{text}</text>')
            return
        low, high = min(row[1] for row in rows), max(row[1] for row in rows)
        span = max(high - low, high / HEAP_SPAN, 1)
        base = (low + high - span) / 2
        ys = [self.y + tall - 4 - (row[1] - base) / span * (tall - 8) for row in rows]
        points = " ".join(f"{self.x(r[0])},{y:.1f}" for r, y in zip(rows, ys, strict=True))
        self.parts.append(f'<polyline class="heap" points="{points}"/>')
        step = max(1, len(rows) // 500)
        for row, y in list(zip(rows, ys, strict=True))[::step]:
            title = f"<title>{row[1]} bytes free, {self.clock(row[0])}</title>"
            dot = f'<circle class="heap" cx="{self.x(row[0])}" cy="{y:.1f}" r="2.5">{title}'
            self.parts.append(dot + "</circle>")
        told = f"{low:,} to {high:,} bytes free" if high > low else f"{low:,} bytes free"
        self.parts.append(
            f'<text class="quiet end" x="{WIDTH - RIGHT}" y="{self.y + 10}">{told}</text>'
        )

    # Shapes

    def _outages(self, tall: int) -> None:
        ends = [*self.board.get("outages", []), [self.to_us, "back"]]
        since = None
        for at_us, what in ends:
            if what == "away" and since is None:
                since = at_us
            elif what == "back" and since is not None:
                begin = self.x(max(since, self.from_us))
                wide = self.x(min(max(at_us, self.from_us), self.to_us)) - begin
                title = f"<title>no network, from {self.clock(since)}</title>"
                shape = f'x="{begin}" y="{self.y}" width="{max(wide, 0):.1f}" height="{tall}"'
                self.parts.append(f'<rect class="outage" {shape}>{title}</rect>')
                if wide > 70:
                    word = f'x="{begin + 6}" y="{self.y + tall - 4}"'
                    self.parts.append(f'<text class="word bad" {word}>no network</text>')
                since = None

    def _bars(self, rows: list[list[Any]], tall: int, first: str, shown: bool = False) -> None:
        """Coloured from state to state; `off` is left empty unless it is to be `shown`."""
        state, since = first, self.from_us
        last_x = -1.0
        for at_us, after in [*rows, [self.to_us, ""]]:
            end = min(max(at_us, self.from_us), self.to_us)
            x, x_end = self.x(since), self.x(end)
            if shown and state == "off" and end > since:
                x = last_x = max(min(x, x_end - OFF_PIXELS), LEFT)
            if x_end > max(x, last_x) and (shown or state != "off"):
                x = max(x, last_x)
                room = x_end - x > 7 * len(state) + 6 and state not in UNNAMED
                label = escape(state) if room else ""
                self.parts.append(
                    f'<rect class="{STATES.get(state, "odd")}" x="{x}" y="{self.y}" '
                    f'width="{x_end - x:.1f}" height="{tall}"><title>{escape(state)}, from '
                    f"{self.clock(since)}</title></rect>"
                )
                if label:
                    text = f'<text class="in" x="{x + 4:.1f}" y="{self.y + 15}">{label}</text>'
                    self.parts.append(text)
                last_x = x_end
            state, since = after, end

    def _flags(self, marks: list[tuple[float, str, list[str], int]], tall: int) -> None:
        """Vertical lines, each with its words beside it if there is room until the next one."""
        for n, (x, kind, told, at_us) in enumerate(marks):
            x_next = marks[n + 1][0] if n + 1 < len(marks) else WIDTH
            self.parts.append(
                f'<g class="{kind}"><path class="flag" d="M{x} {self.y}v{tall}"/>'
                f'<path class="head" d="M{x} {self.y}l6 4l-6 4z"/>{self._title(told, at_us)}</g>'
            )
            word = told[0] if len(told) == 1 else f"{told[0]} (+{len(told) - 1})"
            wide, y = 6 * len(word) + 10, self.y + tall - 3
            if wide < x_next - x:
                shape = f'class="word {kind}" x="{x + 8}"'
            elif n + 1 == len(marks) and wide < x - (marks[n - 1][0] if n else LEFT):
                shape = f'class="word {kind} end" x="{x - 4}"'
            else:
                continue
            self.parts.append(f'<text {shape} y="{y}">{escape(word)}</text>')

    def _tick(
        self, x: float, top: float, end: float, kind: str, told: list[str], rows: list[list[Any]]
    ) -> None:
        self.parts.append(
            f'<path class="tick {kind}" d="M{x} {top:g}V{end:g}">'
            f"{self._title(told, rows[0][0])}</path>"
        )

    def _title(self, told: list[str], at_us: int) -> str:
        more = [f"and {len(told) - 8} more"] if len(told) > 8 else []
        text = "\n".join([self.clock(at_us), *told[:8], *more])
        return f"<title>{escape(text)}</title>"

    def _merged(self, rows: Iterable[list[Any]]) -> list[tuple[float, list[list[Any]]]]:
        """Rows by the pixel that they fall on."""
        pixels: dict[float, list[list[Any]]] = {}
        for row in rows:
            if self.from_us <= row[0] <= self.to_us:
                pixels.setdefault(float(round(self.x(row[0]))), []).append(row)
        return sorted(pixels.items())

    def _axis(self, bottom: int) -> None:
        span_s = (self.to_us - self.from_us) / 1e6
        step_s = next((s for s in STEPS_S if span_s / s <= 9), STEPS_S[-1])
        n = -(-self.from_us // round(step_s * 1e6))
        while n * step_s * 1e6 <= self.to_us:
            at_us = round(n * step_s * 1e6)
            x = self.x(at_us)
            self.parts.append(f'<path class="grid" d="M{x} 0V{bottom}"/>')
            if x < WIDTH - RIGHT - 90:
                label = elapsed(at_us / 1e6)
                self.parts.append(
                    f'<text class="small mid" x="{x}" y="{bottom + 14}">{label}</text>'
                )
            n += 1
        self.parts.append(
            f'<text class="small end" x="{WIDTH - RIGHT}" y="{bottom + 14}">'
            f"{elapsed(self.to_us / 1e6)}</text>"
        )


def elapsed(seconds: float) -> str:
    """`45 s`, `12:30 min`, `5:00 h`, `2 d 3 h`."""
    if seconds < 60:
        return f"{seconds:g} s" if seconds == int(seconds) else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    if whole < 3 * 86_400:
        return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def draw(board: dict[str, Any], from_us: int = 0, to_us: int | None = None) -> str:
    """The SVG of one board, from the start of its world to now unless told otherwise."""
    return Picture(board, from_us, board["to_us"] if to_us is None else to_us).draw()
