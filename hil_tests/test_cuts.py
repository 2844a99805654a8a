"""The power-cut campaign: a small part of it, and firmware with faults that it must see."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest
from fieldbeat.hil_tests.commands import app
from fieldbeat.hil_tests.cuts import campaign, command, findings, oracle, report, states, trial
from fieldbeat.hil_tests.cuts.essence import Essence
from fieldbeat.hil_tests.cuts.findings import Options, Results
from fieldbeat.hil_tests.cuts.judge import Cut, Judge, parse
from fieldbeat.hil_tests.cuts.promises import promises
from fieldbeat.hil_tests.cuts.recorder import record
from fieldbeat.hil_tests.cuts.states import Name, Rebuilt, torn
from fieldbeat.hil_tests.cuts.stories import STORIES
from fieldbeat.hil_tests.cuts.tape import BEGUN, DONE, Recording, Stage
from fieldbeat.hil_tests.cuts.trial import Verdict
from fieldbeat.hil_tests.virtual.errors import BenchError
from fieldbeat.hil_tests.virtual.flash import FlashOp
from fieldbeat.hil_tests.virtual.nvs import Nvs
from fieldbeat.host_tools import nvs_reader
from fieldbeat.host_tools.errors import CannotTry
from typer.testing import CliRunner


@cache
def short() -> Judge:
    """A first contact, a new configuration, a report."""
    recording = record("short")
    return Judge(recording, promises(recording))


def stage(recording: Recording, name: str) -> int:
    """The operation that comes next when a configuration is begun or done."""
    last = 0
    for _, what in recording.history:
        if isinstance(what, FlashOp):
            last = what.number
        elif isinstance(what, Stage) and what.name == name:
            return last + 1
    raise AssertionError(name)


# States


def test_a_torn_program_is_between_old_and_new():
    op = FlashOp(7, "program", 0, 4, b"\x0f\x0f\xf0\x01")
    old = b"\xff\xfe\xff\xff"
    new = states.done(op, old)
    assert new == b"\x0f\x0e\xf0\x01"
    assert torn(op, old, "clean", 1) == old
    assert torn(op, old, "after", 1) == new
    assert torn(op, old, "first", 1) == b"\x0f\xfe\xff\xff"
    assert torn(op, old, "half", 1) == b"\x0f\x0e\xff\xff"
    assert torn(op, old, "last", 1) == b"\x0f\x0e\xf0\xff"
    bits = torn(op, old, "bits", 1)
    assert bits == torn(op, old, "bits", 1) != torn(op, old, "bits", 2)
    assert all(o & b == b and b & n == n for o, b, n in zip(old, bits, new, strict=True))


def test_a_torn_erase_is_between_old_and_ones():
    op, old = FlashOp(7, "erase", 0, 4, b""), b"\x00\x12\x34\x56"
    assert torn(op, old, "half", 1) == b"\xff\xff\x34\x56"
    assert torn(op, old, "back", 1) == b"\x00\x12\xff\xff"
    noise = torn(op, old, "noise", 1)
    assert noise not in (old, b"\xff" * 4)
    assert all(o & n == o for o, n in zip(old, noise, strict=True))


@pytest.mark.parametrize("text", ["12", "12:half", "12:clean:3", "12:bits:3:noise"])
def test_a_cut_has_a_name(text):
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["", "0", "x", "12:x", "12:half:y", "-3"])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(BenchError, match="there is no cut"):
        parse(text)


def test_distinct_states_are_told_apart_by_their_bytes():
    rebuilt = Rebuilt(short().recording)
    names = list(states.distinct(short().recording, range(40, 50)))
    seen = {}
    for name in names:
        rebuilt.go_to(name.number)
        seen[rebuilt.flash(name)] = rebuilt.key(name)
    assert len(seen) == len(set(seen.values())) == len(names) > 20


def test_a_board_that_is_cut_has_the_bytes_that_were_rebuilt():
    recording = short().recording
    for number in (3, stage(recording, BEGUN) + 2):
        real = record("short", base=recording.base, cut_before=number)
        assert short().board_is_so(number, real.flash_at_end)


def test_a_recording_is_the_same_each_time():
    again = record("short", base=short().recording.base)
    assert again == short().recording


def test_the_oracle_reads_nvs_as_the_bench_does(tmp_path):
    from fieldbeat.hil_tests.virtual.flash import Flash

    flash = Flash(tmp_path / "flash.bin", 3 * 4096)
    store = Nvs(flash, 0, flash.size)
    for n in range(300):  # pages turn and are compacted
        store.set_i32("fieldbeat", f"n{n % 7}", n - 150)
        store.set_blob("fieldbeat", f"b{n % 3}", bytes([n % 256]) * (n % 90))
    values = nvs_reader.read(flash.read(0, flash.size))
    assert flash.erases > 2
    for n in range(293, 300):
        assert values[f"n{n % 7}"] == n - 150
    for n in range(297, 300):
        assert values[f"b{n % 3}"] == bytes([n % 256]) * (n % 90)


# What a unit can tell apart


def keys_of(name: Name) -> tuple[bytes, dict[str, bytes]]:
    """What counts before an operation, and of its torn kinds."""
    rebuilt = Rebuilt(short().recording)
    essence = Essence(rebuilt, short().origin)
    rebuilt.go_to(name.number)
    kinds = states.kinds_of(rebuilt.next_op(name))[1:-1]
    return essence.key(name), {kind: essence.key(Name(name.number, kind)) for kind in kinds}


def test_only_what_littlefs_looks_into_counts():
    """A file's data come before the commit that makes them count; the commit itself counts."""
    recording = short().recording
    counting, silent = [], []
    for op in recording.ops:
        if op.kind == "program" and op.address >= recording.vfs[0]:
            before, torn_ones = keys_of(Name(op.number))
            same = [kind for kind, key in torn_ones.items() if key == before]
            assert len(same) in (0, len(torn_ones))
            (silent if same else counting).append(op.length)
    assert len(silent) > 50 and len(counting) > 10


