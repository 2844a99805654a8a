"""What a collector keeps and answers: good frames in any order, keys, schemas, record numbers."""

import json
import os
import random

import pytest
from fieldbeat.host_tools.registry import Registry
from fieldbeat.protocols import ack, event, packing, schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .collector_site import SOURCE, Site, begin
from .sender import (
    AIR,
    NOW_S,
    T0,
    Sender,
    boot_record,
    health_record,
    report_record,
    schema_record,
)

# Good frames


def test_a_report_is_stored_decoded_and_acknowledged(site):
    sender = begin(site)
    answer = sender.open_ack(site.take(sender.seal([report_record(3)])))
    assert answer == ack.Ack(3, 0, int(NOW_S) - 1_704_067_200, [], sender.piv - 1)
    assert site.values("air_temperature") == [2003, 2004]
    assert site.values("co2") == [403, 404]
    assert site.last.records == ["2 samples"] and site.last.reason == ""


@pytest.mark.parametrize(
    ("kept", "said"), [(None, "off"), (["roof"], "told closed"), ("damaged", "off")]
)
def test_a_motor_is_closed_where_the_registry_knows_it(site, kept, said):
    sender = begin(site)
    spoken = {"rules": {}, "derived": [], "travels_s": dict.fromkeys(kept or (), 120.0)}
    text = json.dumps(spoken) if kept != "damaged" else "{"
    site.registry.keep_control("gh-1", text if kept else "")
    body = {2: "roof", 3: 0, 4: 1, 5: 3, 6: 0}
    site.take(sender.seal([event.encode(3, event.DECISION, T0, body)]))
    assert site.last.records == [f"decision: roof {said} by rule 3"]


def test_only_the_last_datagram_of_a_wake_is_answered(site):
    sender = begin(site)
    assert site.take(sender.seal([report_record(3)], last=False)) == []
    assert sender.open_ack(site.take(sender.seal([], last=True))).cumulative == 3


def test_the_bitmap_tells_what_is_stored_beyond_a_gap(site):
    sender = begin(site)
    answer = sender.open_ack(site.take(sender.seal([report_record(rn) for rn in (4, 6, 34, 36)])))
    assert answer.cumulative == 2
    assert [rn for rn in range(3, 40) if ack.covers(answer, rn)] == [
        4,
        6,
        34,
    ]  # 36 is beyond 32 bits
    assert sender.open_ack(site.take(sender.seal([report_record(3)]))).cumulative == 4


def test_any_order_of_frames_gives_the_same_store(site):
    sender = begin(site)
    frames = [sender.seal([report_record(rn)], last=False) for rn in range(3, 40)]
    random.Random(7).shuffle(frames)
    for datagram in frames:
        site.take(datagram)
    assert site.numbers() == list(range(1, 40))
    assert site.values("co2") == sorted(
        value for rn in range(3, 40) for value in (400 + rn, 401 + rn)
    )
    assert sender.open_ack(site.take(sender.seal([]))).cumulative == 39


def test_a_repeated_record_is_stored_once_and_acknowledged_again(site):
    sender = begin(site)
    record = report_record(3)
    for _ in range(3):
        assert sender.open_ack(site.take(sender.seal([record]))).cumulative == 3
    assert site.values("co2") == [403, 404]
    assert site.last.duplicates == 1 and site.last.records == []


def test_a_sample_without_a_value_keeps_its_quality(site):
    sender = begin(site)
    site.take(sender.seal([report_record(3, [(None, 400), (2001, 401)])]))
    assert site.values("air_temperature") == [None, 2001]


# Keys


