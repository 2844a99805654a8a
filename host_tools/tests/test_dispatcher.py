"""From an order in the store to receipts: the collector with loudspeakers that judge for real."""

import random
import socket
import time

import pytest
from fieldbeat.host_tools import issuer_keys, sounds
from fieldbeat.host_tools.alert_places import choose
from fieldbeat.host_tools.downlink import BLOCK
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.orders import Order, Orders
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.signed_commands import Maker, Signer, Window
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.udp_server import command as command_
from fieldbeat.host_tools.udp_server import receive
from fieldbeat.protocols import command, cose, event, frame, receipt
from fieldbeat.protocols.command import DRILL, EMERGENCY

from .collector_site import hold, waits
from .county import County
from .loudspeaker import Loudspeaker
from .sender import NOW_S
from .test_collect import collecting


def moved(speaker, county, address):
    """Let it go on from another address, as over another road."""
    del county.speakers[speaker.source]
    speaker.address = address
    county.speakers[speaker.source] = speaker


@pytest.fixture
def county(tmp_path):
    made = County(tmp_path)
    yield made
    made.close()


def test_an_order_reaches_its_units_and_their_receipts_end_it(county):
    one, two, other = county.add("sp-1"), county.add("sp-2"), county.add("sp-3", "hilltop")
    assert county.out() == [] and county.collector.next_outgoing_s() is None
    order = county.send(areas=["riverside"])
    assert county.out() == ["sp-1", "sp-2"]
    assert [each.got[0].id for each in (one, two)] == [order.id] * 2 and other.got == []
    assert county.states(order) == {
        "sp-1": ("waiting", "accepted", ""),
        "sp-2": ("waiting", "accepted", ""),
    }
    for _ in range(100):
        county.now_s += 1
        assert county.out() == []
    rows = county.store.database.all("SELECT unit, type FROM events ORDER BY unit")
    assert [tuple(row) for row in rows] == [("sp-1", 6), ("sp-2", 6)]  # like other events


def test_an_order_may_be_put_into_the_collectors_own_store(county):
    one = county.add("sp-1")
    assert county.out() == []
    county.desk = Orders(county.store)
    order = county.send()
    assert county.out() == ["sp-1"]
    county.cancel(order)
    county.now_s += 1
    assert county.out() == ["sp-1"] and one.got[-1].args == order.id


def test_the_outcome_says_what_was_receipted(county):
    one = county.add("sp-1")
    order = county.send()
    county.out()
    county.say(one, one.tell(order.id, receipt.REFUSED, county.now_s, "clip_missing"))
    assert county.outcomes[-1].records == [f"receipt {order.id.hex()}: refused, clip_missing"]


def test_what_is_lost_is_sent_again(county):
    one = county.add("sp-1")
    county.send()
    chances = iter([True, False, True, False, False])
    for _ in range(4):
        county.out(lost=lambda: next(chances))
        county.now_s += 2
    assert len(one.got) == 2  # the first receipt was lost: it is told again
    assert county.out() == []
    county.collector.flush()
    assert county.desk.deliveries(county.desk.all()[0])[0].tries == 3


def test_what_was_sent_is_known_to_others_before_it_leaves(county):
    """A collector that is killed right after it has left unknown who needs a cancel."""
    county.add("sp-1")
    county.send(areas=["riverside"])
    county.out()
    county.now_s += 0.1
    second = county.send(areas=["riverside"])
    assert county.collector.outgoing(county.now_s)
    (known,) = county.desk.deliveries(second)
    assert (known.tries, known.first_s) == (1, county.now_s)


def test_an_expired_order_is_sent_no_more(county):
    county.add("sp-1")
    county.send(minutes=1)
    county.now_s += 60
    assert county.out() == [] and county.collector.next_outgoing_s() is None


def test_a_unit_without_an_address_gets_it_when_it_speaks(county):
    one = county.add("sp-1", heard=False)
    order = county.send()
    assert county.out() == []
    county.now_s += 20
    assert county.states(order)["sp-1"][0] == "silent"
    county.say(one, one.hello())
    assert county.out() == ["sp-1"] and len(one.got) == 1
    assert county.states(order)["sp-1"] == ("waiting", "accepted", "")


def test_a_unit_that_comes_back_from_elsewhere_gets_it_there_at_once(county):
    one = county.add("sp-1")
    county.send()
    county.out(lost=lambda: True)
    for _ in range(200):
        county.now_s += 1
        county.out(lost=lambda: True)
    one.address = ("198.51.100.9", 4711)
    county.speakers = {one.source: one}
    county.now_s += 2
    county.say(one, one.hello())
    assert county.out() == ["sp-1"] and len(one.got) == 1


