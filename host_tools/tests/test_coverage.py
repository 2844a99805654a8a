"""Receipts into coverage: who sounded, who waits, who refused and why, who is silent."""

import dataclasses
import itertools
from contextlib import closing

import pytest
from fieldbeat.host_tools.coverage import (
    ASLEEP,
    CANCEL_UNHEARD,
    IN_PART,
    NO_CANCEL,
    REFUSED,
    SILENT,
    SILENT_AFTER_S,
    SOUNDED,
    STOPPED,
    WAITING,
    coverage,
)
from fieldbeat.host_tools.coverage_map import as_map
from fieldbeat.host_tools.deliveries import Deliveries
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.orders import Delivery, Order, Orders
from fieldbeat.host_tools.refusal_words import in_words
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.signed_commands import Made
from fieldbeat.host_tools.store import Store
from fieldbeat.protocols import command, receipt
from fieldbeat.protocols.reason_codes import CODES
from fieldbeat.protocols.receipt_reader import Receipt

from .sender import NOW_S, T0

ID = b"\1" * 8
ORDER = Order(ID, 1, 2, 1, False, NOW_S, 0, NOW_S + 1800, "county", "an emergency")
CUT, MISSING, REVOKED = "power was cut", "clip is not there", "its issuer was revoked"
NO_TIME, LATE = "unit has no time", "came too late"
DRILL = Order(ID, 1, 1, 4, True, NOW_S, 0, NOW_S + 1800, "county", "a silent drill")


def delivery(unit="sp-1", area="riverside", **known):
    return Delivery(ID, unit, area, **{"tries": 1, "first_s": NOW_S, "last_s": NOW_S, **known})


def state(order=ORDER, after_s=5.0, **known):
    (unit,) = coverage(order, [delivery(**known)], NOW_S + after_s).units
    return unit.state, unit.why


NOT_YET = "has it, and does not say yet that it sounds"


@pytest.mark.parametrize(
    ("known", "after_s", "expected"),
    [
        ({}, 5, (WAITING, "")),
        ({}, SILENT_AFTER_S + 1, (SILENT, "does not answer")),
        ({}, 1800, (SILENT, "does not answer")),
        ({"first_s": None}, 2, (WAITING, "")),
        ({"first_s": None}, 5, (SILENT, "not sent")),
        ({"stage": receipt.RECEIVED}, 60, (WAITING, "")),
        ({"stage": receipt.RECEIVED}, 500, (WAITING, NOT_YET)),
        ({"stage": receipt.ACCEPTED}, 1799, (WAITING, NOT_YET)),
        ({"stage": receipt.ACCEPTED}, 1800, (SILENT, "has it, and did not say that it sounded")),
        ({"stage": receipt.STARTED}, 5, (SOUNDED, "")),
        ({"stage": receipt.STARTED}, 1805, (SOUNDED, "")),  # it says in a moment how it ended
        ({"stage": receipt.STARTED}, 1811, (IN_PART, "did not say how it ended")),
        ({"stage": receipt.DONE}, 9999, (SOUNDED, "not measured")),
        ({"stage": receipt.DONE, "proof": b"\1\xff\0"}, 5, (SILENT, "line current in only 0%")),
        ({"stage": receipt.DONE, "proof": b"\1\x80\x1f"}, 5, (SILENT, "line current in only 12%")),
        ({"stage": receipt.DONE, "proof": b"\2\x80\x08"}, 5, (SILENT, "microphone in only 3%")),
        ({"stage": receipt.DONE, "proof": b"\1\x80\x20"}, 5, (SOUNDED, "")),
        ({"stage": receipt.REFUSED, "reason": CODES["clip_bad"]}, 5, (REFUSED, "clip is damaged")),
        ({"stage": receipt.REFUSED}, 5, (REFUSED, "refused")),
        ({"stage": receipt.REFUSED, "reason": CODES["cmd_no_time"]}, 500, (WAITING, NO_TIME)),
        ({"stage": receipt.REFUSED, "reason": CODES["cmd_no_time"]}, 1800, (REFUSED, NO_TIME)),
        (
            {"stage": receipt.REFUSED, "reason": CODES["cmd_no_time"], "heard_s": NOW_S},
            *(5, (REFUSED, NO_TIME)),
        ),
        ({"stage": receipt.REFUSED, "reason": CODES["cmd_expired"]}, 5, (WAITING, LATE)),
        (
            {"stage": receipt.REFUSED, "reason": CODES["cmd_early"]},
            *(5, (REFUSED, "starts too far in the future")),
        ),
        ({"stage": receipt.INTERRUPTED, "reason": 53}, 5, (REFUSED, "power was cut")),
        ({"stage": receipt.INTERRUPTED, "reason": 53, "started_s": 9}, *(5, (IN_PART, CUT))),
        (
            {"stage": receipt.INTERRUPTED, "reason": CODES["cmd_expired"], "started_s": 9},
            *(5, (IN_PART, "its time was over before it was said once")),
        ),
        ({"stage": receipt.CANCELLED}, 5, (STOPPED, "cancelled")),
        ({"stage": receipt.CANCELLED, "reason": CODES["revoked"]}, 5, (STOPPED, REVOKED)),
        ({"stage": receipt.INTERRUPTED, "reason": CODES["cancelled"]}, 5, (STOPPED, "cancelled")),
        ({"stage": receipt.INTERRUPTED, "reason": CODES["clip_missing"]}, 5, (REFUSED, MISSING)),
        (
            {
                "stage": receipt.INTERRUPTED,
                "reason": CODES["clip_missing"],
                "hops": "[1,2,3,90]",
                "proof": b"\1\x80\xf0",
            },
            *(5, (IN_PART, MISSING)),
        ),
        (
            {"stage": receipt.INTERRUPTED, "reason": CODES["no_sound"], "started_s": 9,
             "proof": b"\1\0\0"},
            *(5, (REFUSED, "no sound measured")),
        ),
        ({"stage": receipt.SILENT}, 5, (REFUSED, "it was not to sound")),
        ({"stage": 99}, 5, (WAITING, "")),
    ],
)  # fmt: skip
def test_states(known, after_s, expected):
    found, why = state(after_s=after_s, **known)
    assert (found, why.removesuffix(" of the time")) == expected


