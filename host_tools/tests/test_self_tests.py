"""Self-tests: ordered, told, and shown where somebody looks at alerts."""

import json
import time

import pytest
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.self_test_times import NEVER, SelfTest, parse
from fieldbeat.host_tools.self_tests import TOO_LONG_S, last
from fieldbeat.protocols import command, event, receipt
from fieldbeat.protocols.reason_codes import CODES

from .alert_verbs import run, status

DAY_S = 86_400


def say_tested(county, speaker, ago_s=0.0, failed=(), **more):
    """Let a loudspeaker tell of a self-test."""
    body = {
        event.SELF_TEST_SCHEDULED: True,
        event.SELF_TEST_SILENT: False,
        event.SELF_TEST_FAILED: [CODES[name] for name in failed],
    }
    body |= {getattr(event, f"SELF_TEST_{name.upper()}"): value for name, value in more.items()}
    now_s = time.time()
    county.now_s = now_s
    county.say(speaker, speaker.seal([speaker.event(event.SELF_TEST, body, now_s - ago_s)]))


def trouble(county, name):
    (test,) = last(county.store, [name])
    return test.trouble(time.time())


def test_a_self_test_is_ordered_and_its_receipts_are_shown(county, capsys):
    one, two = county.add("sp-1"), county.add("sp-2")
    assert run(county, "test", "--silent", "--all", "--json") == 0
    sent = json.loads(capsys.readouterr().out)
    assert sent["summary"][0] == "a silent self-test" and sent["units"] == 2
    county.out()
    assert (one.got[0].command, one.got[0].args) == (command.SELFTEST, True)
    id_ = bytes.fromhex(sent["id"])
    county.say(one, one.tell(id_, receipt.DONE, time.time()))
    county.say(two, two.tell(id_, receipt.INTERRUPTED, time.time(), "no_mains"))
    code, found = status(county, capsys, sent["id"][:6])
    assert (code, found["kind"]) == (1, "self-test")
    assert [(u["state"], u["why"]) for u in found["units"]] == [
        ("passed", None),
        ("refused", "no mains"),
    ]
    assert run(county, "status", sent["id"], signed=False) == 1
    assert "Passed" in capsys.readouterr().out


def test_an_audible_one_is_aloud_and_nobody_needs_to_sign_a_question(county, capsys):
    one = county.add("sp-1")
    assert run(county, "test", "--unit", "sp-1") == 0
    assert run(county, "ask", "--area", "riverside", signed=False) == 0
    county.out()
    assert {(each.command, each.args) for each in one.got} == {
        (command.SELFTEST, False),
        (command.STATUS, None),
    }
    assert run(county, "test") == 2 and run(county, "ask", "--unit", "sp-9", signed=False) == 2
    assert "nobody said which" in capsys.readouterr().err


def test_who_failed_and_who_did_not_for_too_long(county, capsys):
    good, bad, old, never = (county.add(f"sp-{n}") for n in (1, 2, 3, 4))
    say_tested(county, good, proof=b"\1\x80\xf0", missed=2)
    say_tested(county, bad, 60)
    say_tested(county, bad, 30, ("no_sound", "battery_low"), battery_mv=10_900)
    say_tested(county, old, TOO_LONG_S + DAY_S)
    assert trouble(county, good.name) == ""
    assert trouble(county, bad.name).endswith("failed: no sound measured, battery low")
    assert trouble(county, old.name) == "no self-test for 36 d"
    assert trouble(county, never.name) == "no self-test is known"
    run(county, "send", "--daily", "--text", "Market day.", "--all")
    county.out()
    capsys.readouterr()
    run(county, "status", signed=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "sp-2: self-test of" in said and "no sound measured, battery low" in said
    assert "Not told of a self-test yet: sp-4" in said
    assert "Not tested for 35 d: sp-3" in said and "sp-1: self-test" not in said
    code, found = status(county, capsys)
    assert [test["trouble"] is None for test in found["self_tests"]] == [True, False, False, False]
    assert main(["show", "--json"]) == 0
    units = {unit["name"]: unit for unit in json.loads(capsys.readouterr().out)["units"]}
    assert [units[f"sp-{n}"]["self_test_bad"] for n in (1, 2, 3, 4)] == [False, True, True, True]
    assert units["sp-1"]["self_test"].startswith("audible self-test passed")
    assert units["sp-1"]["self_test"].endswith("2 before it did not run")
    assert main(["show"]) == 0
    assert "sp-3: no self-test for 36 d" in capsys.readouterr().out


def test_one_that_did_not_run_is_no_failure_of_the_pole(county):
    one = county.add("sp-1")
    say_tested(county, one, failed=("preempted",))
    assert trouble(county, "sp-1").endswith("did not run: another alert went before")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", NEVER),
        ("every day at 03:00", SelfTest(DAY_S, 3 * 3600, True)),
        ("Every 14 days at 10:30 aloud", SelfTest(14 * DAY_S, 10 * 3600 + 1800, False)),
        ("every 1 days 00:00 silent", SelfTest(DAY_S, 0, True)),
        ("monday 00:01", SelfTest(7 * DAY_S, 60, True)),
        (" sunday  at 23:59 aloud ", SelfTest(7 * DAY_S, 7 * DAY_S - 60, False)),
    ],
)
def test_when_it_is(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "mondays",
        "at 03:00",
        "every day at 3:00",
        "every day at 24:00",
        "every day at 23:60",
        "every 0 days at 03:00",
        "every 367 days at 03:00",
        "every day at 03:00 loud",
        "every -1 days at 03:00",
    ],
)
def test_what_is_no_time_of_a_self_test(text):
    with pytest.raises(ValueError, match="write for instance|a time is 00:00"):
        parse(text)
