"""What became of an alert: cancelled, over, waited for, followed, and sent to nobody."""

import json
import re
import time
from contextlib import contextmanager

import pytest
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.coverage import UNSENT_AFTER_S
from fieldbeat.host_tools.database import Database
from fieldbeat.protocols import receipt

from .alert_verbs import dead, finish, run, send, status
from .loudspeaker import Loudspeaker


def test_cancel(county, capsys):
    one = county.add("sp-1")
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    county.out()
    assert main(["alert", "cancel", sent["id"][:5], "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and json.loads(said.err)["exit_code"] == 2
    assert run(county, "cancel", sent["id"][:5]) == 0
    said = capsys.readouterr()
    assert f"cancels alert {sent['id']}: an emergency of level 1" in said.err
    assert f"alert {sent['id']} is cancelled; see who stopped" in said.out
    assert "at 1 loudspeaker, signed by county" in said.err
    county.now_s = time.time() + 1
    county.out()
    assert one.got[-1].command == 2 and one.got[-1].args == bytes.fromhex(sent["id"])
    finish(county, one, sent["id"], receipt.INTERRUPTED, "cancelled")
    code, found = status(county, capsys)
    assert code == 0 and found["total"]["why"] == {"cancelled": 1} and found["cancelled_s"]
    assert found["total"]["stopped"] == 1 and found["units"][0]["state"] == "stopped"
    assert run(county, "cancel", sent["id"]) == 2
    assert "was cancelled at" in capsys.readouterr().err
    assert run(county, "cancel", "ffff") == 2
    assert "no order has an id 'ffff'; next: see 'fieldbeat alert" in capsys.readouterr().err


def test_a_cancel_that_is_refused_is_told_and_can_be_made_good(county, capsys):
    one = county.add("sp-1")
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all", "--issuer", "county")
    county.out()
    finish(county, one, sent["id"], receipt.STARTED)
    assert main(["issuer", "new", "late", "--key-file", str(county.folder / "pass")]) == 0
    county.say(one, one.issuers(time.time()))
    capsys.readouterr()
    assert run(county, "cancel", sent["id"], "--issuer", "late") == 0
    assert "WILL BE REFUSED at sp-1: late is unknown there" in capsys.readouterr().err
    county.now_s = time.time() + 1
    county.out()
    finish(county, one, one.got[-1].id.hex(), receipt.REFUSED, "cmd_issuer")
    code, found = status(county, capsys, sent["id"])
    assert code == 1
    assert found["units"][0]["why"].startswith("GOES ON, its cancel was refused: issuer unknown")
    assert found["state"].endswith(", and GOES ON at 1 loudspeaker")
    assert run(county, "list", "--json", signed=False) == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] == found["state"]
    assert run(county, "cancel", sent["id"]) == 0  # by who has ordered it
    said = capsys.readouterr()
    assert "is cancelled" in said.out and "signed by county" in said.err
    county.now_s = time.time() + 2
    county.out()
    finish(county, one, one.got[-1].id.hex())
    assert status(county, capsys, sent["id"])[0] == 0
    assert run(county, "cancel", sent["id"], "--issuer", "county") == 2


def test_a_cancel_that_is_refused_at_once_is_told_at_once(county, capsys, monkeypatch):
    one = county.add("sp-1")
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    county.out()
    finish(county, one, sent["id"], receipt.STARTED)

    def refuses(_):
        county.now_s = time.time() + 1
        county.out()
        finish(county, one, one.got[-1].id.hex(), receipt.REFUSED, "cmd_rights")

    monkeypatch.setattr(time, "sleep", refuses)
    assert run(county, "cancel", sent["id"]) == 1
    said = capsys.readouterr()
    assert f"alert {sent['id']} GOES ON: sp-1 refused its cancel; next: see why" in said.err
    assert "is cancelled" not in said.out


def test_a_cancel_of_what_is_over_says_so_and_does_nothing(county, capsys):
    one, two = county.add("sp-1"), county.add("sp-2")
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    county.out()
    finish(county, one, sent["id"])
    made = len(county.desk.all())
    finish(county, two, sent["id"], receipt.REFUSED, "cmd_rights")
    assert run(county, "cancel", sent["id"]) == 2
    said = capsys.readouterr()
    assert f"alert {sent['id']} is over: everyone has told how it ended; next: noth" in said.err
    assert said.out == "" and len(county.desk.all()) == made


def test_a_cancel_goes_out_while_one_has_not_told(county, capsys):
    one, _two = county.add("sp-1"), county.add("sp-2")
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    county.out()
    finish(county, one, sent["id"])
    assert run(county, "cancel", sent["id"]) == 0
    assert "is cancelled" in capsys.readouterr().out


def test_after_its_window_who_has_not_told_is_named(county, capsys):
    one, _two = county.add("sp-1"), county.add("sp-2")
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all", "--for", "1 s")
    county.out()
    finish(county, one, sent["id"])
    county.desk._database.write("UPDATE orders SET expires_s = ?", time.time() - 1)
    assert run(county, "cancel", sent["id"]) == 2
    said = capsys.readouterr()
    assert "sp-2 did not tell how; next: nothing is left to cancel" in said.err


def test_who_does_not_have_a_clip_is_named_before_it_is_sent(county, capsys):
    county.add("sp-1")  # an older one, that told nothing
    for name, clips in (("sp-2", "flood test"), ("sp-3", "test"), ("sp-4", ""), ("sp-5", "a ...")):
        pole = county.add(name)
        county.say(pole, pole.issuers(county.now_s, clips))
    wanted = ["send", "--clip", "flood", "--level", "2", "--all"]
    assert main(["alert", *wanted]) == 2  # nobody is there to confirm it
    said = " ".join(capsys.readouterr().err.split())
    assert "NOT THERE at sp-3, sp-4: clip flood; they would answer clip_missing" in said
    assert not county.desk.all()
    (note,) = send(county, capsys, *wanted[1:])["notes"]  # with --yes it goes
    assert note.startswith("NOT THERE at sp-3, sp-4: clip flood")
    assert send(county, capsys, "--text", "Test", "--drill", "--all")["notes"] == []


def test_what_sounded_in_part_has_its_reason(county, capsys):
    one = county.add("sp-1")
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    county.out()
    more = {"proof": b"\1\x80\xf0", "hops": [1, 2, 3, 90]}
    finish(county, one, sent["id"], receipt.INTERRUPTED, "clip_missing", **more)
    assert run(county, "status", signed=False) == 1
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert any("Proven In part Waiting" in row for row in rows)
    assert "riverside 1 0 1 1 0 0 0 1 x clip is not there" in rows
    assert any(row.startswith("sp-1 riverside in part interrupted") for row in rows)


def test_who_is_silent_is_named(county, capsys):
    county.add("sp-1")
    Loudspeaker(county.registry, "sp-2", issuers=(county.signer.issuer,))
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    assert sent["summary"][3] == "1 of them never sent anything, and get it only when they do"
    county.store.database.write("UPDATE orders SET made_s = made_s - 60")
    county.store.database.write("UPDATE deliveries SET first_s = first_s - 60")
    code, found = status(county, capsys)
    assert code == 1
    assert found["total"]["why"] == {
        "does not answer": 1,
        "never heard of, so no address is known": 1,
    }


@pytest.mark.parametrize("wait", [[], ["--wait", "30"]])
def test_where_no_collector_runs_nobody_is_sent_it_and_it_is_said(
    county, capsys, monkeypatch, wait
):
    county.add("sp-1")
    slept = dead(monkeypatch)
    what = ["send", "--clip", "x", "--level", "2", "--all", *wait]
    assert run(county, *what) == 1
    said = capsys.readouterr()
    assert "is ordered, but NOBODY has been sent it: does 'fieldbeat collect' run?" in said.err
    assert (
        "next: start 'fieldbeat collect', or read what it says: it still goes out until 20"
        in said.err
    )
    assert "or end it with 'fieldbeat alert cancel" in said.err and said.out == ""
    assert sum(slept) == pytest.approx(UNSENT_AFTER_S)
    assert run(county, *what, "--json") == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["sent"] is False and json.loads(said.err)["exit_code"] == 1
    county.store.database.write("UPDATE orders SET made_s = made_s - 4")
    code, found = status(county, capsys)
    assert code == 1 and found["sent"] is False and found["total"]["silent"] == 1
    assert found["total"]["why"] == {"not sent: does 'fieldbeat collect' run?": 1}


def test_a_clock_that_is_behind_is_named_and_not_the_collector(county, capsys, monkeypatch):
    one = county.add("sp-1")
    county.now_s = time.time() + 86_400
    county.say(one, one.hello())
    dead(monkeypatch)
    assert run(county, "send", "--clip", "x", "--level", "1", "--all") == 1
    said = capsys.readouterr().err
    assert said.count("the clock of this computer is wrong, or was") == 2
    assert "NOBODY has been sent it: the clock of" in said and "sp-1 was heard at" in said
    assert "next: if it is wrong, set it and order it again; if it was, start" in said
    assert "'fieldbeat collect': it still goes out until 20" in said and "collect' run" not in said


def test_a_clock_that_is_ahead_shows_by_who_was_not_heard(county, capsys):
    one = county.add("sp-1")
    county.now_s = time.time() - 86_400
    county.say(one, one.hello())
    assert run(county, "send", "--clip", "x", "--level", "1", "--all") == 0
    said = capsys.readouterr().err
    assert "NOBODY of them was heard since 20" in said and "is the clock of this computer" in said
    county.say(one, one.hello())
    assert run(county, "send", "--clip", "x", "--level", "1", "--all") == 0
    assert "NOBODY of them" not in capsys.readouterr().err


def test_who_was_never_heard_of_is_sent_nothing_yet(county, capsys):
    Loudspeaker(county.registry, "sp-2", issuers=(county.signer.issuer,))
    assert run(county, "send", "--clip", "x", "--level", "1", "--all") == 1
    said = capsys.readouterr().err
    assert "NOBODY has been sent it: never heard of" in said and "until one of them speaks" in said


def test_a_cancel_that_nobody_was_sent_is_told_as_such(county, capsys, monkeypatch):
    one = county.add("sp-1")
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    county.out()
    finish(county, one, sent["id"], receipt.STARTED)
    dead(monkeypatch)
    assert run(county, "cancel", sent["id"][:6]) == 1
    said = capsys.readouterr()
    assert "GOES ON: its cancel is ordered, but NOBODY has been sent it" in said.err
    assert "is cancelled" not in said.out
    county.store.database.write("UPDATE orders SET cancelled_s = cancelled_s - 4")
    code, found = status(county, capsys, sent["id"])
    assert code == 1
    assert found["total"]["why"] == {"its cancel is not sent: does 'fieldbeat collect' run?": 1}
    county.now_s = time.time() + 1
    county.out()  # it runs again
    finish(county, one, sent["id"], receipt.INTERRUPTED, "cancelled")
    assert status(county, capsys, sent["id"])[0] == 0


def test_ctrl_c_while_it_is_written_says_that_it_is_ordered(county, capsys, monkeypatch):
    """The signal comes when the disk has taken it: whoever orders it again has it sound twice."""
    county.add("sp-1")
    transaction = Database.transaction

    @contextmanager
    def slow(database):
        is_outer = not database._connection.in_transaction
        with transaction(database):
            yield
        if is_outer and database.path.name == "store.sqlite":
            raise KeyboardInterrupt

    monkeypatch.setattr(Database, "transaction", slow)
    assert run(county, "send", "--clip", "x", "--level", "1", "--all") == 130
    said = capsys.readouterr().err
    (order,) = county.desk.all()
    look = f"fieldbeat alert status {order.id.hex()[:6]}"
    assert f"is ordered and goes on; next: see '{look}'" in said


def test_what_nobody_was_sent_is_cancelled_without_a_collector(county, capsys, monkeypatch):
    county.add("sp-1")
    dead(monkeypatch)
    assert run(county, "send", "--clip", "x", "--level", "1", "--all") == 1
    id_ = county.desk.all()[0].id.hex()
    assert run(county, "cancel", id_) == 0
    assert "is cancelled" in capsys.readouterr().out
    assert status(county, capsys, id_)[1]["total"]["why"] == {"cancelled before it was sent": 1}


def test_ctrl_c_says_that_the_alert_goes_on(county, capsys, monkeypatch):
    one = county.add("sp-1")

    def sleep(_):
        if one.got:
            raise KeyboardInterrupt
        county.now_s = time.time()
        county.out()
        county.collector.flush()

    monkeypatch.setattr(time, "sleep", sleep)
    assert run(county, "send", "--clip", "x", "--level", "1", "--all", "--wait", "30") == 130
    said = capsys.readouterr().err
    id_ = county.desk.all()[0].id.hex()
    assert f"error: alert {id_} is ordered and goes on; next: see 'fieldbeat alert status" in said
    assert f"end it with 'fieldbeat alert cancel {id_[:6]}'" in said and "same command" not in said


@pytest.mark.parametrize(("verb", "word"), [("ask", "answered"), ("test", "passed")])
def test_who_has_answered_has_not_sounded(county, capsys, verb, word):
    one = county.add("sp-1")
    signed = verb == "test"
    assert run(county, verb, *["--silent"] * signed, "--all", signed=signed) == 0
    county.out()
    order = county.desk.all()[0].id.hex()
    finish(county, one, order)
    capsys.readouterr()
    code, found = status(county, capsys, order)
    assert code == 0 and found["complete"] and found["units"][0]["state"] == word
    assert found["total"][word] == 1 and "sounded" not in json.dumps(found)
    run(county, "status", order, signed=False)
    screen = capsys.readouterr().out
    assert word.capitalize() in screen and "ounded" not in screen


def test_a_picture_is_no_business_of_loudspeakers(county, capsys):
    one = county.add("cam-1")
    county.registry.describe("cam-1", "test", role="camera")
    yes = ["--yes", "--key-file", str(county.folder / "pass")]
    assert main(["pictures", "ask", "cam-1", *yes]) == 0
    county.out()
    order = county.desk.all()[0].id.hex()
    finish(county, one, order)
    capsys.readouterr()
    code, found = status(county, capsys, order)
    assert code == 0 and found["units"][0]["state"] == "taken" and found["self_tests"] == []
    run(county, "status", order, signed=False)
    screen = capsys.readouterr().out
    assert "Taken" in screen and "Units" in screen
    assert not [word for word in ("oudspeaker", "ounded", "self-test", "Proven") if word in screen]


def test_who_asks_for_a_picture_without_an_issuer_is_told_how_to_make_one(county, capsys):
    county.add("cam-1")
    county.registry.describe("cam-1", "test", role="camera")
    county.issuers.revoke("county")
    assert main(["pictures", "ask", "cam-1", "--yes"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "no issuer may order a picture; next: make one with 'fieldbeat issuer new NAME'" in said


def test_the_list_has_what_counts_and_what_was_last(county, capsys):
    assert run(county, "list", signed=False) == 0
    assert "no alert was sent yet; send one" in capsys.readouterr().out
    county.add("sp-1")
    first = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    second = send(county, capsys, "--clip", "y", "--drill", "--all")
    assert run(county, "cancel", first["id"][:6]) == 0
    capsys.readouterr()
    assert run(county, "list", "--json", signed=False) == 0
    newest, oldest = json.loads(capsys.readouterr().out)
    assert [newest["id"], oldest["id"]] == [second["id"], first["id"]]
    assert newest["state"].startswith("counts for another 29 min")
    assert oldest["state"].startswith("cancelled at 20")
    for each in (newest, oldest):  # as `status` has it
        found = status(county, capsys, each["id"])[1]
        for one in (each, found):  # a second may have passed between the two
            one["state"] = re.sub(r" \d+ s$", "", one["state"])
        assert each == {name: found[name] for name in each} and each["kind"] == "alert"
    assert run(county, "list", signed=False) == 0
    assert first["id"][:6] in capsys.readouterr().out


def test_what_has_ended_everywhere_is_over_in_the_list(county, capsys):
    one = county.add("sp-1")
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    county.out()
    finish(county, one, sent["id"])
    assert run(county, "list", signed=False) == 0
    said = capsys.readouterr().out
    assert "over everywhere" in said and "counts for another" not in said
    assert status(county, capsys)[1]["state"] == "over everywhere"


def test_waiting_for_the_receipts(county, capsys, monkeypatch):
    """`--wait` looks again and again; here the units answer while it sleeps."""
    one = county.add("sp-1")
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        county.now_s = time.time()
        county.out()
        finish(county, one, one.got[0].id.hex())

    monkeypatch.setattr(time, "sleep", sleep)
    assert run(county, "send", "--clip", "x", "--drill", "--all", "--wait", "20", "--json") == 0
    assert json.loads(capsys.readouterr().out)["complete"] and len(slept) == 1


def test_waiting_goes_on_until_it_has_ended(county, capsys, monkeypatch):
    one = county.add("sp-1")
    answers = [(receipt.STARTED, ""), (receipt.INTERRUPTED, "clip_missing")]

    def sleep(seconds):
        county.now_s = time.time()
        county.out()
        finish(county, one, one.got[0].id.hex(), *answers.pop(0))

    monkeypatch.setattr(time, "sleep", sleep)
    assert run(county, "send", "--clip", "x", "--drill", "--all", "--wait", "20") == 1
    assert answers == [] and "clip is not there" in capsys.readouterr().out


def test_who_has_not_ended_after_the_wait_is_named(county, capsys):
    one = county.add("sp-1")
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    county.out()
    finish(county, one, sent["id"], receipt.STARTED)
    assert run(county, "status", signed=False) == 0
    capsys.readouterr()
    assert run(county, "status", "--wait", "0.01", signed=False) == 1
    assert "not told in 0.01 s how it ended: sp-1" in capsys.readouterr().err


def test_waiting_says_that_no_collector_runs(county, capsys, monkeypatch):
    county.add("sp-1")
    said = []

    def sleep(seconds):
        county.store.database.write("UPDATE orders SET made_s = made_s - 4")
        said.append(capsys.readouterr().err)
        if len(said) == 3:
            county.store.database.write("UPDATE orders SET expires_s = 0")

    dead(monkeypatch)
    assert run(county, "send", "--clip", "x", "--drill", "--all") == 1
    capsys.readouterr()
    monkeypatch.setattr(time, "sleep", sleep)
    assert run(county, "status", "--wait", "20", signed=False) == 1
    assert ["does 'fieldbeat collect' run?" in text for text in said] == [False, True, False]


def test_following_tells_every_change(county, capsys, monkeypatch):
    one = county.add("sp-1")
    send(county, capsys, "--clip", "x", "--drill", "--all")

    def sleep(seconds):
        if county.out() == []:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    assert run(county, "status", "--follow", "--json", signed=False) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["units"][0]["stage"] for line in lines] == [None, "accepted"]
    assert run(county, "status", "--follow", signed=False) == 0
    assert "Coverage" in capsys.readouterr().out and len(one.got) == 1