def test_who_is_not_sent_it_yet_waits_longer_where_others_were():
    others = [delivery("sp-1"), delivery("sp-2", first_s=None, tries=0)]
    for after_s, expected in ((5, (WAITING, "not sent")), (11, (SILENT, "not sent"))):
        found = coverage(ORDER, others, NOW_S + after_s).units[1]
        assert (found.state, found.why) == expected


NOT_OBEYED = {"stage": receipt.REFUSED, "reason": CODES["cmd_rights"]}
REFUSED_CANCEL = "GOES ON, its cancel was refused: beyond the issuer's rights"


@pytest.mark.parametrize(
    ("alert", "cancel", "after_s", "why"),
    [
        ({"stage": receipt.STARTED}, {"first_s": None}, 2, ""),
        ({"stage": receipt.STARTED}, {"first_s": None}, 4, NO_CANCEL),
        ({"stage": receipt.ACCEPTED}, {"first_s": None}, 4, NO_CANCEL),
        ({}, {"first_s": None}, 4, NO_CANCEL),
        ({"first_s": None}, {"first_s": None}, 4, "cancelled before it was sent"),
        ({"stage": receipt.DONE}, {"first_s": None}, 4, "not measured"),
        ({"stage": receipt.STARTED}, {}, 4, ""),
        ({"stage": receipt.STARTED}, {}, 11, CANCEL_UNHEARD),
        ({"stage": receipt.STARTED}, {"stage": receipt.DONE}, 11, ""),
        ({"stage": receipt.STARTED}, NOT_OBEYED, 1, REFUSED_CANCEL),
        ({"stage": receipt.ACCEPTED}, NOT_OBEYED, 1, REFUSED_CANCEL),
        ({"stage": receipt.DONE}, NOT_OBEYED, 11, "not measured"),
        ({"stage": receipt.STARTED}, {"first_s": None}, 1801, ""),  # its window has ended
    ],
)
def test_a_cancel_that_does_not_arrive_is_told(alert, cancel, after_s, why):
    order = dataclasses.replace(ORDER, cancelled_s=NOW_S)
    asked, cancels = [delivery(**alert)], [delivery(**cancel)]
    found = coverage(order, asked, NOW_S + after_s, {"sp-1"}, cancels)
    assert found.units[0].why == why
    assert found.has_failed == (why in (NO_CANCEL, CANCEL_UNHEARD, REFUSED_CANCEL))


