# SPDX-License-Identifier: Apache-2.0
from drivers.contact import Contact
from drivers.errors import SensorError
from drivers.tests.support import Clock, fails, run


class Pin:
    # levels: what it reads, one after the other; the last one stays.
    def __init__(self, *levels):
        self.levels = list(levels)

    def value(self):
        return self.levels.pop(0) if len(self.levels) > 1 else self.levels[0]


def test_a_quiet_contact_is_read_after_the_debounce_time():
    for level, active, state in ((0, 0, 1), (1, 0, 0), (1, 1, 1), (0, 1, 0)):
        clock = Clock()
        assert run(clock, Contact(Pin(level), active, 50).read()) == (state,)
        assert clock.elapsed_ms == 50


def test_bouncing_is_waited_for():
    clock = Clock()
    bounces = [0, 1, 0, 0, 1, 1, 0, 1]
    assert run(clock, Contact(Pin(*bounces), 1, 20).read()) == (1,)
    assert clock.elapsed_ms == (len(bounces) - 1) * 5 + 20


def test_alternating_current_is_no_state():
    contact = Contact(Pin(*[0, 1] * 500), 1, 20)
    assert fails(SensorError, Clock(), contact.read()).reason == "sensor_range"
