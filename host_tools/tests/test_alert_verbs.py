"""`fieldbeat alert`: from the command line through a collector to loudspeakers and back."""

import json
import os
import pty
import re
import subprocess
import sys
import termios
import time

import pytest
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.coverage import UNSENT_AFTER_S
from fieldbeat.host_tools.times import DEVICE_EPOCH_S, duration, iso
from fieldbeat.protocols import receipt

from .cap_files import area, info, message
from .conftest import PASSPHRASE
from .loudspeaker import Loudspeaker

LATER = "2030-01-01T00:00:00+08:00"


def run(county, *arguments, signed=True):
    """Run a verb; a send or cancel is confirmed and signed."""
    secret = ["--yes", "--key-file", str(county.folder / "pass")] if signed else []
    return main(["alert", *arguments, *secret])


def send(county, capsys, *arguments):
    """Send an alert and return what is told of it."""
    assert run(county, "send", *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def status(county, capsys, *arguments):
    """Return exit code and coverage."""
    code = run(county, "status", *arguments, "--json", signed=False)
    return code, json.loads(capsys.readouterr().out)


def dead(monkeypatch):
    """Have no collector run while a verb sleeps; return how long it sleeps, in s."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def finish(county, speaker, id_, stage=receipt.DONE, reason="", **more):
    county.now_s = time.time()
    county.say(speaker, speaker.tell(bytes.fromhex(id_), stage, county.now_s, reason, **more))


# Send


def test_an_alert_from_the_command_line_to_the_receipts(county, capsys):
    one, two, three = (county.add(f"sp-{n}") for n in (1, 2, 3))
    far = county.add("sp-4", "hilltop")
    where = ["--level", "1", "--area", "riverside", "--event", "11B06"]
    sent = send(county, capsys, "--text", "洪水,请撤离", *where)
    assert (sent["units"], sent["commands"], sent["issuers"]) == (3, 1, "county")
    assert county.out() == ["sp-1", "sp-2", "sp-3"] and far.got == []
    told = one.got[0]
    assert (told.args.cls, told.args.level, told.args.event) == (2, 1, "11B06")
    assert told.args.content[0] == [0, 1, 3000]
    assert told.args.content[1][:2] == [2, 1]
    assert told.args.content[1][2] == "洪水,请撤离".encode("gbk")
    assert abs(told.expires + DEVICE_EPOCH_S - time.time() - 1800) < 60
    code, found = status(county, capsys)
    assert (code, found["total"]["waiting"]) == (0, 3)

    finish(county, one, sent["id"], proof=b"\1\x80\xf0", hops=[40, 90, 95, 210])
    finish(county, two, sent["id"], receipt.REFUSED, "clip_bad")
    finish(county, three, sent["id"], receipt.STARTED)
    code, found = status(county, capsys, sent["id"][:6])
    assert code == 1  # one of them refused
    assert found["areas"] == [
        {
            "area": "riverside",
            "units": 3,
            "sounded": 2,
            "in_part": 0,
            "stopped": 0,
            "waiting": 0,
            "refused": 1,
            "silent": 0,
            "proven": 1,
            "why": {"clip is damaged": 1},
        }
    ]
    assert [(unit["unit"], unit["state"], unit["stage"]) for unit in found["units"]] == [
        ("sp-1", "sounded", "done"),
        ("sp-2", "refused", "refused"),
        ("sp-3", "sounded", "started"),
    ]
    assert found["units"][0]["hops_ms"] == [40, 90, 95, 210]
    assert run(county, "status", signed=False) == 1
    screen = capsys.readouterr().out
    rows = [" ".join(line.split()) for line in screen.splitlines()]
    assert "riverside 3 2 1 0 1 0 1 x clip is damaged" in rows
    assert "sp-1 riverside sounded done 0.21 s line current 94% of the time" in rows
    assert "How soon they sounded: median 0.21 s, last 0.21 s" in screen


def test_a_restored_registry_is_named_where_its_numbers_are_refused(county, capsys):
    one = county.add("sp-1")
    sent = send(county, capsys, "--drill", "--clip", "test", "--all")
    finish(county, one, sent["id"], receipt.REFUSED, "cmd_counter")
    assert run(county, "status", signed=False) == 1
    screen = " ".join(capsys.readouterr().out.split())
    for word in ("used before", "restored", "new issuer", "provision"):
        assert word in screen


def test_a_silent_drill(county, capsys):
    one = county.add("sp-1")
    sent = send(county, capsys, "--drill", "--silent", "--clip", "test", "--all")
    assert "a silent drill of level 4, the lowest" in sent["summary"][0]
    assert "goes silently to EVERY loudspeaker there is, 1 loudspeaker here" in sent["summary"][1]
    county.out()
    assert one.got[0].args.silent is True and one.got[0].args.cls == 1
    finish(county, one, sent["id"], receipt.SILENT, hops=[1, 2, 3, 450])
    code, found = status(county, capsys)
    assert code == 0 and found["complete"] and found["silent_drill"]
    run(county, "status", signed=False)
    screen = capsys.readouterr().out
    assert "Would sound" in screen and "How soon they would have sounded: median 0.45 s" in screen


def test_a_daily_announcement_has_no_tone_and_is_signed(county, capsys):
    one = county.add("sp-1", groups=(7,))
    window = ["--at", "2029-12-31T16:00:00Z", "--for", "10 min"]
    send_ = ["--daily", "--clip", "news", "--stream", "239.1.2.3:5004", "--group", "7"]
    county.now_s = time.time()
    assert main(["alert", "send", *send_, *window, "--yes"]) == 2  # more than 30 days ahead
    assert "more than 30 days ahead" in capsys.readouterr().err
    sent = send(county, capsys, *send_, "--for", "10 min", "--repeat", "2", "--volume", "30")
    said = sent["summary"][0]
    assert said.startswith(
        "a daily announcement of level 4, the lowest: clip news, then the live "
    )
    assert "live pcmu stream at 239.1.2.3:5004 for up to " in said and "2 times over" in said
    assert '"rtp://239.1.2.3:5004?pkt_size=172"' in sent["talking"][0]
    county.out()
    told = one.got[0].args
    assert [step[0] for step in told.content] == [1, 3] and (told.repeat, told.volume) == (2, 30)
    assert one.got[0].target == 7 and one.got[0].counter


def test_what_to_type_for_a_stream_is_a_line_to_be_copied(county, capsys):
    county.add("sp-1")
    order = ["send", "--level", "1", "--all", "--stream", ":5904", "--codec", "l16"]
    assert run(county, *order) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("ffmpeg -re -i talk.mp3 -ac 1 -ar 16000 -c:a pcm_s16be -rtpflags ")
    assert line.endswith(' -f rtp "rtp://POLE:5904?pkt_size=652"')
    assert "talking" not in send(county, capsys, "--clip", "flood", "--level", "1", "--all")


def test_a_start_in_the_future_is_told_and_sent_at_once(county, capsys):
    one = county.add("sp-1")
    start_s = int(time.time() + 600)
    at = iso(start_s)
    sent = send(county, capsys, "--clip", "x", "--level", "2", "--unit", "sp-1", "--at", at)
    assert f"from {at}, until " in sent["summary"][2] and "(for 30 min)" in sent["summary"][2]
    county.out()
    assert one.got[0].not_before + DEVICE_EPOCH_S == start_s


def test_two_issuers(county, capsys):
    assert main(["issuer", "new", "province", "--key-file", str(county.folder / "pass")]) == 0
    capsys.readouterr()
    one = county.add("sp-1")
    both = ["--issuer", "county", "--issuer", "province"]
    both += ["--key-file", str(county.folder / "pass")]
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all", *both)
    assert sent["issuers"] == "county, province"
    assert run(county, "send", "--clip", "x", "--level", "1", "--all") == 2
    assert "several issuers may order an emergency of level 1, the highest; next: choose with" in (
        capsys.readouterr().err
    )
    one.authority.issuers = {
        each.kid: each.for_units() for each in county.issuers.all() if each.revoked_s is None
    }
    county.out()
    assert one.got[0].counter and county.states(county.desk.all()[0])["sp-1"][0] == "waiting"


def test_who_will_refuse_it_is_told_before_it_is_sent(county, capsys):
    """It is sent all the same: what is known here may be old."""
    county.add("sp-1")
    strict = county.add("sp-2")
    county.registry.describe(strict.name, "provisioned", two_issuers_level=1)
    sent = send(county, capsys, "--clip", "x", "--level", "1", "--all")
    (note,) = sent["notes"]
    assert note.startswith("WILL BE REFUSED at sp-2: two issuers must sign there; name another")
    assert send(county, capsys, "--clip", "x", "--level", "2", "--all")["notes"] == []
    assert main(["issuer", "new", "province", "--key-file", str(county.folder / "pass")]) == 0
    capsys.readouterr()
    new = send(county, capsys, "--clip", "x", "--drill", "--all", "--issuer", "province")
    (note,) = new["notes"]
    assert note.startswith("WILL BE REFUSED at sp-2: province is unknown there")


CANNOT = {
    "nothing to sound": (
        ["--level", "1", "--all"],
        "nobody said what is to be sounded; next: add",
    ),
    "no level": (["--clip", "x", "--all"], "how bad this emergency is; next: add --level"),
    "no place": (["--clip", "x", "--level", "1"], "nobody said which loudspeakers are meant"),
    "no such area": (
        ["--clip", "x", "--level", "1", "--area", "moon"],
        "in or called area 'moon'; next: known: riverside",
    ),
    "loud silence": (["--clip", "x", "--level", "1", "--all", "--silent"], "only a drill can be"),
    "two kinds": (["--clip", "x", "--all", "--drill", "--daily"], "not both; next: choose one"),
    "two ends": (
        ["--clip", "x", "--drill", "--all", "--for", "5 min", "--until", LATER],
        "--for and --until both say when it ends",
    ),
    "no time": (["--clip", "x", "--drill", "--all", "--at", "noon"], "'noon' is no time; next"),
    "no duration": (["--clip", "x", "--drill", "--all", "--for", "5"], "'5' is no duration; next"),
    "over": (
        ["--clip", "x", "--drill", "--all", "--until", "2024-06-01T00:00Z"],
        "would have ended at",
    ),
    "begun": (["--clip", "x", "--drill", "--all", "--at", "2024-06-01T00:00Z"], "have begun at"),
    "no zone": (
        ["--clip", "x", "--drill", "--all", "--at", "2030-01-01T08:30"],
        "which time zone",
    ),
    "a day": (["--clip", "x", "--drill", "--all", "--until", "2030-01-01"], "which time zone"),
    "no clip": (["--clip", "X Y", "--drill", "--all"], "'X Y' is no name of a clip"),
    "emoji": (["--text", "\U0001f30a", "--drill", "--all"], "(U+1F30A) cannot be spoken"),
    "long": (["--text", "水" * 700, "--drill", "--all"], "fit into a datagram; next: shorten"),
    "no issuer": (["--clip", "x", "--drill", "--all", "--issuer", "me"], "no issuer 'me' is in"),
    "twice": (
        ["--clip", "x", "--drill", "--all", "--issuer", "county", "--issuer", "county"],
        "one or two different issuers",
    ),
    "long event": (
        ["--clip", "x", "--drill", "--all", "--event", "flood-warning-level-2"],
        "'flood-warning-level-2', has 21 bytes; next: give a shorter --event: 16 bytes at most",
    ),
    "no cap": (["--cap", "none.xml", "--all"], "none.xml cannot be read: No such file"),
}


@pytest.mark.parametrize(("arguments", "expected"), CANNOT.values(), ids=CANNOT.keys())
def test_what_cannot_be_sent_costs_nothing(county, capsys, arguments, expected):
    county.add("sp-1")
    assert run(county, "send", *arguments) == 2
    said = capsys.readouterr().err
    assert expected in said and "; next: " in said and said.count("\n") == 1
    assert county.desk.all() == [] and county.issuers.get("county").counter == 0


def test_nothing_is_sent_without_a_yes_or_the_key(county, capsys, monkeypatch):
    county.add("sp-1")
    what = ["alert", "send", "--clip", "x", "--drill", "--all"]
    assert main(what) == 2
    said = capsys.readouterr().err
    assert (
        "a drill of level 4" in said and "nobody is there to confirm it; next: add --yes" in said
    )
    assert main([*what, "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and json.loads(said.err)["error"] == "nobody is there to confirm it"
    assert main([*what, "--yes"]) == 2
    assert "no terminal to ask for the passphrase of county" in capsys.readouterr().err
    (county.folder / "pass").write_text("the wrong passphrase")
    (county.folder / "pass").chmod(0o600)
    assert run(county, *what[1:]) == 2
    assert "does not open with this passphrase" in capsys.readouterr().err
    assert county.desk.all() == [] and county.issuers.get("county").counter == 0


def test_a_revoked_issuer_sends_nothing(county, capsys):
    county.add("sp-1")
    county.issuers.revoke("county")
    assert run(county, "send", "--clip", "x", "--drill", "--all") == 2
    assert "no issuer may order a drill of level 4, the lowest" in capsys.readouterr().err


def test_without_a_store_or_a_registry(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    what = ["alert", "send", "--clip", "x", "--drill", "--all", "--yes"]
    assert main(what) == 2
    assert "start 'fieldbeat collect'" in capsys.readouterr().err
    from fieldbeat.host_tools.store import Store

    Store().close()
    assert main(what) == 2
    assert "there is no registry" in capsys.readouterr().err
    assert main(["alert", "status"]) == 2
    assert "no alert was sent yet" in capsys.readouterr().err
    assert not (tmp_path / "registry.sqlite").exists()


def test_a_person_sees_a_summary_and_says_yes_or_no(county):
    """On a terminal: the passphrase is asked for and not shown."""
    county.add("sp-1")
    command = [sys.executable, "-m", "fieldbeat.host_tools.cli", "alert", "send"]
    command += ["--text", "Leave now.", "--level", "1", "--all"]

    def talk(*answers):
        master, slave = pty.openpty()
        with subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        ) as process:
            os.close(slave)
            screen = b""
            for question, answer in answers:
                while question not in screen:
                    screen += os.read(master, 1000)
                if b"Passphrase" in question:  # what came before the echo is off is thrown away
                    while termios.tcgetattr(master)[3] & termios.ECHO and process.poll() is None:
                        pass
                os.write(master, answer)
            while True:
                try:
                    screen += os.read(master, 1000)
                except OSError:  # its end
                    break
            os.close(master)
            return process.wait(), " ".join(screen.decode().split())

    code, screen = talk((b"Send it?", b"n\n"))
    assert code == 1 and "not confirmed, nothing was done" in screen
    assert (
        'an emergency of level 1, the highest: a two-tone tone of 3 s, then says "Leave' in screen
    )
    assert county.desk.all() == []
    secret = f"{PASSPHRASE}\n".encode()
    code, screen = talk((b"Send it?", b"y\n"), (b"Passphrase of county", secret))
    assert code == 1 and "NOBODY has been sent it" in screen and PASSPHRASE not in screen
    assert len(county.desk.all()) == 1


# CAP


def cap_file(county, *infos, **parts):
    file = county.folder / "alert.xml"
    file.write_text(message(*infos, **parts))
    return ["--cap", str(file)]


def test_a_cap_alert(county, capsys):
    one, far = county.add("sp-1"), county.add("sp-2", "hilltop")
    areas = area("Riverside village", "riverside") + area("Moon")
    sent = send(
        county, capsys, *cap_file(county, info("Severe", LATER, areas=areas)), "--for", "1 h"
    )
    assert sent["notes"] == [
        "its area 'Riverside village' reaches 1 by its name (sp-1)",
        "no loudspeaker is in its area 'Moon'",
    ]
    county.out()
    told = one.got[0].args
    assert (told.cls, told.level, told.event) == (2, 2, "11B06") and far.got == []
    assert told.content[1][2] == (
        b"Flood warning. The river Sha stands at 3.20 m and rises. Leave the bank now."
    )


def test_a_cap_exercise_is_a_drill_and_may_be_made_silent(county, capsys):
    one = county.add("sp-1")
    file = cap_file(county, info("Minor", LATER), status="Exercise")
    send(county, capsys, *file, "--for", "5 min", "--silent")
    county.out()
    told = one.got[0].args
    assert (told.cls, told.level, told.silent) == (1, 4, True)


def test_a_cap_alert_is_sent_once_then_updated_then_cancelled(county, capsys):
    one = county.add("sp-1")
    window = ["--for", "1 h"]
    first = send(county, capsys, *cap_file(county, info("Minor", LATER)), *window)
    assert run(county, "send", *cap_file(county, info("Minor", LATER)), *window) == 2
    assert f"this message was sent as alert {first['id']} at" in capsys.readouterr().err
    county.out()
    reference = "flood@county.example,FL-2024-17,2024-06-01T19:59:00+08:00"
    update = {"identifier": "FL-2024-18", "kind": "Update", "references": reference}
    second = send(county, capsys, *cap_file(county, info("Extreme", LATER), **update), *window)
    assert second["notes"][1:] == [f"alert {first['id']} is cancelled, this is its update"]
    county.now_s = time.time() + 1
    county.out()
    kinds = [(each.command, each.args if each.command == 2 else None) for each in one.got]
    assert sorted(kinds[1:], key=str) == [(1, None), (2, bytes.fromhex(first["id"]))]

    cancel = {"identifier": "FL-2024-19", "kind": "Cancel"}
    again = "flood@county.example,FL-2024-18,2024-06-01T11:59:00-00:00"
    assert run(county, "send", *cap_file(county, **cancel, references=again)) == 0
    said = capsys.readouterr()
    assert f"alert {second['id']} is cancelled" in said.out
    county.now_s += 1
    county.out()
    assert one.got[-1].args == bytes.fromhex(second["id"])
    assert run(county, "send", *cap_file(county, **cancel, references=again)) == 2
    assert "nothing that sounds now was sent for the messages that it" in capsys.readouterr().err


def test_a_cap_alert_that_is_over_may_be_sent_wider(county, capsys):
    one, far = county.add("sp-1"), county.add("sp-2", "hilltop")
    file, window = cap_file(county, info("Minor", LATER)), ["--for", "1 h"]
    first = send(county, capsys, *file, "--area", "riverside", *window)
    county.out()
    assert run(county, "send", *file, "--all", *window) == 2
    assert "cancel it first" in capsys.readouterr().err
    finish(county, one, first["id"])
    wider = send(county, capsys, *file, "--all", *window)
    (note,) = wider["notes"]
    assert note.startswith(f"this message was sent as alert {first['id']} at ")
    assert note.endswith("which is over; it SOUNDS AGAIN where it has sounded")
    assert wider["id"] != first["id"]
    county.out()
    assert len(one.got) == 2 and len(far.got) >= 1
    assert run(county, "send", *file, "--all", *window) == 2  # now that one counts
    assert f"sent as alert {wider['id']}" in capsys.readouterr().err


def test_an_update_leaves_what_is_over_alone(county, capsys):
    one = county.add("sp-1")
    first = send(county, capsys, *cap_file(county, info("Minor", LATER)), "--for", "1 h")
    county.out()
    finish(county, one, first["id"])
    reference = "flood@county.example,FL-2024-17,2024-06-01T19:59:00+08:00"
    update = {"identifier": "FL-2024-18", "kind": "Update", "references": reference}
    sent = send(county, capsys, *cap_file(county, info("Minor", LATER), **update), "--for", "1 h")
    assert not any("is cancelled" in note for note in sent["notes"])


def test_a_cap_alert_that_is_not_decided(county, capsys):
    county.add("sp-1")
    assert run(county, "send", *cap_file(county, info("Unknown", LATER))) == 2
    assert "its severity is Unknown; next: decide with --level" in capsys.readouterr().err
    nowhere = info("Minor", LATER, areas=area("Moon") + area("Mars", "4"))
    assert run(county, "send", *cap_file(county, nowhere)) == 2
    assert "it names 'Moon', 'Mars', and no loudspeaker is there; next: choose with --area" in (
        capsys.readouterr().err
    )
    assert run(county, "send", *cap_file(county, info())) == 2  # of 2024
    assert "the alert expired at 2024-06-01T13:00:00Z; next: ask its" in capsys.readouterr().err
    assert county.desk.all() == []


def test_a_long_cap_text_is_shortened_to_what_matters(county, capsys):
    one = county.add("sp-1")
    long = message(info("Minor", LATER)).replace("stands at 3.20 m", "stands high " * 150)
    (county.folder / "long.xml").write_text(long)
    sent = send(county, capsys, "--cap", str(county.folder / "long.xml"), "--for", "1 h")
    assert "only part of it is spoken" in sent["notes"][-1]
    county.out()
    assert one.got[0].args.content[1][2] == b"Flood warning. Leave the bank now."


# Cancel, status


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
    assert "next: start 'fieldbeat collect': it still goes out until 20" in said.err
    assert "or end it with 'fieldbeat alert cancel" in said.err and said.out == ""
    assert sum(slept) == pytest.approx(UNSENT_AFTER_S)
    assert run(county, *what, "--json") == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["sent"] is False and json.loads(said.err)["exit_code"] == 1
    county.store.database.write("UPDATE orders SET made_s = made_s - 4")
    code, found = status(county, capsys)
    assert code == 1 and found["sent"] is False and found["total"]["silent"] == 1
    assert found["total"]["why"] == {"not sent: does 'fieldbeat collect' run?": 1}


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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90 s", 90), ("30 min", 1800), ("30m", 1800), ("2h", 7200), ("1.5 h", 5400), ("1 d", 86400)],
)
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "0 s", "-1 s", "1 week", "h", "1 h 30"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError):
        duration(text)


# Areas that are drawn

BEND = "30.0,114.0 30.0,115.0 31.0,115.0 31.0,114.0 30.0,114.0"


def drawn(name="The bend", polygon=(), circle=(), codes=()):
    more = "".join(f"<polygon>{each}</polygon>" for each in polygon)
    more += "".join(f"<circle>{each}</circle>" for each in circle)
    return area(name, *codes).replace("</areaDesc>", "</areaDesc>" + more)


def place(county, name, latitude, longitude):
    county.registry.describe(name, "test", latitude=latitude, longitude=longitude)


def test_a_drawn_area_reaches_who_is_in_it_and_says_so(county, capsys):
    speakers = [county.add(f"sp-{n}", "hilltop") for n in range(1, 6)]
    place(county, "sp-1", 30.5, 114.5)  # in the polygon
    place(county, "sp-2", 30.5, 115.5)  # outside of everything
    place(county, "sp-3", 32.0, 116.0)  # 11 km from the middle of the circle
    place(county, "sp-4", 32.15, 116.0)  # 6 km beyond it
    areas = drawn(polygon=[BEND]) + drawn("The dam", circle=["32.1,116.0 11.2"])
    file = cap_file(county, info("Minor", LATER, areas=areas))
    sent = send(county, capsys, *file, "--for", "1 h")
    assert sent["notes"] == [
        "its area 'The bend' reaches 1 by its coordinates (sp-1)",
        "its area 'The dam' reaches 2 by its coordinates (sp-3, sp-4)",
        "1 loudspeaker without coordinates cannot be found by a polygon: sp-5",
    ]
    county.out()
    assert [len(each.got) for each in speakers] == [1, 0, 1, 1, 0]


def test_names_and_drawings_of_an_area_are_one(county, capsys):
    one, two, three = (county.add(f"sp-{n}", site) for n, site in enumerate("abc", 1))
    place(county, "sp-1", 30.5, 114.5)
    place(county, "sp-2", 10.0, 10.0)
    areas = drawn(polygon=[BEND], codes=["b"])
    sent = send(
        county, capsys, *cap_file(county, info("Minor", LATER, areas=areas)), "--for", "1 h"
    )
    assert sent["units"] == 2
    assert sent["notes"][0] == (
        "its area 'The bend' reaches 1 by its coordinates (sp-1) and 1 by its name (sp-2)"
    )
    county.out()
    assert (len(one.got), len(two.got), len(three.got)) == (1, 1, 0)


@pytest.mark.parametrize(
    ("polygon", "circle", "expected"),
    [
        ([BEND.replace("30.0", "40.0")], (), "no loudspeaker is there"),
        ((), ["0,0 100"], "no loudspeaker is there"),
        ((), ["0,0"], "<circle> is '0,0'"),
        ((), ["0,0 nan"], "<circle> is '0,0 nan'"),
        ((), ["0,0 -1"], "<circle> is '0,0 -1'"),
        ((), ["0,181 5"], "<circle> has the point '0,181'"),
        ((), ["5"], "<circle> is '5'"),
        ([BEND.rsplit(" ", 1)[0]], (), "<polygon> is not closed"),
        (["30,114 30,115 30,114"], (), "<polygon> is not closed"),
        ([""], (), "<polygon> is not closed"),
        ([BEND.replace("31.0,115.0", "31.0;115.0")], (), "<polygon> has the point '31.0;115.0'"),
        ([BEND.replace("31.0,115.0", "91.0,115.0")], (), "<polygon> has the point '91.0,115.0'"),
        ([BEND.replace("31.0,115.0", "nan,115.0")], (), "<polygon> has the point 'nan,115.0'"),
        ([BEND, BEND.replace("31.0", "inf")], (), "<polygon> has the point 'inf,115.0'"),
        (["1,1 " * 1001, "1,1 " * 1000], (), "more than 2000 points"),
    ],
)
def test_a_drawn_area_that_reaches_nobody_or_is_damaged(county, capsys, polygon, circle, expected):
    county.add("sp-1")
    place(county, "sp-1", 30.5, 114.5)
    county.add("sp-2")
    areas = drawn(polygon=polygon, circle=circle)
    assert run(county, "send", *cap_file(county, info("Minor", LATER, areas=areas))) == 2
    assert expected in capsys.readouterr().err
    assert county.desk.all() == []


def test_nobody_has_coordinates(county, capsys):
    county.add("sp-1")
    areas = drawn(polygon=[BEND])
    assert run(county, "send", *cap_file(county, info("Minor", LATER, areas=areas))) == 2
    assert (
        "no loudspeaker is there; 1 loudspeaker without coordinates cannot be found by a "
        "polygon: sp-1; next: choose with --area"
    ) in capsys.readouterr().err


def test_a_table_of_places(county, capsys, tmp_path):
    county.add("sp-1")
    county.add("sp-2")
    table = tmp_path / "places.csv"
    table.write_text("unit,latitude,longitude\nsp-1, 30.5, 114.5\n\n")
    assert main(["config", "locate", str(table), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"located": ["sp-1"], "without": ["sp-2"]}
    assert county.registry.unit("sp-1").place == (30.5, 114.5)
    for text, expected in (
        ("sp-1,30.5,114.5\n", "another head"),
        ("unit,latitude,longitude\nsp-1,30.5\n", "line 2 has no unit and place"),
        ("unit,latitude,longitude\nsp-1,30.5,181\n", "line 2 has no unit and place"),
        ("unit,latitude,longitude\nsp-1,1,1\nsp-1,2,2\n", "line 3 names a unit twice"),
        ("unit,latitude,longitude\nsp-2,1,1\nsp-9,2,2\n", "has no unit sp-9"),
    ):
        table.write_text(text)
        assert main(["config", "locate", str(table)]) == 2
        assert expected in capsys.readouterr().err
    assert county.registry.unit("sp-2").place is None
