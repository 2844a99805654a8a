"""The screen of `fieldbeat ui`: tabs that do what verbs do, for who would rather not type."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.terminal_theme import TerminalTheme
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.theme import Theme
from textual.widgets import Footer, TabbedContent

from .language import tr
from .ui_batch import BatchPane
from .ui_pane import Pane, Question
from .ui_results import ResultsPane
from .ui_signal import SignalPane
from .ui_units import UnitsPane

# Colours that the tables of verbs use, dark enough on white: black, red, green, yellow, ...
_DARK = [(0, 0, 0), (160, 0, 0), (0, 90, 0), (110, 60, 0), (0, 0, 140), (110, 0, 110), (0, 80, 80)]
_ON_WHITE = TerminalTheme((255, 255, 255), (0, 0, 0), [*_DARK, (0, 0, 0)], [*_DARK, (0, 0, 0)])


def _theme(name: str, paper: str, ink: str, dark: bool) -> Theme:
    """Return a theme of two colours: what has the focus is turned round."""
    turned = {"background": ink, "foreground": paper}
    names = ("block-cursor", "block-cursor-blurred", "input-cursor", "input-selection")
    variables = {f"{which}-{part}": turned[part] for which in names for part in turned}
    variables |= {"block-cursor-text-style": "bold", "block-hover-background": paper}
    inks = ("footer-key-foreground", "footer-foreground", "footer-description-foreground")
    variables |= dict.fromkeys((*inks, "border", "border-blurred", "scrollbar"), ink)
    variables["footer-background"] = paper
    made = Theme(name, ink, foreground=ink, dark=dark, variables=variables)
    made.secondary = made.accent = made.warning = made.error = made.success = ink
    made.background = made.surface = made.panel = made.boost = paper
    return made


SUN = _theme("sun", "#ffffff", "#000000", False)
NIGHT = _theme("night", "#000000", "#ffffff", True)


@dataclass(frozen=True)
class Choices:
    """What was named on the command line; tabs begin with it."""

    plan: Path | None = None
    ports: tuple[str, ...] = ()
    technician: str = ""
    modem: str = ""
    folder: Path | None = None
    virtual: bool = False
    registry: Path | None = None
    db: Path | None = None


class Screen(App[None]):
    """All tabs; Ctrl-C ends what runs, Ctrl-Q leaves when that has ended, twice: at once."""

    TITLE = "fieldbeat"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [
        Binding("f2", "go('units')", show=False, priority=True),
        Binding("f3", "go('batch')", show=False, priority=True),
        Binding("f4", "go('signal')", show=False, priority=True),
        Binding("f5", "go('results')", show=False, priority=True),
        Binding("f9", "turn", tr("Light/dark"), priority=True),
        Binding("ctrl+c", "leave(False)", show=False, priority=True),
        Binding("ctrl+q", "leave(True)", tr("Quit"), priority=True),
    ]
    CSS_PATH = "ui.tcss"

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self._choices = choices
        self._leaving = self._asked = False
        self.ansi_theme_light = _ON_WHITE

    def compose(self) -> ComposeResult:
        with TabbedContent(initial="units"):
            yield UnitsPane(self._choices)
            yield BatchPane(self._choices)
            yield SignalPane(self._choices)
            yield ResultsPane(self._choices)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.register_theme(SUN)
        self.register_theme(NIGHT)
        self.theme = SUN.name

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        if isinstance(event.pane, Pane):
            event.pane.enter()

    def get_key_display(self, binding: Binding) -> str:
        """Return a key as tabs and keyboards call it: F6."""
        shown = super().get_key_display(binding)
        return shown.upper() if shown[1:].isdigit() else shown

    def action_go(self, tab: str) -> None:
        if not isinstance(self.screen, Question):
            self.query_one(TabbedContent).active = tab

    def action_turn(self) -> None:
        self.theme = NIGHT.name if self.theme == SUN.name else SUN.name

    def action_leave(self, leave: bool) -> None:
        """End what runs as Ctrl-C ends a verb; leave where nothing runs, or at the second time."""
        if isinstance(self.screen, Question):
            self.screen.dismiss(None)
        busy = self._busy()
        if not busy or self._asked:
            self.exit()
            return
        self._asked, self._leaving = True, leave
        for pane in busy:
            pane.stop.set()
            pane.say(tr("it stops after the present step; once more leaves at once"), bad=True)

    def work_ended(self) -> None:
        """Be told by a tab that its work has ended."""
        if self._busy():
            return
        self._asked = False
        if self._leaving:
            self.exit()

    def _busy(self) -> list[Pane]:
        return [pane for pane in self.query(Pane) if pane.busy]


def run(choices: Choices) -> None:
    """Show the screen until it is left. Threads that would ask a person find nobody meanwhile."""
    person = sys.stdin
    with open(os.devnull) as nobody:
        sys.stdin = nobody
        try:
            Screen(choices).run()
        finally:
            sys.stdin = person
