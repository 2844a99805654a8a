"""What people read: lines that fit a narrow terminal, and whole ones for everything else."""

import io
import re

import pytest
from fieldbeat.host_tools import cli
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.output import print_facts, print_table, say

PATH = "/dev/serial/by-id/usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_0001-if00-port0"
TEXT = f"{PATH}: greenhouse_esp32 now runs greenhouse-07, app 48528363de5a952c"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_a_terminal_gets_lines_that_end_between_words():
    screen = Terminal()
    say(TEXT, screen)
    assert screen.getvalue().split() == TEXT.split()
    assert screen.getvalue().splitlines()[1:] == [
        "  greenhouse_esp32 now runs greenhouse-07, app 48528363de5a952c"
    ]


def test_a_pipe_gets_one_line(capsys):
    say(TEXT)
    assert capsys.readouterr().out == f"{TEXT}\n"


def test_an_error_is_two_lines_for_a_narrow_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    step = "press Ctrl-D in 'fieldbeat console', that starts it"
    cli._tell(CannotTry("the unit stands at the MicroPython prompt", step), False)
    assert screen.getvalue().splitlines() == [
        "error: the unit stands at the MicroPython prompt",
        f"next: {step}",
    ]


def test_facts_stand_below_each_other(capsys):
    print_facts([("a", 1), ("longer", "two")])
    assert capsys.readouterr().out == "a       1\nlonger  two\n"


def drawn(monkeypatch, columns, rows, whole=()):
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    print_table(columns, rows, whole=whole)
    return re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()


WORDS = "air_temperature above 26.00 Cel until 24.00 Cel and sunrise to sunset-1:00 " * 2


def test_a_narrow_table_breaks_no_word_and_no_time(monkeypatch):
    row = ("2026-11-26T20:44:40Z", "vent when it is hot", WORDS, "safe: closed")
    lines = drawn(monkeypatch, ("Time (UTC)", "Rule", "When", "Blind"), [row])
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80 and row[0] in text
    assert all(word in text for cell in row for word in cell.split())
    assert row[1] in text  # the longest column gives way


def test_a_column_without_anything_is_left_out(monkeypatch):
    lines = drawn(monkeypatch, ("Record", "Batch", "Note"), [(1, None, "dry"), (2, "", "wet")])
    assert lines[1].split() == ["Record", "Note"]
    assert drawn(monkeypatch, ("Record", "Note"), [])[1].split() == ["Record", "Note"]


def test_what_does_not_fit_at_all_loses_nothing(monkeypatch):
    lines = drawn(monkeypatch, ("A", "B"), [("a" * 60, "b" * 60)])
    assert "".join(lines).count("a") == 60 and "".join(lines).count("b") == 60


def test_a_table_shows_brackets_as_they_are(capsys):
    print_table(("[red]a", "b"), [("[/x]", "answers [ok]")], "of [/y]")
    said = capsys.readouterr().out
    assert all(text in said for text in ("[red]a", "[/x]", "answers [ok]", "of [/y]"))
