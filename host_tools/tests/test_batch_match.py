"""Which row a board gets: every rule, and every contradiction that is refused."""

import threading
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fieldbeat.host_tools import unit_job
from fieldbeat.host_tools.batch_journal import BOUND, DONE, FAILED, Journal
from fieldbeat.host_tools.batch_match import Matcher, NotThis
from fieldbeat.host_tools.batch_ports import Place
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.tests.village import village

A, B, C = (f"02:00:00:00:00:0{n}" for n in "abc")
PLAN = f"""unit,site,config,slot,mac
seat,v,greenhouse.toml,1-1.1,
both,v,greenhouse.toml,1-1.2,{B}
named,v,greenhouse.toml,,{C}
free-1,v,greenhouse.toml,,
free-2,v,greenhouse.toml,,
"""


@cache
def jobs():
    with TemporaryDirectory() as folder:
        return unit_job.from_folder(village(Path(folder), PLAN), virtual=True)


class Desk:
    def __init__(self, folder):
        self.jobs = jobs()
        self.journal = Journal(folder / "journal")
        self.registry = Registry(folder / "registry.sqlite")
        self.again: set[str] = set()
        self.matcher = Matcher(self.jobs, self.journal, self.registry, self.again)

    def take(self, mac, slot="", chip="esp32", port=None):
        return self.matcher.take(mac, chip, Place(port or f"/dev/{mac}", slot)).name

    def refused(self, *more, **options):
        with pytest.raises(NotThis) as caught:
            self.take(*more, **options)
        self.next_step = caught.value.next_step
        return f"{caught.value.unit}: {caught.value.message}"

    def know(self, name, mac, **more):
        self.registry.allocate(name)
        self.registry.describe(name, "test", mac=mac, **more)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_by_slot_by_mac_and_the_next_one_that_is_free(desk):
    assert desk.take(A, "1-1.1") == "seat"
    assert desk.take(B, "1-1.2") == "both"
    assert desk.take(C, "1-1.7") == "named"
    assert [desk.take(f"02:00:00:00:01:0{n}", f"1-2.{n}") for n in (1, 2)] == ["free-1", "free-2"]
    assert "no row of the plan is left for the board" in desk.refused("02:00:00:00:02:00")


def test_an_interface_of_an_adapter_is_in_its_slot(desk):
    assert desk.take(A, "1-1.1:1.0") == "seat"


def test_a_row_is_given_once_until_its_board_has_left(desk):
    assert desk.take(A) == "free-1"
    assert desk.refused(A, port="/dev/other").startswith(f": the board with MAC {A} is at /dev/")
    desk.matcher.leave(A)
    desk.journal.note("free-1", A, BOUND, "")
    assert desk.take(A) == "free-1"
    desk.matcher.leave(A)
    assert desk.take("02:00:00:00:01:01") == "free-2"


@pytest.mark.parametrize(
    ("mac", "slot", "expected"),
    [
        (A, "1-1.2", f"both: wrong unit in slot 1-1.2: the board with MAC {A} is there, the plan"),
        (
            B,
            "1-1.1",
            "both: both is in slot 1-1.1, the plan has it in 1-1.2",
        ),
        (B, "1-1.9", "both: both is in slot 1-1.9, the plan has it in 1-1.2"),
        (C, "1-1.1", "seat: wrong unit in slot 1-1.1: named"),
    ],
)
def test_the_wrong_unit_in_a_slot(desk, mac, slot, expected):
    assert desk.refused(mac, slot).startswith(expected)


def test_another_board_in_the_slot_of_a_finished_unit(desk):
    desk.journal.note("seat", A, DONE, "")
    assert "wrong unit in slot 1-1.1" in desk.refused("02:00:00:00:01:01", "1-1.1")
    assert desk.take(A, "1-1.1") == "seat"
    desk.matcher.leave(A)
    desk.again.add("seat")
    assert desk.take("02:00:00:00:01:01", "1-1.1") == "seat"


