"""What is asked of a person at a terminal."""

import os
import pty
import sys

import pytest
from fieldbeat.host_tools import asking


@pytest.fixture
def keyboard(monkeypatch):
    master, slave = pty.openpty()
    with os.fdopen(master, "wb", buffering=0) as keys, os.fdopen(slave, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield keys


def test_what_was_typed_before_a_question_is_no_answer_to_it(keyboard):
    keyboard.write(b"\n\ns\n")
    asking.forget_typed()
    keyboard.write(b"q\n")
    assert sys.stdin.readline() == "q\n"


def test_where_nobody_types_nothing_is_thrown_away(monkeypatch):
    with open(os.devnull) as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        asking.forget_typed()
