"""What people read: lines that fit a narrow terminal, and whole ones for everything else."""

import io

import pytest
from fieldbeat.host_tools import cli
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.output import print_facts, say

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