def test_who_has_the_cancel_and_not_the_alert_is_no_failure():
    order = dataclasses.replace(ORDER, cancelled_s=NOW_S)
    for after_s in (5, 60, 1900):
        found = coverage(order, [delivery()], NOW_S + after_s, {"sp-1"}, [delivery(stage=3)])
        (unit,) = found.units
        assert (unit.state, unit.why) == (STOPPED, "cancelled before it came")
        assert found.is_decided and not found.has_failed


def test_a_cancel_that_is_obeyed_makes_good_one_that_was_refused():
    order = dataclasses.replace(ORDER, cancelled_s=NOW_S)
    cancels = [delivery(**NOT_OBEYED), delivery(stage=receipt.DONE)]
    found = coverage(order, [delivery(stage=receipt.STARTED)], NOW_S + 5, {"sp-1"}, cancels)
    assert not found.has_failed


def test_who_played_without_a_proof_is_not_proven():
    for proof, proven in ((None, False), (b"\1\x80\x1f", False), (b"\1\x80\x20", True)):
        found = coverage(ORDER, [delivery(stage=receipt.DONE, proof=proof)], NOW_S)
        assert found.total.proven == proven


def test_a_cancel_that_was_done_is_no_sound_to_be_measured():
    order = dataclasses.replace(ORDER, kind=command.CANCEL)
    assert state(order, stage=receipt.DONE) == (SOUNDED, "")


def test_a_self_test_that_has_begun_is_not_passed_yet():
    order = dataclasses.replace(ORDER, kind=command.SELFTEST)
    assert state(order, stage=receipt.STARTED) == (WAITING, "")
    assert state(order, 1800, stage=receipt.STARTED) == (SILENT, "did not say how it ended")


def test_a_self_test_that_was_not_made_is_not_passed():
    order = dataclasses.replace(ORDER, kind=command.SELFTEST)
    assert state(order, stage=receipt.CANCELLED) == (REFUSED, "cancelled")


@pytest.mark.parametrize(
    ("known", "after_s", "decided", "failed"),
    [
        ({"stage": receipt.STARTED}, 5, False, False),
        ({"stage": receipt.DONE}, 5, True, False),
        ({"stage": receipt.CANCELLED}, 5, True, False),
        ({"stage": receipt.INTERRUPTED, "reason": 53, "started_s": 9}, 5, True, True),
        ({"stage": receipt.STARTED}, 1811, True, True),  # it may be dead
        ({}, SILENT_AFTER_S + 1, False, True),
        ({}, 1800, True, True),
    ],
)
def test_what_is_decided_and_what_has_failed(known, after_s, decided, failed):
    found = coverage(ORDER, [delivery(**known)], NOW_S + after_s)
    assert (found.is_decided, found.has_failed) == (decided, failed)


def test_why_it_was_not_sent():
    for heard, why in (
        (None, "not sent"),
        ({"sp-1"}, "not sent: does 'fieldbeat collect' run?"),
        (set(), "never heard of, so no address is known"),
    ):
        (unit,) = coverage(ORDER, [delivery(first_s=None)], NOW_S + 11, heard).units
        assert (unit.state, unit.why) == (SILENT, why)


def test_in_a_silent_drill_who_would_have_sounded_did_well():
    assert state(DRILL, stage=receipt.SILENT) == (SOUNDED, "")


def test_every_reason_of_a_command_has_words():
    first = CODES["cmd_form"]
    named = [name for name, code in CODES.items() if first <= code <= CODES["cancelled"]]
    assert len(named) == 22
    assert all(in_words(name) != name or name == "cancelled" for name in named)
    assert in_words("reason_200") == "reason_200"


