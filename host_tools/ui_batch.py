"""The tab of a batch: the engine of `fieldbeat batch`, a line for each unit, and a total."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Label, OptionList, Static

from . import batch_run, batch_view, unit_bundle, unit_plan
from .batch import Summary
from .batch_ports import Place
from .batch_run import Request
from .batch_work import BROKEN, STRANGER, Event
from .errors import CannotTry
from .language import tr
from .ui_pane import Pane
from .unit_job import Job
from .wording import counted

if TYPE_CHECKING:
    from .ui import Choices


class BatchPane(Pane):
    """Choose a plan, start, see what becomes of each unit."""

    BINDINGS = [Binding("f6", "start", tr("Start")), Binding("f7", "stop", tr("Stop"))]

    def __init__(self, choices: Choices) -> None:
        super().__init__(tr("F3 Batch"), "batch")
        self._choices = choices

    def compose(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Label(tr("Plan"))
            hint = tr("a .csv, .toml or .fieldbeat file; or choose one below")
            yield Input(str(self._choices.plan or ""), hint, id="plan", compact=True)
        with Horizontal(classes="line"):
            yield Label(tr("Ports"))
            ports = " ".join(self._choices.ports)
            yield Input(ports, tr("empty: all USB serial ports"), id="ports", compact=True)
        with Horizontal(classes="line"):
            yield Label(tr("Technician"))
            hint = tr("signs a certificate of each unit; empty: none")
            yield Input(self._choices.technician, hint, id="technician", compact=True)
        yield OptionList(id="files", markup=False)
        with VerticalScroll(id="progress"):
            yield Static(id="unit-lines")
        yield Static(id="total")
        yield self.said()

    def on_mount(self) -> None:
        self.query_one("#progress").display = False

    def enter(self) -> None:
        files = self.query_one("#files", OptionList)
        found = sorted(path.name for path in Path().iterdir() if _is_offered(path))
        files.clear_options()
        files.add_options(found)
        if self.query_one("#plan", Input).value or not found:
            self.query_one("#plan").focus()
        else:
            files.highlighted = 0
            files.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return {"start": not self.busy, "stop": self.busy}.get(action, True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        plan = self.query_one("#plan", Input)
        plan.value = str(event.option.prompt)
        plan.focus()
        self._begin(self._check)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer all plans again where one has ended and its name is taken away."""
        if event.input.id == "plan" and not (event.value or self.busy):
            self.query_one("#progress").display = False
            self.query_one("#files").display = True

    def on_input_submitted(self) -> None:
        self._begin(self._check)

    def action_start(self) -> None:
        self._begin(self._make)

    def action_stop(self) -> None:
        self.stop.set()
        self.say(tr("it stops after the present step of each unit"), bad=True)

    def _begin(self, work: Callable[[str, str, str], None]) -> None:
        """Do something with what is in the fields, in the thread."""
        if self.busy:
            return
        self.say("")
        names = "plan", "ports", "technician"
        plan, ports, technician = (self.query_one(f"#{n}", Input).value.strip() for n in names)
        self.begin(lambda: work(plan, ports, technician))

    def _jobs(self, plan: str) -> list[Job]:
        if not plan:
            raise CannotTry(tr("no plan is named"), tr("give a .csv, .toml or .fieldbeat file"))
        return batch_run.jobs(Path(plan), self._choices.virtual)

    def _check(self, plan: str, ports: str, technician: str) -> None:
        units = counted(len(self._jobs(plan)), "unit")
        self.tell(tr("{plan}: ok, {units}; F6 starts").format(plan=plan, units=units))

    def _make(self, plan: str, ports: str, technician: str) -> None:
        todo, registry = self._jobs(plan), self._choices.registry
        request = Request(
            *(Path(plan), todo, ports.split()), technician=technician or None, registry=registry
        )
        view = _View(self, max(len(job.name) for job in todo))
        with batch_run.opened(request, self.tell, self.stop) as run:
            self.later(self._show_begin)
            summary, sheet = run.make(view)
        self.later(self._show_end, view, summary, sheet)

    def _show_begin(self) -> None:
        if self.query_one("#files").has_focus:
            self.query_one("#plan").focus()
        self.query_one("#files").display = False
        self.query_one("#progress").display = True

    def _show_end(self, view: _View, summary: Summary, sheet: Path | None) -> None:
        total, *more = batch_view.ended(summary, sheet)
        self.show([*view.lines(summary.failed), *map(Text, more)], total)
        if error := batch_run.trouble(summary):
            self.fail(error)

    def show(self, lines: list[Text], total: str) -> None:
        """Show how far it is."""
        self.query_one("#unit-lines", Static).update(Text("\n").join(lines))
        self.query_one("#total", Static).update(Text(total, "bold"))


def _is_offered(path: Path) -> bool:
    return path.suffix.lower() == unit_bundle.SUFFIX or unit_plan.may_be_plan(path)


class _View:
    """What the engine tells, as lines; called in its thread alone."""

    def __init__(self, pane: BatchPane, width: int) -> None:
        self._pane, self._width = pane, width
        self._last: dict[Place, Event] = {}

    def show(self, event: Event) -> None:
        self._last[event.place] = event

    def progress(self, summary: Summary) -> None:
        self._pane.later(self._pane.show, self.lines(), batch_view.total(summary))

    def lines(self, without: list[str] | None = None) -> list[Text]:
        """Return the last word on each board, without those of some units."""
        kept = [event for event in self._last.values() if event.unit not in (without or [])]
        return [
            Text(
                batch_view.moving(event, self._width),
                "bold" if event.state in (BROKEN, STRANGER) else "",
            )
            for event in sorted(kept, key=lambda each: each.unit)
        ]
