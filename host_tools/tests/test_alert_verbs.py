"""`fieldbeat alert`: from the command line through a collector to loudspeakers and back."""

import json
import os
import pty
import subprocess
import sys
import termios
import time

import pytest
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.times import DEVICE_EPOCH_S, duration, iso
from fieldbeat.protocols import receipt

from .alert_verbs import LATER, finish, run, send, status
from .conftest import PASSPHRASE


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


def test_what_nobody_will_hear_is_told(county, capsys):
    county.add("sp-1")
    short = send(
        county, capsys, "--text", "Leave the bank.", "--level", "1", "--all", "--for", "3 s"
    )
    assert short["summary"][3].startswith(
        "its time is over BEFORE IT IS SAID ONCE, which takes 4 s"
    )
    mute = ["--text", "x", "--volume", "0", "--all"]
    assert send(county, capsys, *mute, "--daily")["summary"][3].startswith("NOBODY HEARS IT")
    loud = send(county, capsys, *mute, "--level", "1")
    assert loud["summary"][3].startswith("no emergency is that quiet")
    assert len(send(county, capsys, *mute, "--drill", "--silent")["summary"]) == 3


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