def test_a_refusal_is_told_with_its_reason(county):
    one = county.add("sp-1")
    one.authority.issuers = {}
    order = county.send()
    county.out()
    state, stage, why = county.states(order)["sp-1"]
    assert (state, stage) == ("refused", "refused")
    assert why.startswith("issuer unknown to the unit (made since? fieldbeat issuer send --unit;")


def test_who_knows_no_time_gets_it_again_once_it_was_told(county):
    one = county.add("sp-1")
    one.synced = False
    order = county.send()
    assert county.out() == ["sp-1"]  # the answer to its refusal tells the time
    assert one.synced and county.states(order)["sp-1"] == (
        "waiting",
        "refused",
        "unit has no time",
    )
    county.now_s += 1.5
    assert county.out() == ["sp-1"]
    assert county.states(order)["sp-1"] == ("waiting", "accepted", "")
    county.now_s += 100
    assert county.out() == []


def test_a_restarted_collector_goes_on_with_who_refused_for_now(county):
    one = county.add("sp-1")
    one.synced = False
    order = county.send()
    county.out()
    county.close()
    county.open()
    county.now_s += 1
    assert county.out() == ["sp-1"]
    assert county.states(order)["sp-1"] == ("waiting", "accepted", "")


def test_who_never_knows_the_time_is_not_flooded(county):
    one = county.add("sp-1")
    order = county.send()
    sent = 0
    for _ in range(1800):
        one.synced = False
        sent += len(county.out())
        county.now_s += 1
    assert 30 < sent < 100
    assert county.states(order)["sp-1"] == ("refused", "refused", "unit has no time")


def test_an_order_that_was_made_before_the_collector_began(county):
    one = county.add("sp-1")
    county.close()
    order = county.send()
    county.now_s += 5
    county.open()
    assert county.out() == ["sp-1"] and one.got[0].id == order.id
    county.close()
    county.open()  # what is receipted is not sent again
    assert county.out() == []


def test_a_restarted_collector_goes_on_with_what_is_open(county):
    one, two = county.add("sp-1"), county.add("sp-2")
    county.send()
    county.out(lost=iter([False, False, True]).__next__)  # sp-2 did not get it
    county.close()
    county.now_s += 1
    county.open()
    assert county.out() == ["sp-2"]
    assert len(one.got) == len(two.got) == 1


def test_a_cancel_ends_an_alert_for_those_who_have_it_and_those_who_do_not(county):
    one, two = county.add("sp-1"), county.add("sp-2")
    order = county.send()
    county.out(lost=iter([False, False, True]).__next__)
    cancel = county.cancel(order)
    county.now_s += 5
    assert county.out() == ["sp-1", "sp-2"]
    assert one.got[-1].args == order.id and one.got[-1].command == command.CANCEL
    assert [each.command for each in two.got] == [command.CANCEL]  # and never the alert
    county.say(one, one.tell(order.id, receipt.CANCELLED, county.now_s, "cancelled"))
    assert county.states(order)["sp-1"] == ("stopped", "cancelled", "cancelled")
    assert {state for state, *_ in county.states(cancel).values()} == {"waiting"}
    assert county.desk.find(order.id.hex()[:6]).cancelled_s == NOW_S
    county.now_s += 100
    assert county.out() == []


def test_an_alert_goes_before_a_drill_of_many(county):
    for n in range(300):
        county.add(f"sp-{n:03}")
    county.send(DRILL, 4)
    assert len(county.out()) == 100  # a burst
    county.send(EMERGENCY, 1, units=["sp-299"])
    county.now_s += 0.01
    assert county.out()[0] == "sp-299"


def test_sequence_numbers_are_reserved_for_many_units_at_once(county):
    for n in range(40):
        county.add(f"sp-{n:02}")
    county.close()
    county.open()
    county.now_s += BLOCK + 1
    county.send()
    statements: list[str] = []
    county.registry.database._connection.set_trace_callback(statements.append)
    assert len(county.out()) == 40
    assert sum("BEGIN IMMEDIATE" in statement for statement in statements) == 1


