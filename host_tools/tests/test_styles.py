"""Marks in tables: legible in sunlight, and what they mark is a word as well."""

import io
import re
from dataclasses import replace

import pytest
from fieldbeat.host_tools import alert_tables, batch_view, styles, tables
from fieldbeat.host_tools.batch_work import ENDS, FINISHED
from fieldbeat.host_tools.registered_unit import REVOKED
from fieldbeat.host_tools.views import UnitView
from rich.console import Console
from rich.style import Style
from rich.text import Text

MARKS = [styles.GOOD, styles.ODD, styles.BAD, styles.ASIDE]


def shown(what, **looks):
    out = io.StringIO()
    Console(file=out, force_terminal=True, width=100, **looks).print(what)
    return out.getvalue()


@pytest.mark.parametrize("mark", MARKS)
def test_no_mark_is_dim_or_of_a_colour_that_a_bright_or_dark_screen_swallows(mark):
    style = Style.parse(mark)
    assert not style.dim
    assert style.color is None or style.bold and style.color.name in ("red", "magenta")
    assert style.bgcolor is None


def test_without_colour_the_mark_of_what_is_bad_still_shows():
    told = shown(Text("silent", style=styles.BAD), no_color=True)
    assert "\x1b[1;7msilent" in told
    assert "\x1b[1m" in shown(Text("late", style=styles.ODD), no_color=True)


def test_a_unit_that_is_silent_or_revoked_is_so_in_words():
    view = UnitView(name="gh-1", site="north", state="provisioned", report_s=3600, last_s=0.0)
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown(tables.overview([view], 9e6)))
    assert "silent" in plain
    revoked = replace(view, state=REVOKED)
    assert "revoked" in shown(tables.overview([revoked], 0.0), no_color=True)


def test_states_of_alerts_and_batches_have_words_for_every_mark():
    assert all(state.replace("_", " ").isascii() for state in alert_tables._STYLES)
    words = {state: batch_view.word(state) for state in ENDS}
    assert len(set(words.values())) == len(words) and words[FINISHED] == "done"
