"""The tab of the signal: a survey as `fieldbeat survey` makes it, with a line that moves."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Label, Sparkline, Static

from . import survey, survey_limits, survey_line, survey_modem, survey_run, survey_verdict
from .language import tr
from .survey_line import Clock
from .survey_sample import Sample
from .ui_pane import Pane

if TYPE_CHECKING:
    from .ui import Choices

LOOKS = 76  # that the line shows, a column each
WAIT_S = int(survey_line.IN_USE_S + 2 * survey_modem.RADIO_S)  # a unit on the air, then a radio
_SILENCE_DBM = -140.0  # where the line has no signal; the least that 3GPP TS 36.133, 9.1.4 tells


class SignalPane(Pane):
    """Look at the network; what is typed as a place begins there."""

    BINDINGS = [Binding("f6", "start", tr("Start")), Binding("f7", "stop", tr("Stop"))]

    def __init__(self, choices: Choices) -> None:
        super().__init__(tr("F4 Signal"), "signal")
        self._choices = choices
        self._typed = _Places()
        self._waited_s, self._looked = 0, False

    def compose(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Label(tr("Port"))
            port = next(iter(self._choices.ports), "")
            yield Input(port, tr("of the unit, /dev/ttyUSB0"), id="port", compact=True)
        with Horizontal(classes="line"):
            yield Label(tr("Modem"))
            hint = tr("empty: a unit; a modem alone: bc26, bc95 or sim7020")
            yield Input(self._choices.modem, hint, id="modem", compact=True)
        with Horizontal(classes="line"):
            yield Label(tr("Place"))
            hint = tr("where the antenna is now, then Enter; q ends")
            yield Input("", hint, id="place", compact=True)
        yield Sparkline([], id="signal-line", summary_function=min)
        yield Static(id="signal-now")
        with VerticalScroll():
            yield Static(id="verdicts")
        yield self.said()

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)

    def enter(self) -> None:
        self.query_one("#place" if self.busy else "#port").focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return {"start": not self.busy, "stop": self.busy}.get(action, True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id != "place":
            self.action_start()
        elif self.busy and event.value.strip():
            self.place(event.value)
            event.input.value = ""

    def place(self, name: str) -> None:
        """Say where the antenna is from now on; `q` ends it."""
        self._typed.put(name)

    def action_start(self) -> None:
        if self.busy:
            return
        self._waited_s, self._looked = 0, False
        self._tick()
        self._typed = _Places()
        self.query_one("#place").focus()
        port, part = (self.query_one(f"#{n}", Input).value.strip() for n in ("port", "modem"))
        self.begin(lambda: self._look(port or None, part or None))

    def action_stop(self) -> None:
        self.stop.set()
        self.say(tr("it stops after the present step"), bad=True)

    def _tick(self) -> None:
        """Show that it waits, each second until the first look."""
        if self.busy and not (self._looked or self.stop.is_set()):
            text = tr("waiting for the modem: {s} s, {limit} s at most")
            self.say(text.format(s=self._waited_s, limit=WAIT_S))
            self._waited_s += 1

    def _look(self, port: str | None, part: str | None) -> None:
        limits = survey_limits.load(None)
        path = Path(survey_run.default_name())
        clock = Clock(survey_line.WALL.now_s, self._sleep)

        def seen(samples: list[Sample], bands: tuple[int, ...]) -> None:
            spots = survey_verdict.spots(samples, limits, bands)
            best = survey_verdict.best(spots)
            told = survey_verdict.in_words(spots, best) if best else []
            line = [x.rsrp_dbm for x in samples[-LOOKS:]]
            self.later(self._show, line, survey.in_words(samples[-1]), told)

        with survey_run.source(port, part, self._choices.registry, self.tell, clock) as source:
            *_, failure = survey_run.look(
                *(source, path, True, None, self.tell, self._typed, seen, clock)
            )
        if failure:
            raise failure
        self.tell(tr("log: {path}").format(path=path))

    def _sleep(self, seconds: float) -> None:
        """Let time pass; it ends as by Ctrl-C."""
        if self.stop.is_set():
            raise KeyboardInterrupt
        survey_line.WALL.sleep(seconds)

    def _show(self, line: list[float | None], now: str, told: list[str]) -> None:
        self._looked = True
        self.query_one(Sparkline).data = [_SILENCE_DBM if x is None else x for x in line]
        heard = [level for level in line if level is not None]
        span = ""
        if heard:
            text = tr("{low:.0f} to {high:.0f} dBm")
            span = text.format(low=min(heard), high=max(heard))
        self.query_one("#signal-now", Static).update(Text(f"{now}\n{span}"))
        self.query_one("#verdicts", Static).update(Text("\n".join(told)))


class _Places:
    """Names of places on their way to the survey, from one thread to another."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()

    def put(self, text: str) -> None:
        self._queue.put(text.strip())

    def lines(self) -> list[str]:
        """Return those that were typed since the last call."""
        found = []
        while not self._queue.empty():
            found.append(self._queue.get())
        return found