def test_what_the_registry_knows(desk):
    desk.know("elsewhere", "02:00:00:00:01:01")
    assert "this board is elsewhere" in desk.refused("02:00:00:00:01:01")
    desk.know("free-2", A, role="station", board="greenhouse_esp32")
    assert desk.take(A) == "free-2"
    desk.know("seat", "02:00:00:00:01:02")
    assert "seat is the board with MAC 02:00:00:00:01:02" in desk.refused(
        "02:00:00:00:01:03", "1-1.1"
    )
    desk.know("gone", C)
    desk.registry.describe("gone", "test", mac="")
    assert desk.take(C) == "named"


def test_a_plan_that_gives_a_known_board_another_name(desk):
    desk.know("free-1", C)
    assert desk.refused(C) == f"named: this board is free-1 (MAC {C}), the plan makes it named"


@pytest.mark.parametrize("kind", [{"role": "speaker"}, {"board": "speaker_esp32_eth"}])
def test_a_unit_stays_what_it_is(desk, kind):
    desk.know("free-1", A, **kind)
    assert f"free-1 is known as {next(iter(kind.values()))}, the plan makes it" in desk.refused(A)


def test_two_cables_that_were_exchanged_are_told_with_both_slots(desk):
    desk.refused(B, "1-1.1")
    assert desk.next_step == "plug both into 1-1.2, and seat into 1-1.1; or correct the plan"


def test_the_wrong_kind_of_board_in_a_slot_names_slot_unit_and_both_kinds(desk):
    assert desk.refused(A, "1-1.1", chip="esp32s3") == (
        "seat: the wrong board is at 1-1.1: seat is a greenhouse_esp32 (esp32),"
        " this one has a esp32s3"
    )
    assert desk.next_step == (
        "plug a greenhouse_esp32 in there; if two cables were exchanged, change them back"
    )
    assert desk.take(B, "1-1.2") == "both"


def test_a_board_of_another_plan_in_a_slot_says_who_belongs_there(desk):
    desk.know("elsewhere", "02:00:00:00:01:01")
    desk.refused("02:00:00:00:01:01", "1-1.1")
    assert desk.next_step == "plug seat in there"


def test_another_chip(desk):
    assert "no row of the plan is left for a esp32s3" in desk.refused(A, chip="esp32s3")


def test_a_board_that_failed_and_was_put_aside_leaves_its_row_last(desk):
    desk.journal.note("free-1", A, FAILED, "")
    assert desk.take("02:00:00:00:01:01") == "free-2"
    assert desk.take("02:00:00:00:01:02") == "free-1"
    desk.know("free-1", A)
    desk.matcher.leave("02:00:00:00:01:02")
    assert "no row" in desk.refused("02:00:00:00:01:03")


def test_free_rows_go_in_the_order_of_the_places_whoever_is_looked_at_first(desk):
    places = [Place(f"/dev/{n}") for n in range(3)]
    for place in places:
        desk.matcher.expect(place)
    got = {}

    def take(n):
        got[n] = desk.matcher.take(f"02:00:00:00:03:0{n}", "esp32", places[n]).name
        desk.matcher.looked(places[n])

    late = threading.Thread(target=take, args=(2,))
    late.start()
    desk.matcher.looked(places[1])  # nobody answered there
    take(0)
    late.join()
    assert got == {0: "free-1", 2: "free-2"}


@pytest.mark.parametrize("planned", [A, C])
def test_a_board_that_was_replaced_is_told_so_and_no_swap_brings_it_back(desk, planned):
    name = {A: "seat", C: "named"}[planned]
    desk.know(name, B)
    desk.registry.retire(planned, name, "replaced")
    desk.journal.note(name, planned, DONE, "")
    with pytest.raises(NotThis) as caught:
        desk.take(planned)
    told = caught.value
    assert told.message == (
        f"this board (MAC {planned}) was {name}, and was replaced by the board with MAC {B}"
    )
    assert (told.unit, told.next_step) == ("", "put it aside")


def test_a_board_that_was_put_aside_gets_no_row(desk):
    desk.know("elsewhere", A)
    desk.registry.describe("elsewhere", "test", mac="")
    desk.registry.retire(A, "elsewhere", "retired")
    assert desk.refused(A) == f": this board (MAC {A}) was elsewhere, which is retired"
    assert desk.refused(A, "1-1.1").startswith("seat: this board")
