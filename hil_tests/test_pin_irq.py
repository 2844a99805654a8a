"""Interrupts of pins on a virtual board: callbacks run while the program waits."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from .bare_desk import BareDesk
from .small_image import MANIFEST, image
from .virtual.board import VirtualBoard
from .virtual.models.contact import Contact
from .virtual.pin_edges import DEPTH
from .virtual.world import World

MAC = bytes.fromhex("02fb00000002")
HEAD = """
import time
from machine import Pin
pin = Pin(14, Pin.IN, Pin.PULL_UP)
times = []
def edge(which):
    times.append((time.ticks_ms(), which is pin, which.value()))
begin = time.ticks_ms()
def told():
    print([(time.ticks_diff(t, begin), same, level) for t, same, level in times])
"""


class Desk(BareDesk):
    """A board with a contact to ground at pin 14."""

    def __init__(self, workdir) -> None:
        world = World(1)
        self.contact = Contact(world, active_level=0)
        fitted = SimpleNamespace(i2c={}, uart={}, adc={}, pins={}, inputs={14: self.contact})
        super().__init__(world, VirtualBoard(world, MANIFEST, workdir, MAC, fitted))

    def run(self, main: str, *changes: tuple[int, bool], seconds: float = 6) -> list[str]:
        """Runs a program; `changes` are (ms after its start, closed)."""
        self.board.flash.load(0, image({"main.py": HEAD + main}))
        self.board.power_on()
        assert self.world.run_until(lambda: self.board.state == "running", 1)
        for at_ms, closed in changes:
            self.world.call_after(at_ms * 1000, lambda closed=closed: self.contact.set(closed))
        self.world.run_for(seconds)
        return self.printed()


def about(line: str, *expected: tuple[int, bool, int]) -> None:
    """Within the ms in which the program starts and the time that a look at the clock takes."""
    found = eval(line)
    assert [row[1:] for row in found] == [row[1:] for row in expected]
    assert [row[0] for row in found] == pytest.approx([row[0] for row in expected], abs=40)


CLOSED_OPEN = ((1000, True), (2000, False))


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("pin.IRQ_FALLING", [(1000, True, 0)]),
        ("pin.IRQ_RISING", [(2000, True, 1)]),
        ("pin.IRQ_RISING | pin.IRQ_FALLING", [(1000, True, 0), (2000, True, 1)]),
    ],
)
def test_the_edges_that_were_asked_for(desk, trigger, expected):
    printed = desk.run(
        f"pin.irq(edge, {trigger})\ntime.sleep_ms(4000)\n"
        "print(time.ticks_diff(time.ticks_ms(), begin) // 100)\ntold()\n",
        *CLOSED_OPEN,
    )
    assert printed[0] == "40"  # no edge has ended the sleep
    about(printed[1], *expected)


def test_one_that_is_taken_away_is_not_called(desk):
    printed = desk.run(
        "pin.irq(edge, 3)\ntime.sleep_ms(1500)\npin.irq(None)\ntime.sleep_ms(2000)\ntold()\n",
        *CLOSED_OPEN,
    )
    about(printed[0], (1000, True, 0))


def test_tasks_go_on_at_their_times_and_see_what_was_counted(desk):
    printed = desk.run(
        "import asyncio\n"
        "async def look():\n"
        "    pin.irq(edge, 3)\n"
        "    for _ in range(3):\n"
        "        await asyncio.sleep_ms(1200)\n"
        "        print(time.ticks_diff(time.ticks_ms(), begin) // 100, len(times))\n"
        "asyncio.run(look())\n",
        *CLOSED_OPEN,
    )
    assert printed == ["12 1", "24 2", "36 2"]


def test_a_callback_may_wait_itself(desk):
    printed = desk.run(
        "def slow(which):\n    edge(which)\n    time.sleep_ms(30)\n"
        "pin.irq(slow, 3)\ntime.sleep_ms(3000)\ntold()\n",
        (1000, True),
        (1010, False),
    )
    about(printed[0], (1000, True, 0), (1030, True, 1))


def test_a_failure_in_a_callback_is_printed_and_the_program_goes_on(desk):
    printed = desk.run(
        "pin.irq(lambda which: 1 // 0, 3)\ntime.sleep_ms(3000)\nprint('on')\n", *CLOSED_OPEN
    )
    assert "ZeroDivisionError: divide by zero" in printed and printed[-1] == "on"


def test_more_edges_than_the_scheduler_holds_are_lost(desk):
    changes = [(1000 + n // 20, n % 2 == 0) for n in range(20)]
    printed = desk.run("pin.irq(edge, 3)\ntime.sleep_ms(3000)\nprint(len(times))\n", *changes)
    lost = desk.board.hardware.buses.edges.lost
    assert int(printed[0]) + lost == 20 and int(printed[0]) >= DEPTH


def test_a_reset_forgets_who_waits(desk):
    desk.run("pin.irq(edge, 3)\ntime.sleep_ms(3000)\n", seconds=1)
    desk.board.flash.load(0, image({"main.py": HEAD + "time.sleep_ms(3000)\ntold()\n"}))
    desk.board.reset()
    desk.world.run_for(1)
    desk.contact.set(True)
    desk.world.run_for(4)
    assert b"[]" in desk.board.output