def test_a_new_key_ends_the_old_one_when_it_has_spoken(site):
    old = begin(site)
    site.registry.allocate("gh-1")
    new = Sender(site.registry)
    assert (old.keys.epoch, new.keys.epoch) == (1, 2)
    assert old.open_ack(site.take(old.seal([report_record(3)]))).cumulative == 3  # not yet there
    new.piv = old.piv
    first = new.seal([report_record(4)], with_epoch=True)
    assert new.open_ack(site.take(first)).cumulative == 4
    assert site.take(old.seal([report_record(5)])) == [] and site.last.reason == "tag"
    assert new.open_ack(site.take(new.seal([report_record(5)]))).cumulative == 5


def test_a_unit_registered_by_another_process_is_known_at_once(site):
    other = Registry(site.registry.path)
    sender = Sender(other, "gh-9")
    assert sender.open_ack(site.take(sender.seal([boot_record(1)]))).cumulative == 1


def test_downlink_sequence_numbers_never_come_twice(site):
    sender = begin(site)
    for restart in range(4):
        for _ in range(300):
            sender.open_ack(site.take(sender.seal([])))
        site.close()
        if restart == 2:
            site.now_s -= 86_400  # the host's clock was set back
        site.open()
    assert len(set(sender.down_pivs)) == len(sender.down_pivs) == 1201
    assert sender.down_pivs == sorted(sender.down_pivs)


def test_a_new_store_does_not_repeat_downlink_sequence_numbers(site):
    sender = begin(site)
    site.close()
    os.remove(site.folder / "store.sqlite")
    site.open()
    sender.open_ack(site.take(sender.seal([])))
    assert sender.down_pivs == sorted(set(sender.down_pivs)) and len(sender.down_pivs) == 2


def test_two_collectors_on_one_registry_share_no_downlink_sequence_number(site):
    sender = begin(site)
    other = Site(site.folder)
    sender.open_ack(other.take(sender.seal([])))
    for _ in range(260):  # more than one of them takes at a time
        sender.open_ack(site.take(sender.seal([])))
    assert len(set(sender.down_pivs)) == len(sender.down_pivs) == 262


# Schemas


def test_a_record_of_an_unknown_schema_is_kept_and_asked_for(site):
    sender = Sender(site.registry)
    answer = sender.open_ack(site.take(sender.seal([report_record(1), report_record(2)])))
    assert (answer.cumulative, answer.schemas) == (2, [1])
    assert site.values("co2") == []
    answer = sender.open_ack(site.take(sender.seal([schema_record(3)])))
    assert (answer.cumulative, answer.schemas) == (3, [])
    assert site.values("co2") == [401, 402, 402, 403]


def test_a_schema_that_one_unit_sent_serves_all(site):
    begin(site, "gh-1")
    sender = Sender(site.registry, "gh-2")
    answer = sender.open_ack(site.take(sender.seal([boot_record(1), report_record(2)])))
    assert answer.schemas == []
    assert site.values("co2", "gh-2") == [402, 403]


def test_a_schema_decodes_what_other_units_wait_for(site):
    waiting = Sender(site.registry, "gh-2")
    site.take(waiting.seal([boot_record(1), report_record(2)]))
    assert site.values("co2", "gh-2") == []
    begin(site, "gh-1")
    assert site.values("co2", "gh-2") == [402, 403]


def test_each_record_is_decoded_by_the_schema_of_its_time(site):
    warm = schema.Schema(1, 2, 300, [AIR.columns[0]._replace(scale=10), AIR.columns[1]])
    sender = begin(site)
    after = report_record(5, [(215, 400), (216, 401)], warm)
    site.take(sender.seal([report_record(3), after]))  # overtakes the notice of the new schema
    site.take(sender.seal([boot_record(4, (warm,)), schema_record(6, warm)]))
    rows = site.store.database.all(
        "SELECT scale, value FROM samples JOIN series ON series.id = series"
        " WHERE name = 'air_temperature' ORDER BY t"
    )
    assert [tuple(row) for row in rows] == [(100, 2003), (100, 2004), (10, 215), (10, 216)]


