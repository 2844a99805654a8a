"""The tab of units: what `fieldbeat show` says, kept up to date."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Group
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from . import tables, views
from .language import tr
from .store import NothingCollected
from .ui_pane import Pane
from .views import UnitView

if TYPE_CHECKING:
    from .ui import Choices

REFRESH_S = 5.0


class UnitsPane(Pane):
    """A line a unit; what is known of the chosen one stands below."""

    BINDINGS = [Binding("f6", "look", tr("Look again"))]

    def __init__(self, choices: Choices) -> None:
        super().__init__(tr("F2 Units"), "units")
        self._choices = choices
        self._units: list[UnitView] = []
        self._refusals: list[dict[str, Any]] = []
        self._now_s = 0.0

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row", header_height=2, id="unit-table")
        with VerticalScroll():
            yield Static(id="unit-details")
        yield self.said()

    def on_mount(self) -> None:
        self.set_interval(REFRESH_S, self.action_look)

    def enter(self) -> None:
        self.query_one(DataTable).focus()
        self.action_look()

    def action_look(self) -> None:
        if not self.busy:
            self.begin(self._look)

    def _look(self) -> None:
        now_s = time.time()
        try:
            with views.opened(self._choices.db, self._choices.registry) as (_, asked):
                self.later(self._show, asked.units(now_s), asked.refusals(), now_s)
        except NothingCollected as error:
            units = views.registered(self._choices.registry)
            if not units:
                raise
            self.later(self._show, units, [], now_s, str(error))

    def _show(
        self,
        units: list[UnitView],
        refusals: list[dict[str, Any]],
        now_s: float,
        remark: str = "",
    ) -> None:
        self._units, self._refusals, self._now_s = units, refusals, now_s
        table = self.query_one(DataTable)
        at = table.cursor_row
        table.clear(columns=True)
        drawn = tables.overview(units, now_s)
        for column in drawn.columns:  # widths are known at once, so nothing flickers
            lines = "\n".join(map(str, (column.header, *column.cells))).splitlines()
            table.add_column(str(column.header), width=max(map(cell_len, lines)))
        table.add_rows(zip(*(column.cells for column in drawn.columns), strict=True))
        table.move_cursor(row=min(at, max(0, len(units) - 1)))
        self.say(remark if units else tr("no unit is registered or was heard"))
        self._describe()

    def on_data_table_row_highlighted(self) -> None:
        self._describe()

    def _describe(self) -> None:
        at = self.query_one(DataTable).cursor_row
        if at < len(self._units):
            told = tables.remarks([self._units[at]], self._refusals, self._now_s, detailed=True)
            self.query_one("#unit-details", Static).update(Group(*told))
