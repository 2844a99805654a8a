# An order that finds no memory: it is counted, so that somebody is told.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from firmware import obeying_uplink
from firmware.counters import Counters
from firmware.obeying_uplink import ObeyingUplink
from protocols import reasons


class Node:
    def __init__(self):
        self.counters = Counters()
        self.logged = []
        self.told = []
        self.crashes = []

    def make_room(self):
        pass

    def log(self, text, name):
        self.logged.append((name, text))

    def tell(self, event, body):
        self.told.append((event, body))

    def keep_crash(self, error, name):
        self.crashes.append((type(error).__name__, name))


class Uplink(ObeyingUplink):
    def __init__(self, node):
        self.obey = node, None


class Later:
    # A heap that has no room for what judges, so often.
    def __init__(self, times):
        self.times = times

    def call(self, modules, name, *args):
        self.times -= 1
        if self.times >= 0:
            raise MemoryError("no room")
        return [(9, {1: args[2]})]


def test_an_order_without_room_is_counted_and_may_come_again():
    node, before = Node(), obeying_uplink.later
    uplink, obeying_uplink.later = Uplink(node), Later(2)
    try:
        for _ in range(3):
            uplink._take(b"order")
        uplink._tell()
    finally:
        obeying_uplink.later = before
    assert node.counters.snapshot() == {"order_no_room": 2}
    assert [name for name, _ in node.logged] == ["orders", "orders"]
    assert node.told == [(9, {1: b"order"})]
    assert reasons.code("order_no_room") == 81


def test_an_order_that_fails_is_not_the_uplinks_fault():
    def fail(*args):
        raise OSError(-0x1105)

    node, before = Node(), obeying_uplink.later
    uplink, obeying_uplink.later = Uplink(node), Later(0)
    obeying_uplink.later.call = fail
    try:
        assert uplink._take(b"order")
    finally:
        obeying_uplink.later = before
    assert node.crashes == [("OSError", "orders")]


def test_an_order_that_was_obeyed_is_answered_at_the_next_wake_if_there_was_no_room():
    node, before = Node(), obeying_uplink.later
    uplink, obeying_uplink.later = Uplink(node), Later(0)
    tell, node.outbox = node.tell, type("Outbox", (), {"next_rn": 1})()
    uplink._outbox = node.outbox

    async def wake(self, beat=None, ask=False):
        return True

    def full(event, body):
        raise MemoryError("no room")

    whole, obeying_uplink.Uplink.wake = obeying_uplink.Uplink.wake, wake
    try:
        node.tell = full
        assert uplink._take(b"order")
        uplink._tell()
        assert node.told == []
        node.tell = tell
        asyncio.run(uplink.wake())
        asyncio.run(uplink.wake())
    finally:
        obeying_uplink.Uplink.wake, obeying_uplink.later = whole, before
    assert node.told == [(9, {1: b"order"})] and not node.counters.snapshot()


def test_what_was_ordered_first_is_obeyed_first():
    node, before = Node(), obeying_uplink.later
    uplink, obeying_uplink.later = Uplink(node), Later(1)

    async def wake(self, beat=None, ask=False):
        return True

    node.outbox = uplink._outbox = type("Outbox", (), {"next_rn": 1})()
    whole, obeying_uplink.Uplink.wake = obeying_uplink.Uplink.wake, wake
    try:
        uplink._waiting = (b"first", b"second")
        asyncio.run(uplink.wake())  # the first finds no room: the second has to wait for it
        assert node.told == [] and uplink._waiting == ()
        uplink._waiting = (b"first", b"second")  # as the collector sends them again
        asyncio.run(uplink.wake())
    finally:
        obeying_uplink.Uplink.wake, obeying_uplink.later = whole, before
    assert [body[1] for _, body in node.told] == [b"first", b"second"]


def test_of_many_orders_the_first_are_kept():
    uplink, orders = Uplink(Node()), [bytes((1 << 4, n)) for n in range(6)]
    for data in orders:
        assert uplink._open(None, data) is None
    assert uplink._waiting == tuple(orders[:4])
