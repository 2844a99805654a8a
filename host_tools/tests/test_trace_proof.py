"""What a trace proves, and every way to forge one that a collector or a dealer has."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import pytest
from fieldbeat.host_tools import proof_words, trace_file
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.trace_file import Damaged, TraceFile
from fieldbeat.host_tools.trace_keys import TraceKeys, generate
from fieldbeat.host_tools.trace_proof import Proof, prove
from fieldbeat.protocols import event, event_reader

from .sender import report_record, schema_record
from .trace_unit import BATCH, DAY_S, N, TraceUnit


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> TraceUnit:
    unit = TraceUnit(tmp_path_factory.mktemp("trace"))
    unit.live()
    unit.send()
    return unit


@pytest.fixture(scope="module")
def good(whole) -> TraceFile:
    return whole.export()


def judged(trace: TraceFile, unit: TraceUnit) -> Proof:
    proof = prove(trace)
    proof.judge_keys([trace_file.fingerprint(unit.key.public)])
    return proof


def without_check(trace: TraceFile, records: list[bytes]) -> TraceFile:
    """The same with other records, and checks that fit to their number."""
    checks = (trace.checks + bytes(4 * len(records)))[: 4 * len(records)]
    return replace(trace, records=records, checks=checks)


def test_a_whole_trace_is_proven(whole, good):
    proof = judged(good, whole)
    assert proof.problems == [] and proof.trusted
    assert (proof.first, proof.last, proof.count) == (1, whole.rn - 1, whole.rn - 1)
    assert proof.proven == proof.count and len(proof.roots) == 4
    assert [done.operation.kind for done in proof.operations] == [
        "batch-begin",
        "irrigated",
        "harvested",
        "batch-end",
    ]
    assert proof.operations[1].operation.amount_text == "30 l"
    assert all(done.proven for done in proof.operations)
    assert "complete up to record" in "\n".join(proof_words.in_words(proof))


def test_a_file_comes_back_as_it_was_written(good):
    data = trace_file.encode(good)
    assert trace_file.decode(data, "t") == good
    assert trace_file.encode(trace_file.decode(data, "t")) == data


def test_each_byte_counts(whole, good):
    """One bit of each byte, and all of them in some."""
    data, chance = trace_file.encode(good), random.Random(1)
    for at in range(len(data)):
        for mask in (
            {1 << chance.randrange(8), 0xFF} if at % 7 == 0 else {1 << chance.randrange(8)}
        ):
            forged = bytearray(data)
            forged[at] ^= mask
            try:
                proof = judged(trace_file.decode(bytes(forged), "t"), whole)
            except Damaged:
                continue
            assert proof.problems, (at, mask)


def test_a_changed_record_is_named(whole, good):
    for at, raw in enumerate(good.records):
        if raw[0]:  # a report: its last byte is a value
            records = list(good.records)
            records[at] = raw[:-1] + bytes([raw[-1] ^ 1])
            (problem,) = prove(replace(good, records=records)).problems
            assert problem.startswith(f"record {trace_file.number_of(raw)} was changed")


def test_who_changes_the_checks_as_well_is_told_the_day(whole, good):
    records = list(good.records)
    records[4] = records[4][:-1] + bytes([records[4][-1] ^ 1])
    value, checks = bytes(32), bytearray()
    for raw in records[:9]:
        rn = trace_file.number_of(raw)
        value = hashlib.sha256(value + rn.to_bytes(4, "big") + raw).digest()
        checks += value[:4]
    forged = replace(good, records=records, checks=bytes(checks) + good.checks[36:])
    proof = prove(forged)
    assert proof.problems and "between records 1 and 8 something was changed" in proof.problems[0]
    assert proof.unproven == [(1, 8)]


def test_only_a_check_was_changed(good):
    checks = bytearray(good.checks)
    checks[4 * 5] ^= 1
    (problem,) = prove(replace(good, checks=bytes(checks))).problems
    assert problem == "the check of record 6 was changed; the record was not"


def test_each_record_that_is_removed(good):
    for at in range(1, len(good.records) - 1):
        records = list(good.records)
        del records[at]
        checks = good.checks[: 4 * at] + good.checks[4 * at + 4 :]
        proof = prove(replace(good, records=records, checks=checks))
        assert any(f"record {at + 1} is missing" in problem for problem in proof.problems)
        assert proof.proven < len(records)


def test_each_two_that_are_swapped(good):
    for at in range(len(good.records) - 1):
        records = list(good.records)
        records[at], records[at + 1] = records[at + 1], records[at]
        problems = prove(replace(good, records=records)).problems
        assert any("was put there, or moved" in problem for problem in problems), problems


def test_one_that_is_put_in(good):
    for at in range(1, len(good.records)):
        for rn in (at, at + 1):
            records = list(good.records)
            records.insert(at, report_record(rn, t=5))
            assert prove(without_check(good, records)).problems, (at, rn)


def test_the_root_of_another_day(good):
    roots = [at for at, raw in enumerate(good.records) if is_root(raw)]
    for one in roots:
        for other in roots:
            if one != other:
                records = list(good.records)
                records[one] = records[other]
                assert prove(replace(good, records=records)).problems


def is_root(raw: bytes) -> bool:
    return raw[0] == 0 and event_reader.decode(raw)[1] == event.ROOT


def test_a_signature_of_another_day_under_this_number(whole, good):
    roots = [at for at, raw in enumerate(good.records) if is_root(raw)]
    rn, _, t, body = event_reader.decode(good.records[roots[1]])
    _, _, _, other = event_reader.decode(good.records[roots[2]])
    records = list(good.records)
    body[event.ROOT_SIGNATURE] = other[event.ROOT_SIGNATURE]
    records[roots[1]] = event.encode(rn, event.ROOT, t, body)
    problems = prove(replace(good, records=records)).problems
    assert any("signature is bad" in problem for problem in problems)


def test_the_other_form_of_the_last_signature(good):
    """(r, n - s) is as good to ECDSA, and another file."""
    rn, _, t, body = event_reader.decode(good.records[-1])
    signature = body[event.ROOT_SIGNATURE]
    other = (N - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    body[event.ROOT_SIGNATURE] = signature[:32] + other
    records = [*good.records[:-1], event.encode(rn, event.ROOT, t, body)]
    assert any(
        "signature is bad" in text for text in prove(replace(good, records=records)).problems
    )


def test_a_file_that_ends_early(whole, good):
    roots = [at for at, raw in enumerate(good.records) if is_root(raw)]
    for length in range(2, len(good.records)):
        cut = replace(good, records=good.records[:length], checks=good.checks[: 4 * length])
        proof = prove(cut)
        if length - 1 in roots:  # it is a trace of fewer days, and says so
            assert proof.problems == []
            assert any(
                line.startswith(f"complete up to record {length},")
                for line in proof_words.in_words(proof)
            )
        else:
            assert "no root signs" in proof.problems[-1]
            assert proof.unproven[-1][1] == length


def test_a_file_that_begins_late(good):
    roots = [at for at, raw in enumerate(good.records) if is_root(raw)]
    for begin in range(1, roots[-1]):
        cut = replace(good, records=good.records[begin:], checks=good.checks[4 * begin :])
        problems = prove(cut).problems
        assert bool(problems) == (begin not in roots), (begin, problems)


def test_the_file_of_another_unit(whole, good, tmp_path):
    other = TraceUnit(tmp_path, "gh-02")
    other.live()
    theirs = other.export()
    proof = judged(theirs, whole)
    assert not proof.trusted and "none of those of gh-02" in proof.problems[0]
    renamed = replace(theirs, unit="gh-01")
    assert sum("signature is bad" in problem for problem in prove(renamed).problems) == 4
    mixed = replace(good, records=[*good.records[:9], *theirs.records[9:]])
    assert prove(replace(mixed, keys=(*good.keys, *theirs.keys))).problems


def test_a_collector_that_forges(whole, tmp_path):
    """It has the master key and the registry, and writes what it likes; but it cannot sign."""
    forger = TraceUnit(tmp_path)
    forger.kid = whole.kid
    forger.key = generate()
    forger.live()
    forger.send()
    trace = TraceFile("gh-01", whole.kid, (forger.key.public,), forger_records(forger), b"")
    trace = replace(trace, checks=bytes(4 * len(trace.records)))
    proof = judged(trace, whole)
    assert any("somebody else made this file" in problem for problem in proof.problems)
    with_our_key = replace(trace, keys=(whole.key.public,))
    problems = judged(with_our_key, whole).problems
    assert sum("not in this file" in problem for problem in problems) == 4


def forger_records(forger: TraceUnit) -> list[bytes]:
    rows = forger.store.database.all("SELECT raw FROM records ORDER BY rn")
    return [row["raw"] for row in rows]


def test_a_root_that_somebody_else_has_signed(whole, tmp_path):
    unit = TraceUnit(tmp_path)
    unit.tell(schema_record(unit.rn))
    unit.day()
    unit.report()
    unit.root(generate())
    unit.day()
    trace = unit.export()
    problems = judged(trace, unit).problems
    assert len(problems) == 1 and "signed with a key that is not in this file" in problems[0]


def test_what_the_unit_gave_up_is_told_and_the_rest_is_proven(tmp_path):
    unit = TraceUnit(tmp_path)
    unit.tell(schema_record(unit.rn))
    unit.day()
    unit.report()
    first, before = unit.rn, unit.value
    for _ in range(5):
        last = unit.report(lost=True)
    unit.gaps = [[first, last, before, unit.value]]
    unit.day()
    trace = unit.export()
    proof = judged(trace, unit)
    assert proof.problems == [] and proof.given_up == [(first, last)]
    assert proof.unproven == [] and proof.proven == proof.count
    # Whoever removes one more is found.
    at = [trace_file.number_of(raw) for raw in trace.records].index(last + 1)
    records = [*trace.records[:at], *trace.records[at + 1 :]]
    checks = trace.checks[: 4 * at] + trace.checks[4 * at + 4 :]
    proof = prove(replace(trace, records=records, checks=checks))
    assert f"record {last + 1} is missing" in proof.problems[0]


def test_a_gap_whose_begin_is_not_known_leaves_some_unproven(tmp_path):
    unit = TraceUnit(tmp_path)
    unit.tell(schema_record(unit.rn))
    unit.day()
    told = unit.report()
    first = unit.rn
    for _ in range(3):
        last = unit.report(lost=True)
    unit.gaps = [[first, last, None, unit.value]]
    unit.day()
    proof = judged(unit.export(), unit)
    assert proof.problems == [] and proof.unproven == [(told, told)]
    assert proof.given_up == [(first, last)]


def test_records_of_a_gap_that_arrived_all_the_same(tmp_path):
    unit = TraceUnit(tmp_path)
    unit.tell(schema_record(unit.rn))
    unit.day()
    first, before = unit.rn, unit.value
    last = unit.report()
    unit.gaps = [[first, last, before, unit.value]]
    unit.day()
    proof = judged(unit.export(), unit)
    assert proof.problems == [] and proof.unproven == [] and proof.given_up == []


def test_missing_records_without_a_word_of_the_unit(tmp_path):
    unit = TraceUnit(tmp_path)
    unit.tell(schema_record(unit.rn))
    unit.day()
    unit.report()
    gone = unit.report(lost=True)
    unit.day()
    unit.day()
    proof = judged(unit.export(), unit)
    assert len(proof.problems) == 1 and f"record {gone} is missing" in proof.problems[0]
    assert proof.unproven[0] == (gone - 1, gone - 1)
    assert proof.last not in range(*proof.unproven[-1])


def test_days_and_batches(whole):
    everything = whole.export()
    batch = whole.export(batch=BATCH)
    numbers = [trace_file.number_of(raw) for raw in batch.records]
    proof = judged(batch, whole)
    assert proof.problems == [] and len(proof.operations) == 4
    assert numbers == list(range(1, numbers[-1] + 1)) and len(numbers) < len(everything.records)
    with pytest.raises(CannotTry, match="told of no batch 'x'"):
        whole.export(batch="x")
    roots = judged(everything, whole).roots
    some = whole.export(first_s=roots[1].t + 1, end_s=roots[2].t)
    assert judged(some, whole).problems == [] and judged(some, whole).last == roots[2].rn
    last = whole.export(first_s=roots[-1].t - DAY_S + 1)
    assert judged(last, whole).problems == []


def test_nothing_is_signed_yet(tmp_path):
    unit = TraceUnit(tmp_path)
    unit.tell(schema_record(unit.rn))
    unit.report()
    with pytest.raises(CannotTry, match="nothing that gh-01 told is signed yet"):
        unit.export()


def test_keys_of_a_registry(whole):
    assert TraceKeys(whole.registry).of_unit("gh-01") == [whole.key.public]
    assert TraceKeys(whole.registry).of_unit("gh-99") == []
