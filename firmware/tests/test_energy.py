# The ledger counts what was on, and each moment in one event only.
# SPDX-License-Identifier: Apache-2.0
from drivers.at import Session
from firmware import energy_events
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.energy import Ledger
from firmware.outbox import Outbox
from firmware.tests.support import World, remove_tree, run, temp_dir
from protocols import event
from protocols.event_reader import decode

REACHABLE_MS = 60000


class Modem:
    session = Session(80)

    async def look(self):
        pass

    # Takes a second to open, and two to send.
    def __init__(self, world):
        self.world = world

    async def open(self):
        self.world.pass_ms(1000)

    async def send(self, datagram, last):
        self.world.pass_ms(2000)

    async def close(self):
        pass


class Unit:
    def __init__(self):
        self.world = World()
        self.root = temp_dir()
        self.counters = Counters()
        self.clock = Clock(self.counters)
        self.outbox = Outbox(self.root + "/outbox", self.counters)
        self.carrier = Modem(self.world)
        self.ledger = Ledger(self.clock, self.carrier, {}, REACHABLE_MS)

    def begin(self, seconds=0):
        run(self.carrier.open())
        run(self.carrier.send(bytes(100), True))
        self.world.pass_ms(seconds * 1000)

    def end(self):
        run(self.carrier.close())

    # -> the event's body
    def tell(self):
        energy_events.tell(self, self.ledger)
        return decode([record for _, record in self.outbox.pending()][-1])[3]


def story(test):
    unit = Unit()
    try:
        test(unit)
    finally:
        remove_tree(unit.root)


def test_a_wake_of_the_modem():
    def test(unit):
        unit.begin(7)
        unit.end()
        unit.world.pass_ms(90000)
        body = unit.tell()
        assert body[event.ENERGY_PERIOD_S] == 100
        assert body[event.ENERGY_RADIO] == [2000, 8000, 60000, 30000]
        assert body[event.ENERGY_BYTES] == 100 and body[event.ENERGY_WAKES] == 1
        assert unit.tell()[event.ENERGY_RADIO] == [0, 0, 0, 0]

    story(test)


def test_a_wake_that_is_going_on_is_told_in_two_parts():
    def test(unit):
        unit.begin(7)
        unit.end()
        unit.begin(4)
        assert unit.tell()[event.ENERGY_RADIO] == [4000, 13000, 0, 0]
        unit.world.pass_ms(5000)
        unit.end()
        unit.world.pass_ms(2000)
        body = unit.tell()
        assert body[event.ENERGY_PERIOD_S] == 7
        assert body[event.ENERGY_RADIO] == [0, 5000, 0, 2000]  # whose end is not known yet

    story(test)
