"""The pulled-cable campaign: it holds, each pull fires, and the oracle sees what is wrong."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from fieldbeat.hil_tests.pulls import campaign, command, oracle, trial
from fieldbeat.hil_tests.pulls.cable import ANSWER, KINDS, POWER, REQUEST, Operation, Pull
from fieldbeat.hil_tests.pulls.stages import stages
from fieldbeat.hil_tests.pulls.stories import STORIES, Start
from fieldbeat.host_tools.batch_journal import BOUND, FLASHED, Journal
from fieldbeat.host_tools.batch_match import Matcher
from fieldbeat.host_tools.batch_work import Work
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.nvs_image import Identity
from fieldbeat.host_tools.registry import Registry

# Of a unit that gets a key.
NEW = {"key", "configuration", "restart", "compare", "self-test"}
STAGES = NEW | {
    *("connect", "identify", "prepare", "read", "erase", "write", "verify", "boot"),
    *("who is it", "state", "record"),
}


@cache
def started(story: str) -> tuple[Start, list[Operation]]:
    """A story's start, and what crosses the cable of its golden run."""
    start = STORIES[story]()
    return start, trial.golden(start)


def at(story: str, what: str, kind: str, nth: int = 0) -> Pull:
    """The pull at the nth operation of that name."""
    found = [each.number for each in started(story)[1] if each.what == what]
    return Pull(found[nth], kind)


@pytest.mark.longest
@pytest.mark.parametrize("story", list(STORIES))
def test_every_stage_is_reached(story):
    _, operations = started(story)
    assert [each.kind for each in operations].count("open") == 2  # for its loader, its program
    expected = STAGES - (set() if story in ("bare", "speaker") else NEW)
    assert set(stages(operations)) == expected
    pulls = campaign.chosen(operations, 200)
    named = dict(zip((each.number for each in operations), stages(operations), strict=True))
    assert {named[pull.number] for pull in pulls} == expected
    assert len(set(pulls)) == 200
    assert min(Counter(pull.kind for pull in pulls).values()) > 50
    assert len(set(campaign.chosen(operations, 0))) == 3 * len(operations)


def judged_bare(what, kind, left):
    start, _ = started("bare")
    verdict = trial.judge(start, at("bare", what, kind))
    assert (verdict.broken, verdict.invalid, verdict.left) == ([], "", left)
    assert what in verdict.operation


@pytest.mark.long
@pytest.mark.parametrize(
    ("what", "kind", "left"),
    [
        ("flash_defl_data", POWER, "incomplete, no key"),
        ("settings write key/master", ANSWER, "complete, a key"),
    ],
)
def test_a_pull_while_it_is_written_or_gets_its_key(what, kind, left):
    judged_bare(what, kind, left)


@pytest.mark.longest
@pytest.mark.parametrize(
    ("what", "kind", "left"),
    [
        ("sync", REQUEST, "old, no key"),
        ("mem_data", POWER, "old, no key"),
        ("flash_defl_data", ANSWER, "incomplete, no key"),
        ("settings read id/unit", POWER, "complete, no key"),
        ("settings write key/master", REQUEST, "complete, no key"),
        ("settings write key/master", POWER, "complete, no key"),
        ("settings write id/unit", POWER, "complete, a key"),
        ("os write 5", ANSWER, "complete, a key"),
    ],
)
def test_a_pull_leaves_a_bare_unit_resumable_or_clean(what, kind, left):
    judged_bare(what, kind, left)


@pytest.mark.longest
@pytest.mark.parametrize("story", ["again", "elsewhere"])
@pytest.mark.parametrize(
    ("what", "kind", "left"),
    [
        ("spi_flash_md5", ANSWER, "old, a key"),
        ("flash_defl_data", POWER, "incomplete, a key"),
        ("settings read key/check", REQUEST, "complete, a key"),
    ],
)
def test_a_pull_leaves_a_finished_unit_resumable(story, what, kind, left):
    start, _ = started(story)
    verdict = trial.judge(start, at(story, what, kind))
    assert (verdict.broken, verdict.invalid, verdict.left) == ([], "", left)


@pytest.mark.longest
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", ["key/issuers", "key/wifi_password", "key/code"])
def test_a_pull_leaves_a_loudspeaker_that_knows_its_secrets_in_the_end(setting, kind):
    start, _ = started("speaker")
    verdict = trial.judge(start, at("speaker", f"settings write {setting}", kind))
    assert (verdict.broken, verdict.invalid, verdict.left) == ([], "", "complete, a key")


@pytest.mark.long
def test_a_pull_that_does_not_come_is_no_judgement():
    verdict = trial.judge(started("bare")[0], Pull(99_999, REQUEST))
    assert "it did not fire: the batch has" in verdict.invalid and not verdict.broken


# Hosts with a fault: the oracle has to see it


@pytest.mark.longest
def test_a_key_that_is_sent_twice_is_seen(monkeypatch):
    monkeypatch.setattr(Registry, "was_sent", lambda *_: False)
    monkeypatch.setattr(Registry, "claim", lambda *_: True)
    start, _ = started("bare")
    verdict = trial.judge(start, at("bare", "settings write key/master", REQUEST))
    assert "a key was sent twice" in verdict.broken