def test_areas_are_counted():
    done = {"stage": receipt.DONE, "hops": "[40,90,95,210]"}
    full = b"\1\x80\xff"
    found = coverage(
        ORDER,
        [
            delivery("a", "hilltop", **done, proof=full),
            delivery("b", "hilltop", **done, proof=b"\1\0\0"),
            delivery("c", "hilltop", stage=receipt.REFUSED, reason=CODES["amp_fault"]),
            delivery("d", "hilltop", stage=receipt.REFUSED, reason=CODES["amp_fault"]),
            delivery("e", "riverside", stage=receipt.ACCEPTED),
            delivery("f", "riverside"),
            delivery("g", "riverside", stage=receipt.STARTED, hops="[10,20,25,1400]"),
        ],
        NOW_S + 30,
    )
    hilltop, riverside = found.areas
    assert (hilltop.area, hilltop.units, hilltop.proven) == ("hilltop", 4, 1)
    assert hilltop.counts == {SOUNDED: 1, SILENT: 1, REFUSED: 2}
    assert hilltop.reasons == {
        "line current in only 0% of the time": 1,
        "amplifier fault": 2,
    }
    assert riverside.counts == {WAITING: 1, SILENT: 1, SOUNDED: 1}
    assert found.total.units == 7 and found.total.counts[SOUNDED] == 2
    assert found.sample_ms() == [210, 210, 1400]
    assert not found.is_complete and not found.is_decided
    told = as_map(found)
    assert told["total"] == {
        "units": 7,
        "sounded": 2,
        "in_part": 0,
        "stopped": 0,
        "waiting": 1,
        "refused": 2,
        "silent": 2,
        "proven": 1,
        "why": {
            "line current in only 0% of the time": 1,
            "amplifier fault": 2,
            "does not answer": 1,
        },
    }
    assert told["units"][0]["proof"] == {"kind": "line current", "level": 0.502, "share": 1.0}
    assert told["units"][4]["hops_ms"] is None


def test_who_was_not_sent_a_cancelled_alert_does_not_wait_for_it():
    order = dataclasses.replace(ORDER, cancelled_s=NOW_S + 1)
    assert state(order, first_s=None) == (STOPPED, "cancelled before it was sent")
    assert state(order) == (WAITING, "")


# Receipts in the store


@pytest.fixture
def store(tmp_path):
    with closing(Store(tmp_path / "s.sqlite")) as store:
        yield store


@pytest.fixture
def orders(tmp_path, store):
    with closing(Registry(tmp_path / "r.sqlite")) as registry:
        registry.allocate("sp-1")
        registry.describe("sp-1", "x", site="riverside", role="speaker")
        made = Orders(store)
        made.add(ORDER, [Made(ID, b"x", (registry.unit("sp-1"),))])
    return made


@pytest.fixture
def deliveries(store):
    return Deliveries(store)


def told(stage, **more):
    return Receipt(**{**dict.fromkeys(Receipt._fields), "id": ID, "stage": stage, **more})


