"""The tab of results: the certificates of a folder, and the page of each."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import DataTable, Input, Label

from . import certificate, technicians
from .certificate import ENDING, Damaged
from .certificate_page import in_words
from .errors import CannotTry
from .language import tr
from .technicians import Technician
from .times import iso
from .ui_pane import Pane

if TYPE_CHECKING:
    from .ui import Choices

_OF_BATCHES = "*-certificates"  # folders beside their plans
Row = tuple[str, str, str, str, str]


class ResultsPane(Pane):
    """A line a certificate, the last one first: passed or failed, and why."""

    BINDINGS = [Binding("f6", "look", tr("Look again")), Binding("f8", "page", tr("Open page"))]

    def __init__(self, choices: Choices) -> None:
        super().__init__(tr("F5 Results"), "results")
        self._choices = choices
        self._files: list[Path] = []
        self._rows: list[Row] = []

    def compose(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Label(tr("Folder"))
            yield Input(str(self._choices.folder or Path()), id="folder", compact=True)
        yield DataTable(cursor_type="row", id="certificates")
        yield self.said()

    def on_mount(self) -> None:
        columns = tr("Unit"), tr("Verdict"), tr("Day"), tr("Technician"), tr("What")
        self.query_one(DataTable).add_columns(*columns)

    def enter(self) -> None:
        self.query_one(DataTable).focus()
        self.action_look()

    def on_input_submitted(self) -> None:
        self.enter()

    def action_look(self) -> None:
        folder = Path(self.query_one(Input).value.strip())
        if not self.busy:
            self.begin(lambda: self._look(folder))

    def _look(self, folder: Path) -> None:
        if not folder.is_dir():
            message = tr("there is no folder {path}").format(path=folder)
            raise CannotTry(message, tr("name one that holds certificates"))
        made = *folder.glob(f"*{ENDING}"), *folder.glob(f"{_OF_BATCHES}/*{ENDING}")
        files = sorted(made, key=lambda path: path.stat().st_mtime, reverse=True)
        known = technicians.known(None, self._choices.registry) if files else []
        self.later(self._show, folder, files, [_row(file, known) for file in files])

    def _show(self, folder: Path, files: list[Path], rows: list[Row]) -> None:
        self._files, self._rows = files, rows
        table = self.query_one(DataTable)
        table.clear()
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        none = tr("{path} holds no certificate; a batch with a technician makes them")
        self.say("" if files else none.format(path=folder))

    def on_data_table_row_highlighted(self) -> None:
        if page := self._page():
            what = self._rows[self._files.index(page.with_suffix(ENDING))][-1]
            path = tr("page: {path}").format(path=page)
            self.say(f"{what}\n{path}" if what else path)

    def on_data_table_row_selected(self) -> None:
        self.action_page()

    def action_page(self) -> None:
        """Open the page of the chosen certificate in the browser."""
        page = self._page()
        if page is None:
            return
        if page.exists():
            self.say(tr("{file}: open it in a browser, and print it").format(file=page))
            self.app.open_url(page.resolve().as_uri())
            return
        step = tr("'fieldbeat certificate page {file}' makes it")
        message = tr("there is no page {path}").format(path=page)
        self.fail(CannotTry(message, step.format(file=page.with_suffix(ENDING))))

    def _page(self) -> Path | None:
        at = self.query_one(DataTable).cursor_row
        return self._files[at].with_suffix(".html") if at < len(self._files) else None


def _row(file: Path, known: list[Technician]) -> Row:
    try:
        finding = certificate.verify(certificate.read(file), known, str(file))
    except (Damaged, CannotTry) as error:
        return file.stem, tr("NOT VALID"), "", "", error.message
    done = finding.certificate
    verdict = in_words(done.verdict) if done.passed else in_words(done.verdict).upper()
    what = "; ".join(f"{each.name}: {each.told}" for each in done.failed)
    if finding.problems:
        verdict, what = tr("NOT VALID"), "; ".join(finding.problems)
    return done.unit, verdict, iso(done.at_s)[:10], done.technician, what