@pytest.mark.longest
def test_a_wrong_unit_that_is_taken_is_seen(monkeypatch):
    monkeypatch.setattr(Matcher, "_fitting", lambda self, job, mac: job)
    start, _ = started("bare")
    verdict = trial.judge(start, at("bare", "os write 5", REQUEST))
    assert "a wrong unit in the slot was written" in verdict.broken


@pytest.mark.longest
def test_a_step_that_is_noted_too_early_is_seen(monkeypatch):
    note = Journal.note

    def early(self, unit, mac, step, digest):
        note(self, unit, mac, FLASHED if step == BOUND else step, digest)

    monkeypatch.setattr(Journal, "note", early)
    monkeypatch.setattr(Work, "_note_failure", lambda *_: None)
    start, _ = started("bare")
    verdict = trial.judge(start, at("bare", "flash_defl_data", POWER))
    assert "the journal calls it flashed, and it does not hold its image" in verdict.broken


NOBODY = oracle.Sight(Identity("", b"", 0, b""), 0, -1, False, True)
KEY = Identity("gh-1", b"\0\1", 1, b"k" * 16)
MADE = oracle.Host(
    {"gh-1": {"kid": KEY.kid, "epoch": 1, "state": "provisioning"}},
    {(KEY.kid, 1): (KEY.master, True)},
    {},
    {("gh-1", "lock"): b"its code"},
)


def seen(
    identity: Identity = KEY, reserved: int = 0, in_pieces: bool = False, code: bytes = b""
) -> oracle.Sight:
    return oracle.Sight(identity, reserved, -1, in_pieces, True, code)


@pytest.mark.parametrize(
    ("sight", "before", "said"),
    [
        (NOBODY, NOBODY, ""),
        (seen(), NOBODY, ""),
        (seen(Identity("gh-1", b"", 0, b"")), NOBODY, "it calls itself gh-1 and has no key"),
        (seen(replace(KEY, unit="gh-7")), NOBODY, "it calls itself gh-7"),
        (seen(replace(KEY, kid=b"\0\2")), NOBODY, "does not have for it"),
        (seen(replace(KEY, epoch=2)), NOBODY, "does not have for it"),
        (seen(in_pieces=True), NOBODY, "in pieces"),
        (seen(reserved=64), seen(reserved=128), "went back from 128 to 64"),
        (seen(reserved=128), seen(reserved=64), ""),
        (seen(code=b"its code"), NOBODY, ""),
        (seen(code=b"another"), NOBODY, "a code that the registry does not have"),
    ],
)
def test_what_the_oracle_says_of_a_unit(sight, before, said):
    found = list(oracle.after_pull("gh-1", sight, before, MADE))
    assert (said in found[0]) if said else not found


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ({"code": b""}, "its port does not open by its code"),
        ({"wifi": b"wrong horse"}, "its Wi-Fi has another password"),
        ({"issuers": b""}, "does not know whom to obey"),
        ({}, ""),
    ],
)
def test_what_the_oracle_says_of_a_secret_that_did_not_arrive(secret, said):
    secrets = {("gh-1", "lock"): b"its code", ("gh-1", "wifi password"): b"correct horse"}
    units = {"gh-1": MADE.units["gh-1"] | {"state": "provisioned"}}
    host = replace(MADE, units=units, secrets=secrets, issuers=(b"district",))
    whole = replace(seen(code=b"its code"), wifi=b"correct horse", issuers=b"[district]")
    found = list(oracle.finished("gh-1", replace(whole, **secret), host))
    assert (said in found[0] and len(found) == 1) if said else not found


# The verb


@pytest.mark.longest
def test_the_verb_runs_a_campaign(tmp_path, capsys):
    assert command.pulls(2, None, "bare", 1, tmp_path, True) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["judged"], found["failures"], found["exit_code"]) == (2, [], 0)
    assert json.loads((tmp_path / "pulls.json").read_text())["by_stage"] == found["by_stage"]


def test_exit_codes_tell_broken_promises_from_no_campaign():
    row = {"pull": "4:answer", "operation": "loader sync", "broken": ["x"], "reproduce": "y"}
    assert campaign.Results("bare", 1, judged=3).exit_code == 0
    assert campaign.Results("bare", 1, judged=3, failures=[row]).exit_code == 1
    assert campaign.Results("bare", 1, judged=3, invalid=[row]).exit_code == 2
    assert campaign.Results("bare", 1).exit_code == 2
    said = command.summary(campaign.Results("bare", 1, judged=3, failures=[row]))
    assert "4:answer (loader sync): x" in said and campaign.reproduce("4:answer", "bare") == (
        "fieldbeat bench pulls --story bare --pull 4:answer"
    )


def test_what_is_no_pull_is_refused(tmp_path):
    for kind in KINDS:
        assert command.parse(f"4:{kind}") == Pull(4, kind)
    for text in ("4", "4:half", ":answer"):
        with pytest.raises(CannotTry, match="is no pull"):
            command.parse(text)
    with pytest.raises(CannotTry, match="there is no story x"):
        command.pulls(1, None, "x", 1, None, False)
    with pytest.raises(CannotTry, match="--report is for a campaign"):
        command.pulls(1, "4:answer", "bare", 1, tmp_path, False)
