"""What a batch shows: to people, in a file, to machines; and its labels."""

import io
import json

import cv2
import numpy as np
import pytest
import segno
from fieldbeat.host_tools import batch_run, batch_view
from fieldbeat.host_tools.batch import Summary
from fieldbeat.host_tools.batch_ports import Place
from fieldbeat.host_tools.batch_work import Event
from fieldbeat.host_tools.unit_labels import UnitLabel, sheet
from rich.console import Console

NEAR, FAR = Place("/dev/ttyUSB0", "1-1.3"), Place("/dev/ttyUSB1")
EVENTS = [
    Event(NEAR, "looking"),
    Event(NEAR, "flashing", "gh-1", "02:00", share=0.25),
    Event(NEAR, "flashing", "gh-1", "02:00", share=0.5),
    Event(NEAR, "provisioning", "gh-1", "02:00", "key"),
    Event(NEAR, "provisioning", "gh-1", "02:00", "config"),
    Event(NEAR, "failed", "gh-1", "02:00", "it is silent", "see to its power"),
    Event(FAR, "not ours", "", "02:01", "no row is left", "unplug it"),
]


def test_lines_for_a_file(capsys):
    view = batch_view.Lines(4)
    for event in EVENTS:
        view.show(event)
    assert capsys.readouterr().out.splitlines() == [
        "-     1-1.3  looking",
        "gh-1  1-1.3  flashing",
        "gh-1  1-1.3  provisioning",
        "gh-1  1-1.3  FAILED: it is silent; next: see to its power",
        "-     /dev/ttyUSB1  NOT OURS: no row is left; next: unplug it",
    ]


def test_lines_for_a_machine(capsys):
    view = batch_view.Machine()
    for event in EVENTS:
        view.show(event)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["state"] for each in told] == [
        *("looking", "flashing", "provisioning", "provisioning", "failed", "not ours")
    ]
    assert told[4] == {
        "event": "unit",
        "unit": "gh-1",
        "port": "/dev/ttyUSB0",
        "slot": "1-1.3",
        "mac": "02:00",
        "state": "failed",
        "detail": "it is silent",
        "next": "see to its power",
    }


@pytest.mark.parametrize("width", [40, 100])
def test_what_is_at_work_moves_on_a_terminal_and_is_read_without_colour(width):
    summary = Summary(["gh-1", "gh-2", "gh-3"], ["gh-3"])
    summary.at_work[NEAR] = EVENTS[2]
    summary.seconds = 61.4
    screen = Console(file=io.StringIO(), width=width, no_color=True)
    screen.print(batch_view.Screen(4).drawn(summary))
    first, *rest = screen.file.getvalue().splitlines()
    assert first.startswith("gh-1  1-1.3  flashing  [#######") and len(first) <= width
    assert " ".join(line.strip() for line in rest) == (
        "1 of 3 done, 1 at work, 0 failed, 1 to come; 1:01"
    )