def test_a_sector_of_the_app_counts_although_nobody_reads_it_here():
    recording, origin = short().recording, short().origin
    rebuilt = Rebuilt(recording, origin.flash)
    essence = Essence(rebuilt, origin)
    before = essence.key(Name(1))
    block = max(origin.fixed)
    flash = bytearray(origin.flash)
    flash[origin.area[0] + block * 4096] ^= 1
    damaged = Rebuilt(replace(recording, base=bytes(flash)), origin.flash)
    assert Essence(damaged, origin).key(Name(1)) != before


def test_cuts_of_one_key_live_one_life():
    judge = short()
    alike: dict[bytes, list[Name]] = {}
    for name in states.distinct(judge.recording, range(30, 60)):
        alike.setdefault(judge.key(name), []).append(name)
    first, *others = max(alike.values(), key=len)
    assert len(others) > 10
    lives = {judge.judge(Cut(name)).life for name in (first, others[0], others[-1])}
    assert len(lives) == 1
    assert judge.judge(Cut(next(iter(alike.values()))[0])).life not in lives


def test_another_life_under_one_key_is_no_judgement():
    first, other = Verdict("4", life=b"a"), Verdict("4:half", life=b"b")
    campaign.compare([first, other], {"4": first, "4:half": first})
    assert (first.invalid, other.invalid) == ("", "it has the key of 4, but lives another life")


# The campaign