def test_a_record_that_comes_late_is_decoded_by_the_schema_before_it_was_changed(site):
    warm = schema.Schema(1, 2, 300, [AIR.columns[0]._replace(scale=10), AIR.columns[1]])
    sender = begin(site)
    late = sender.seal([report_record(3)])
    site.take(sender.seal([boot_record(4, (warm,)), schema_record(5, warm)]))
    site.take(late)
    rows = site.store.database.all(
        "SELECT scale, value FROM samples JOIN series ON series.id = series"
        " WHERE name = 'air_temperature' ORDER BY t"
    )
    assert [tuple(row) for row in rows] == [(100, 2003), (100, 2004)]


def test_a_schema_full_of_nonsense_is_kept_undecoded(site):
    sender = Sender(site.registry)
    for rn, map_ in enumerate(
        (
            {1: 1},
            {1: 1, 2: 1, 3: 300, 4: [{1: 5, 2: 6, 3: 0, 4: 0, 5: 0}]},
            {1: "x", 2: 1, 3: 2, 4: []},
        ),
        start=1,
    ):
        record = event.encode(rn, event.SCHEMA, T0, {event.SCHEMA_MAP: map_})
        assert sender.open_ack(site.take(sender.seal([record]))).cumulative == rn


# Record numbers that begin again, or never come


def test_an_erased_log_starts_a_new_run(site):
    sender = begin(site)
    site.take(sender.seal([report_record(rn) for rn in (3, 4, 5)]))
    again = [boot_record(1, cause="flashed"), schema_record(2), report_record(3, [(1, 2), (3, 4)])]
    answer = sender.open_ack(site.take(sender.seal(again)))
    assert answer.cumulative == 3  # and not 5: records 4 and 5 of this run are still to come
    assert site.numbers(run=1) == [1, 2, 3, 4, 5] and site.numbers(run=2) == [1, 2, 3]


def test_a_straggler_of_the_run_before_does_not_start_another(site):
    sender = begin(site)
    straggler = sender.seal([report_record(3)])
    site.take(sender.seal([boot_record(1, cause="flashed"), schema_record(2)]))
    site.take(straggler)
    assert site.store.contact("gh-1").run == 2
    assert site.numbers(run=1) == [1, 2, 3] and site.numbers(run=2) == [1, 2]


def test_records_that_the_unit_no_longer_has_are_given_up_when_it_says_so(site):
    sender = begin(site)
    assert sender.open_ack(site.take(sender.seal([report_record(9)]))).cumulative == 2
    assert sender.open_ack(site.take(sender.seal([report_record(5)]))).cumulative == 2
    answer = sender.open_ack(site.take(sender.seal([health_record(10, _8=9)])))
    assert answer.cumulative == 10
    rows = site.store.database.all("SELECT first_rn, last_rn FROM lost")
    assert [tuple(row) for row in rows] == [(3, 4), (6, 8)]


# Whatever comes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_no_datagram_raises(fuzzed, data):
    assert fuzzed.collector.handle(data, SOURCE, NOW_S) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.booleans())
def test_no_sealed_plaintext_raises(fuzzed, data, as_record):
    plaintext = packing.pack([data], True) if as_record and data else data
    replies = fuzzed.take(fuzzed.sender.seal_plaintext(plaintext))
    assert fuzzed.last.reason in ("", "record")
    assert len(replies) <= 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 6),
    st.dictionaries(
        st.integers(2, 9),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text() | st.binary(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.integers(0, 9) | st.text(), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=4,
    ),
    st.integers(-(2**70), 2**70),
)
def test_no_event_raises(fuzzed, type_, body, t):
    fuzzed.rn += 1
    fuzzed.take(fuzzed.sender.seal([event.encode(fuzzed.rn, type_, t, body)]))
    assert fuzzed.last.reason == ""


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    return FuzzedSite(tmp_path_factory.mktemp("fuzzed"))


class FuzzedSite(Site):
    def __init__(self, folder):
        super().__init__(folder)
        self.sender = Sender(self.registry)
        self.rn = 1000