def test_a_label_says_name_mac_and_board_and_its_code_the_same():
    label = UnitLabel("gh-1", "val<ley", "24:0a:c4:00:00:01", "greenhouse_esp32")
    page = sheet([label, label], "village")
    assert page.count("<section>") == 2 and page.count("<path") >= 2
    for text in ("<b>gh-1</b>", "val&lt;ley", "24:0a:c4:00:00:01", "greenhouse_esp32"):
        assert text in page
    out = io.BytesIO()
    segno.make(label.text, error="m", micro=False).save(out, kind="png", scale=8)
    image = cv2.imdecode(np.frombuffer(out.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE)
    read = cv2.QRCodeDetector().detectAndDecode(image)[0]
    assert read == "FBUNIT1:gh-1:24:0a:c4:00:00:01:greenhouse_esp32"


def test_a_port_that_failed_is_told_where_its_unit_is_done_elsewhere():
    summary = Summary(["gh-1", "gh-2"], ["gh-1"])
    for place, unit in ((NEAR, "gh-1"), (FAR, "gh-2"), (Place("/dev/ttyUSB2"), "")):
        event = Event(place, "failed", unit, detail="another board")
        summary.broken[place] = event
        if unit:
            summary.ends[unit] = event
    told = batch_view.ended(summary, None)
    assert told[-1] == "2 ports could not be used: 1-1.3, /dev/ttyUSB2"
    assert batch_view.summary_as_json(summary)["unusable"][1]["port"] == "/dev/ttyUSB2"


def test_what_is_not_plugged_in_is_told_with_its_slot():
    summary = Summary(["gh-1", "gh-2"], slots={"gh-1": "1-1.1", "gh-2": ""})
    assert batch_view.ended(summary, None)[-1] == "not plugged in: gh-1 (1-1.1), gh-2"


def test_who_stops_a_batch_sees_no_failure():
    summary = Summary(["gh-1", "gh-2", "gh-3"], ["gh-3"], interrupted=True)
    summary.ends["gh-1"] = Event(NEAR, "stopped", "gh-1")
    assert batch_view.line(summary.ends["gh-1"], 4) == "gh-1  1-1.3  stopped"
    assert batch_view.ended(summary, None) == ["1 of 3 done, 0 at work, 0 failed, 2 to come; 0:00"]
    told = batch_view.summary_as_json(summary)
    assert (told["failed"], told["stopped"], told["missing"]) == ([], ["gh-1"], ["gh-2"])
    assert str(batch_run.trouble(summary)).startswith("interrupted, 2 units are not done")


def test_units_that_have_another_plan_are_not_just_tried_again():
    summary = Summary(["gh-1", "gh-2", "gh-3"], ["gh-3"], tried=3)
    for unit in ("gh-1", "gh-2"):
        step = f"--again {unit}"
        summary.ends[unit] = Event(NEAR, "failed", unit, detail="finished", next_step=step)
    assert "run the same command again with --again gh-1 --again gh-2, or" in str(
        batch_run.trouble(summary)
    )


BOARDS = {
    "gh-1": ("esp32", "greenhouse_esp32"),
    "gh-2": ("esp32", "greenhouse_esp32"),
    "sp-1": ("esp32", "speaker_esp32_eth"),
    "cam-1": ("esp32s3", "river_cam_esp32s3"),
}


@pytest.mark.parametrize(
    ("misfits", "there", "named"),
    [
        (["gh-1", "sp-1"], "gh-1 gh-2 sp-1", "gh-1, sp-1"),
        (["sp-1"], "gh-1 gh-2 sp-1", "sp-1, gh-1, gh-2"),  # the others run on any board
        (["gh-1", "gh-2"], "gh-1 gh-2", ""),  # one sort
        (["gh-1", "cam-1"], "gh-1 cam-1", ""),  # another chip is found out
        (["sp-1"], "sp-1", ""),  # nobody to be exchanged with
        ([], "gh-1 sp-1", ""),
    ],
)
def test_boards_of_one_chip_that_may_have_been_exchanged_are_told(misfits, there, named):
    summary = Summary(list(BOARDS), tried=3, boards=BOARDS)
    for unit in there.split():
        summary.ends[unit] = Event(NEAR, "failed", unit, misfit=unit in misfits)
    told = str(batch_run.trouble(summary))
    back = f"the boards of {named} were exchanged, which have one chip: 'Which unit is it?' in"
    assert (back in told) == bool(named) and "exchanged" not in told.replace(back, "")
    assert "run the same command again" in told


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (Summary(["a", "b"], ["a", "b"]), 0),
        (Summary(["a", "b"], ["a"], tried=1), 1),
        (Summary(["a", "b"], tried=0), 2),
        (Summary(["a", "b"], ["a", "b"], interrupted=True), 130),
    ],
)
def test_exit_codes(summary, code):
    assert summary.exit_code == code