def test_the_campaign_holds():
    """Spread over the run, in every kind; the whole of it is `fieldbeat bench cuts`."""
    recording = short().recording
    names = list(states.distinct(recording, range(1, len(recording.ops) + 1)))
    chosen = [str(name) for name in names[:: len(names) // 9]]
    chosen += [str(name) for name in states.before_taken(recording, [20, 45])]
    middle = (stage(recording, BEGUN) + stage(recording, DONE)) // 2
    chosen += [f"{middle}:half", "24:clean:9:bits", f"{middle}:clean:30:first"]
    verdicts = [short().judge(parse(name)) for name in chosen]
    assert [(v.cut, v.broken, v.invalid) for v in verdicts if v.broken or v.invalid] == []
    assert all(verdict.recovery for verdict in verdicts)


def test_a_second_cut_that_does_not_come_is_no_judgement():
    verdict = short().judge(parse("24:clean:5000"))
    assert "there is no cut 5000: the recovery has" in verdict.invalid and not verdict.broken


def test_an_operation_that_is_not_there_is_no_judgement():
    assert "there is no cut 99999" in short().judge(parse("99999")).invalid


# Firmware with a fault: the oracle must see it

FORGETS = {
    "firmware/uplink.py": (
        (
            "        asked = await self._send(keys, last, True)\n",
            "        self._outbox.ack(self._outbox.next_rn - 1)\n"
            "        asked = await self._send(keys, last, True)\n",
        ),
    )
}
IN_PLACE = {
    "firmware/smp_fs.py": (
        (
            '        path, offset = self._path(body), field(body, "off", int)\n'
            '        data, name = field(body, "data", bytes), field(body, "name", str)\n',
            '        path, offset = self._root + "/config.cbor", field(body, "off", int)\n'
            '        data, name = field(body, "data", bytes), field(body, "name", str)\n',
        ),
    )
}
# It writes its files anew at each boot; at the only boot of this story there are none.
REWRITES = {
    "firmware/outbox_files.py": (
        (
            '        try:\n            with open(path, "rb") as file:\n                entry',
            "        try:\n"
            '            with open(path, "rb") as file:\n                content = file.read()\n'
            '            open(path, "wb").close()\n'
            '            with open(path, "wb") as file:\n                file.write(content)\n'
            '            with open(path, "rb") as file:\n                entry',
        ),
    )
}
REUSES = {"protocols/sequence.py": (("            self._store(limit)\n", ""),)}


def first_broken(judge: Judge, names: list[Name]) -> str:
    """What the oracle says of the first of these cuts that breaks a promise."""
    for name in names:
        verdict = judge.judge(Cut(name))
        assert not verdict.invalid, verdict.invalid
        if verdict.broken:
            return "; ".join(verdict.broken)
    return ""


def faulty(story: str, patches) -> Judge:
    recording = record(story, patches=patches)
    return Judge(recording, promises(recording))


@pytest.mark.long
def test_records_that_are_forgotten_before_they_are_stored_are_missed():
    judge = faulty("contact", FORGETS)
    numbers = range(1, len(judge.recording.ops) + 1)
    names = list(states.before_taken(judge.recording, numbers))
    assert "is lost" in first_broken(judge, names)


@pytest.mark.long
def test_a_configuration_that_is_written_in_place_is_seen():
    judge = faulty("short", IN_PLACE)
    begun, done = (stage(judge.recording, name) for name in (BEGUN, DONE))
    middle = [Name(n) for n in range(begun + 4, done) if len(judge.promised[n].configs) > 1]
    assert "/config.cbor is a mixture" in first_broken(judge, middle)


def test_a_sequence_number_that_is_used_again_is_seen():
    judge = faulty("contact", REUSES)
    assert "has sealed two frames" in first_broken(judge, [Name(len(judge.recording.ops))])


def test_a_fault_of_the_recovery_is_seen_by_a_second_cut():
    judge = faulty("contact", REWRITES)
    verdict, recovery = judge.recovery(Name(len(judge.recording.ops)))
    assert verdict.broken == [] and recovery is not None
    names = [name for name in states.every(recovery.recording) if name.kind == states.CLEAN]
    assert "record 3 has arrived with other bytes" in first_broken(recovery, names)


IN_TWO = {
    "firmware/secret_writer.py": (
        (
            '        nvs.set_blob("key", master + epoch.',
            '        nvs.set_blob("key", master + old[2].to_bytes(4, "big") + kid)\n'
            '        nvs.set_blob("key", master + epoch.',
        ),
    )
}


def new_key(recording: Recording) -> list[int]:
    """The operations that write the first new key, and two more."""
    vfs = recording.vfs[0]
    ops = [op for op in recording.ops[stage(recording, BEGUN) - 1 :] if op.address < vfs]
    return [op.number for op in ops[:7]]


def test_a_key_that_comes_without_its_epoch_is_seen(monkeypatch):
    monkeypatch.setattr(trial, "PROOF_S", 120.0)
    judge = faulty("keys", IN_TWO)
    said = first_broken(judge, [Name(number) for number in new_key(judge.recording)[3:]])
    assert "the identity in NVS is a mixture" in said
    assert "sealed with no key of the unit" in said


def test_a_change_of_keys_that_is_cut_leaves_the_old_key_or_the_new_one():
    recording = record("keys")
    judge = Judge(recording, promises(recording))
    numbers = new_key(recording)
    assert {len(judge.promised[number - 1].identities) for number in numbers} == {2}
    verdicts = [judge.judge(Cut(Name(number, "half"))) for number in numbers[1::2]]
    assert [(v.cut, v.broken, v.invalid) for v in verdicts if v.broken or v.invalid] == []


def test_the_chain_of_a_unit_that_signs_holds():
    """Spread over the run, in every kind, and with a second cut in some recoveries."""
    recording = record("trace")
    judge = Judge(recording, promises(recording))
    names = list(states.distinct(recording, range(1, len(recording.ops) + 1)))
    chosen = [str(name) for name in names[:: len(names) // 8]]
    middle = len(recording.ops) // 2
    verdicts = [judge.judge(parse(name)) for name in (*chosen, f"{middle}:half:20:half")]
    assert [(v.cut, v.broken, v.invalid) for v in verdicts if v.broken or v.invalid] == []


# It forgets after a reset what stands in the log.
BEGINS_ANEW = {
    "firmware/outbox_files.py": (
        ("chain.add(segment.next(), payload)", "chain.at(segment.next() + 1, chain.value)"),
    )
}


def test_a_chain_that_begins_anew_is_seen():
    judge = faulty("trace", BEGINS_ANEW)
    said = first_broken(judge, [Name(len(judge.recording.ops))])
    assert "is not that of the collector" in said or "signs another chain" in said


def test_nothing_overtakes_but_alarms():
    assert oracle.order(frozenset({39}), [35, 36, 39, 38]) == []
    assert oracle.order(frozenset({35}), [35, 36, 39, 38]) != []


# Reports


def results(**changes) -> Results:
    return Results("full", 1, 1, 2, operations=9, distinct_states=30, judged=30, **changes)


def test_exit_codes_tell_broken_promises_from_no_campaign():
    row = {"cut": "4:half", "operation": "erase", "broken": ["x"], "invalid": "", "reproduce": "y"}
    assert results().exit_code == 0
    assert results(failures=[row]).exit_code == 1
    assert results(failures=[row], invalid=[row]).exit_code == 2
    assert Results("full", 1, 1, 2).exit_code == 2


def test_a_failure_is_one_command_away(tmp_path):
    found = results()
    findings.count(found, [Verdict("4:half", "erase of 4096 bytes", ["record 3 is lost"])])
    report.write(found, tmp_path)
    text = report.summary(found)
    assert "1 failure" in text and "fieldbeat bench cuts --state 4:half" in text
    assert "fieldbeat bench cuts --state 4:half" in (tmp_path / "cuts.md").read_text()
    assert json.loads((tmp_path / "cuts.json").read_text())["failures"][0]["cut"] == "4:half"
    command_line = findings.reproduce("4", "short", 3)
    assert command_line == "fieldbeat bench cuts --state 4 --seed 3 --story short"


@pytest.mark.long
def test_the_verb_runs_a_campaign(tmp_path, capsys):
    part = "3/25"
    code = command.cuts("26..26", 2, None, "contact", 1, 1, tmp_path, None, True, part)
    found = json.loads(capsys.readouterr().out)
    assert code == 0 and found["exit_code"] == 0 and found["failures"] == []
    assert (found["cuts"], found["distinct_states"], found["distinct_keys"]) == (6, 2, 3)
    assert found["second_cuts"] > found["distinct_second_states"] > 25
    assert found["second_judged"] == (found["distinct_second_states"] + 22) // 25
    assert len(found["self_checks"]) == 4
    page = (tmp_path / "cuts.md").read_text()
    head = f"Operations 26..26, depth 2, part 3/25, {found['started']}, commit {found['commit']}"
    assert head in page and found["started"].startswith("20")


def test_all_parts_together_are_the_whole():
    cuts = list(range(103))
    parts = [campaign.share(cuts, Options(part=(k, 10))) for k in range(1, 11)]
    assert sorted(sum(parts, [])) == cuts and {len(part) for part in parts} == {10, 11}


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b"])
def test_a_part_that_is_none_is_refused(text):
    with pytest.raises(CannotTry, match="is no part"):
        command.part_of(text)


@pytest.mark.parametrize("given, said", [("image", "there is no --state"), ("report", "--report")])
def test_an_option_that_would_do_nothing_is_refused(given, said, tmp_path):
    folder, image = (tmp_path, None) if given == "report" else (None, tmp_path / "y.img")
    state = "3" if given == "report" else None
    with pytest.raises(CannotTry, match=said):
        command.cuts("1..2", 1, state, "contact", 1, 1, folder, image, as_json=False)


@pytest.mark.long
def test_the_flash_of_a_second_cut_is_not_that_of_the_first(tmp_path, capsys):
    first, second = tmp_path / "1.img", tmp_path / "2.img"
    assert command.cuts("all", 1, "24", "contact", 1, 1, None, first, as_json=False) == 0
    assert command.cuts("all", 1, "24:clean:9", "contact", 1, 1, None, second, as_json=False) == 0
    assert first.stat().st_size == second.stat().st_size == 4 << 20
    assert first.read_bytes() != second.read_bytes()
    assert "24:clean:9: program of" in capsys.readouterr().out


def test_a_folder_that_cannot_be_made_is_told_before_the_campaign(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "run", lambda *_: pytest.fail("it ran"))
    (tmp_path / "file").touch()
    with pytest.raises(CannotTry, match="file/x cannot be made .Not a directory.; next: "):
        command.cuts("all", 1, None, "contact", 1, 1, tmp_path / "file/x", None, as_json=False)


def test_a_cut_that_its_operation_does_not_know_names_those_it_does():
    with pytest.raises(CannotTry, match=r"3 is a program, .*'back'.* one of 3:clean, 3:first"):
        command.cuts("all", 1, "3:back", "contact", 1, 1, None, None, as_json=False)


def test_the_help_names_every_story():
    said = CliRunner().invoke(app, ["cuts", "--help"]).output
    assert all(name in said.split("--story")[1].split("--seed")[0] for name in STORIES)


@pytest.mark.parametrize("text", ["5", "9..3", "a..b"])
def test_a_range_that_is_none_is_refused(text):
    with pytest.raises(CannotTry, match="is no range"):
        command.numbers(text)