SAID = [
    (1, told(receipt.RECEIVED, hops=[40])),
    (2, told(receipt.ACCEPTED, hops=[40, 90, 95])),
    (3, told(receipt.STARTED, start=T0, source=0, hops=[40, 90, 95, 210])),
    (4, told(receipt.DONE, proof=b"\1\x80\xff", start=T0, end=T0 + 9, source=2)),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_receipts_in_any_order_say_the_same(orders, deliveries, order):
    for n, i in enumerate(order):
        rn, said = SAID[i]
        deliveries.note_receipt("sp-1", 1, rn, said, NOW_S + n)
    (found,) = orders.deliveries(ORDER)
    assert (found.stage, found.rn, found.proof) == (receipt.DONE, 4, b"\1\x80\xff")
    assert (found.heard_s, found.told_s) == (NOW_S, NOW_S + 3)
    assert found.ended_s - found.started_s == 9 and found.source == 2
    assert found.hops_ms[3:] == [210]


def test_the_reason_is_that_of_the_stage(orders, deliveries):
    cut = told(receipt.INTERRUPTED, reason=CODES["power_cut"])
    deliveries.note_receipt("sp-1", 1, 4, cut, NOW_S)
    again = told(receipt.STARTED)  # it goes on after the cut
    deliveries.note_receipt("sp-1", 1, 5, again, NOW_S + 1)
    (found,) = orders.deliveries(ORDER)
    assert (found.stage, found.reason) == (receipt.STARTED, None)
    deliveries.note_receipt("sp-1", 2, 1, cut, NOW_S + 2)  # its log was erased: a later run
    (found,) = orders.deliveries(ORDER)
    assert (found.stage, found.reason) == (receipt.INTERRUPTED, CODES["power_cut"])


def test_a_refusal_for_now_leaves_it_open(orders, deliveries):
    no_time = told(receipt.REFUSED, reason=CODES["cmd_no_time"])
    deliveries.note_receipt("sp-1", 1, 1, no_time, NOW_S)
    (found,) = orders.deliveries(ORDER)
    assert (found.stage, found.reason) == (receipt.REFUSED, CODES["cmd_no_time"])
    assert (found.heard_s, found.told_s) == (None, NOW_S)
    assert [each.unit for each in deliveries.open(NOW_S)] == ["sp-1"]
    deliveries.note_receipt("sp-1", 1, 2, told(receipt.ACCEPTED), NOW_S + 2)
    (found,) = orders.deliveries(ORDER)
    assert (found.stage, found.heard_s) == (receipt.ACCEPTED, NOW_S + 2)
    assert deliveries.open(NOW_S + 2) == []


@pytest.mark.parametrize("numbers", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_what_a_unit_repeats_takes_nothing_back(orders, deliveries, numbers):
    no_sound = told(receipt.INTERRUPTED, reason=CODES["no_sound"])
    said = (told(receipt.STARTED), no_sound, told(receipt.ACCEPTED))
    for rn in numbers:
        deliveries.note_receipt("sp-1", 1, rn, said[rn - 1], NOW_S)
    (found,) = orders.deliveries(ORDER)
    assert (found.stage, found.reason) == (receipt.INTERRUPTED, CODES["no_sound"])
    deliveries.note_receipt("sp-1", 1, 4, told(receipt.INTERRUPTED), NOW_S)
    (found,) = orders.deliveries(ORDER)
    assert (found.stage, found.reason) == (receipt.INTERRUPTED, CODES["no_sound"])


def test_receipts_of_others_change_nothing(orders, deliveries):
    deliveries.note_receipt("sp-2", 1, 1, told(receipt.DONE), NOW_S)
    deliveries.note_receipt("sp-1", 1, 1, told(receipt.DONE, id=bytes(8)), NOW_S)
    (found,) = orders.deliveries(ORDER)
    assert found.stage is None and found.heard_s is None


def test_an_order_is_found_by_the_beginning_of_its_id(orders):
    assert orders.find("0101") == orders.find(ID.hex()) == orders.find("0101", kind=1) == ORDER
    with pytest.raises(
        CannotTry, match="no order has an id '02'; next: see 'fieldbeat alert list --orders'"
    ):
        orders.find("02")
    with pytest.raises(CannotTry, match="no order has an id"):
        orders.find("")
    orders.add(Order(b"\1" * 7 + b"\2", 1, 2, 1, False, NOW_S, 0, NOW_S, "", "", ""), [])
    with pytest.raises(CannotTry, match="several orders have ids that begin with '0101'"):
        orders.find("0101")


def test_who_sleeps_waits_for_his_wake_and_not_for_a_collector():
    def told(order, after_s, asleep=()):
        sent = [delivery(first_s=None)]
        (unit,) = coverage(order, sent, NOW_S + after_s, {"sp-1"}, asleep=asleep).units
        return unit.state, unit.why

    assert told(ORDER, 60, {"sp-1"}) == (WAITING, ASLEEP)
    assert told(ORDER, 1800, {"sp-1"})[0] == SILENT  # its window is over
    assert told(dataclasses.replace(ORDER, kind=command.PICTURE), 60) == (WAITING, ASLEEP)
    assert told(ORDER, 60)[1].startswith("not sent: does")


def test_what_is_armed_is_late_only_after_its_time():
    armed = dataclasses.replace(ORDER, start_s=NOW_S + 1000)
    assert state(armed, 1060, stage=receipt.ACCEPTED) == (WAITING, "")
    assert state(armed, 1061, stage=receipt.ACCEPTED) == (WAITING, NOT_YET)
