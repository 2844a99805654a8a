"""Orders out of CAP messages: sent once, updated, cancelled, and for areas that are drawn."""

import json
import re
import time

import pytest
from fieldbeat.host_tools.cli import main

from .alert_verbs import LATER, finish, run, send
from .cap_files import area, info, message


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


def test_an_info_that_is_not_sent_is_named_with_whom_it_would_reach(county, capsys):
    one, far = county.add("sp-1"), county.add("sp-2", "hilltop")
    english = info("Severe", LATER)
    chinese = info("Severe", LATER, "洪水", "zh-CN", area("Hill", "hilltop"))
    both = cap_file(county, english, chinese)
    sent = send(county, capsys, *both, "--for", "1 h")
    assert sent["notes"][1:] == [
        "NOT REACHED: sp-2, where its info in zh-CN is for; send that as well: --language zh-CN"
    ]
    county.out()
    assert far.got == []
    sent = send(county, capsys, *both[:2], "--language", "zh-CN", "--for", "1 h")
    assert any("NOT REACHED: sp-1, where its info in en-GB" in note for note in sent["notes"])
    county.now_s = time.time() + 1
    county.out()
    assert "洪水".encode("gbk") in far.got[0].args.content[1][2] and len(one.got) == 1
    assert run(county, "send", *both, "--for", "1 h") == 2
    assert "this message was sent as alert" in capsys.readouterr().err


def test_what_no_chip_speaks_is_left_out_of_a_message_and_named(county, capsys):
    one = county.add("sp-1")
    file = cap_file(county, info("Severe", LATER, headline="Flood \N{WATER WAVE} at 𠮷"))
    sent = send(county, capsys, *file, "--for", "1 h")
    (note,) = sent["notes"][1:]
    assert note.startswith("LEFT OUT, for no TTS chip speaks it: '\N{WATER WAVE}' (U+1F30A), '𠮷'")
    county.out()
    assert one.got[0].args.content[1][2].startswith(b"Flood at. The river")


def test_an_old_message_without_an_end_is_told_as_such(county, capsys):
    county.add("sp-1")
    text = re.sub("<expires>.*</expires>", "", info("Severe"))
    sent = send(county, capsys, *cap_file(county, text), "--for", "1 h")
    assert sent["notes"][1].startswith("the message is of 2024-06-01T11:59:00Z, and does not say")


def test_a_message_that_all_is_clear_is_told_as_such(county, capsys):
    county.add("sp-1")
    text = info("Severe", LATER).replace("Evacuate", "AllClear")
    sent = send(county, capsys, *cap_file(county, text), "--for", "1 h")
    assert sent["notes"][1:] == ["the message says that the danger is over (Past, or AllClear)"]


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