def test_no_sequence_number_comes_twice_between_answers_and_commands(county):
    one = county.add("sp-1")
    for n in range(3 * BLOCK // 8):
        county.send(minutes=1 + n)
        county.out()
        county.say(one, *(one.hello() for _ in range(6)))
        county.now_s += 0.1
    assert len(one.got) == 3 * BLOCK // 8  # its replay window let every one of them in


def test_a_locked_registry_delays_and_loses_nothing(county):
    one = county.add("sp-1")
    county.close()
    county.open()
    order = county.send()
    waits(county.registry.database)
    other = hold(county.registry.path)
    assert county.out() == []
    other.execute("ROLLBACK")
    county.now_s += 1.5
    assert county.out() == ["sp-1"] and one.got[0].id == order.id


def test_a_locked_store_keeps_no_alert_back(county):
    one, two = county.add("sp-1"), county.add("sp-2")
    order = county.send()
    waits(county.store.database)
    other = hold(county.store.path)
    county.out(lost=lambda: True)
    other.execute("ROLLBACK")
    county.now_s += 2
    assert county.out() == ["sp-1", "sp-2"]
    assert one.got[0].id == two.got[0].id == order.id


def test_a_receipt_that_was_not_stored_does_not_end_it(county):
    one = county.add("sp-1")
    order = county.send()
    ((datagram, _),) = county.collector.outgoing(county.now_s)
    answer = one.take(datagram, county.now_s)
    seen, other = waits(county.store.database), hold(county.store.path)
    county.say(one, answer)
    assert county.outcomes[-1].reason == "store" and seen
    other.execute("ROLLBACK")
    county.now_s += 5
    assert county.states(order)["sp-1"][0] == "waiting"
    assert county.out() == ["sp-1"] and len(one.got) == 2


def test_a_unit_that_left_the_registry_is_not_sent_to(county):
    county.add("sp-1")
    county.send()
    county.registry.database.write("DELETE FROM units")
    county.registry._changes += 1
    assert county.out() == []


def test_receipts_of_orders_that_nobody_here_made_are_kept_as_events(county):
    one = county.add("sp-1")
    county.say(one, one.tell(b"unknown!", receipt.DONE, county.now_s))
    assert county.outcomes[-1].reason == ""
    assert county.store.database.one("SELECT COUNT(*) FROM events WHERE type = 6")[0] == 1


@pytest.mark.parametrize("body", [{}, {2: b"short", 3: 1}, {2: bytes(8), 3: "x"}, {2: 1, 3: 1}])
def test_a_receipt_full_of_nonsense_is_kept_and_acknowledged(county, body):
    one = county.add("sp-1")
    record = event.encode(1, event.RECEIPT, 5, body)
    assert one.open_ack(
        county.collector.handle(one.seal([record]), one.address, county.now_s)
    ).cumulative == 1  # fmt: skip
    assert county.outcomes[-1].records == ["receipt that cannot be read"]


@pytest.mark.parametrize("seed", range(3))
def test_a_lossy_county_is_covered(county, seed):
    """30 of 100 datagrams are lost either way; every unit has it once, and all is receipted."""
    chance = random.Random(seed)
    for n in range(60):
        county.add(f"sp-{n:02}", "riverside" if n % 2 else "hilltop")
    order = county.send()
    for _ in range(400):
        county.out(lost=lambda: chance.random() < 0.3)
        county.now_s += 0.1
    states = county.states(order)
    assert set(states.values()) == {("waiting", "accepted", "")} and len(states) == 60
    for speaker in county.speakers.values():
        assert {each.id for each in speaker.got} == {order.id}


# Over a real socket


@pytest.fixture
def line(county):
    """The collector's socket, and that of a loudspeaker that the collector has heard."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unit,
    ):
        endpoint.bind(("127.0.0.1", 0))
        endpoint.setblocking(False)
        unit.bind(("127.0.0.1", 0))
        unit.settimeout(10)
        unit.connect(endpoint.getsockname())
        one = county.add("sp-1", address=unit.getsockname(), heard=False)
        unit.send(one.hello())
        assert receive(endpoint, county.collector, county.now_s) == 1
        one.take(unit.recv(2000), county.now_s)
        yield endpoint, unit, one


def test_a_command_leaves_from_the_socket_that_the_unit_talks_to(county, line):
    endpoint, unit, one = line
    order = county.send()
    assert command_(endpoint, county.collector, county.now_s) == 1
    unit.send(one.take(unit.recv(2000), county.now_s))
    assert receive(endpoint, county.collector, county.now_s) == 1
    assert county.states(order)["sp-1"] == ("waiting", "accepted", "")


def test_the_time_leaves_before_an_alert(county, line):
    """A unit that was reset knows no time, and has to know it before it judges."""
    endpoint, unit, one = line
    one.synced = False
    order = county.send()
    unit.send(one.hello())
    receive(endpoint, county.collector, county.now_s)
    assert one.take(unit.recv(2000), county.now_s) is None and one.synced
    unit.send(one.take(unit.recv(2000), county.now_s))
    receive(endpoint, county.collector, county.now_s)
    assert county.states(order)["sp-1"] == ("waiting", "accepted", "")


def test_no_name_is_looked_up_and_no_bad_address_ends_it(county, line, monkeypatch):
    endpoint, _, one = line
    for place in ("host.example:5", "192.0.2.1", "", "x", "192.0.2.1:70000", "[::1]:5"):
        county.store.database.write("UPDATE contacts SET source = ?", place)
        county.close()
        county.open()
        county.now_s += 1
        county.send(minutes=1)
        monkeypatch.setattr(socket, "getaddrinfo", None)
        command_(endpoint, county.collector, county.now_s)
    assert one.got == []


def test_a_running_collector_sends_what_another_process_orders(tmp_path, monkeypatch):
    """`fieldbeat collect` as a program; the order is put into its store from here."""
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    registry = Registry()
    issuers = Issuers(registry)
    key = issuer_keys.generate(cose.ES256)
    county = Signer(issuers.add("county", cose.ES256, key.public, 2, 1), key)
    one = Loudspeaker(registry, "sp-1", issuers=(county.issuer,))
    with collecting() as (_, _, unit):
        unit.send(one.hello())
        one.take(unit.recv(2000), time.time())
        orders = Orders(Store(create=False))
        now_s = time.time()
        window = Window(0, now_s + 60)
        drill = sounds.Sound(DRILL, 4, [sounds.tone("sweep", 1)])
        made = Maker(issuers, [county], now_s).alert(
            drill, window, choose(registry, units=["sp-1"])
        )
        order = Order(made[0].id, 1, 1, 4, False, now_s, 0, now_s + 60, "county", "told")
        orders.add(order, made)
        lost = one.take(unit.recv(2000), time.time())  # and its receipt is lost
        assert lost and one.got[0].id == order.id
        unit.send(one.take(unit.recv(2000), time.time()))  # a second later: once more
        while unit.recv(2000)[0] >> 4 & 3 != frame.ACK:
            pass
        (found,) = orders.deliveries(order)
    assert (found.stage, found.tries >= 1) == (receipt.ACCEPTED, True)
    registry.close()


def test_a_flood_of_forgeries_delays_no_alert(county, line):
    """Thousands of forged frames wait in the socket; the alert leaves after the first few."""
    endpoint, unit, one = line
    good = one.hello()
    forged = good[:-1] + bytes((good[-1] ^ 1,))
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(2000):
            stranger.sendto(forged, endpoint.getsockname())
    county.send()
    assert 0 < receive(endpoint, county.collector, county.now_s) <= 256
    assert one.take(unit.recv(2000), county.now_s) and len(one.got) == 1


def test_a_command_follows_a_unit_to_its_other_road(county):
    pole = county.add("pole-1")
    order = county.send()
    assert county.out(lost=lambda: True) == ["pole-1"]  # into the road that has just died
    moved(pole, county, ("198.51.100.9", 4321))
    county.say(pole, pole.hello())
    county.now_s += 1
    assert county.out() == ["pole-1"] and len(pole.got) == 1
    assert county.states(order)["pole-1"][1] == "accepted"


def test_a_late_datagram_does_not_lead_back_to_the_road_it_came_over(county):
    pole = county.add("pole-1")
    old, late = pole.address, pole.hello()
    moved(pole, county, ("198.51.100.9", 4321))
    county.say(pole, pole.hello())
    county.collector.handle(late, old, county.now_s)  # it was slower than the newer one
    assert county.store.contact("pole-1").source == "198.51.100.9:4321"
    county.collector.handle(late, old, county.now_s)  # and a copy of it
    assert county.store.contact("pole-1").source == "198.51.100.9:4321"
    county.send()
    assert county.out() == ["pole-1"]


def test_another_board_in_its_place_gets_what_the_old_one_had(county):
    one = county.add("sp-1")
    armed = county.send(start_s=county.now_s + 600)
    stopped, over = county.send(), county.send()
    county.out()
    county.cancel(stopped)
    county.say(one, one.tell(over.id, receipt.DONE, county.now_s))
    assert county.states(armed)["sp-1"][:2] == ("waiting", "accepted")
    county.out()
    county.registry.allocate("sp-1")
    county.now_s += 5
    new = county.add("sp-1", heard=False)
    assert county.out() == []
    county.say(new, new.hello())
    assert county.states(armed)["sp-1"][1] == ""  # it has not got it
    assert county.out() == ["sp-1"]
    assert [told.id for told in new.got] == [armed.id]
    assert county.states(armed)["sp-1"][:2] == ("waiting", "accepted")
    assert county.states(over)["sp-1"][1] == "done"
    county.now_s += 60
    county.say(new, new.hello())
    assert county.out() == []
