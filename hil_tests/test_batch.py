"""`fieldbeat batch` on virtual boards: the real esptool and firmware, and pulled cables."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tty
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial

import pytest
from fieldbeat.hil_tests.virtual.bench import Bench
from fieldbeat.hil_tests.virtual.fault_panel import FaultPanel
from fieldbeat.host_tools import (
    batch,
    batch_ports,
    batch_work,
    partition_table,
    serial_port,
    smp_link,
    unit_job,
)
from fieldbeat.host_tools.batch_accept import NotAccepted, accept
from fieldbeat.host_tools.batch_journal import Journal
from fieldbeat.host_tools.batch_match import Matcher
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.database import DatabaseError
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.serial_port import open_port
from fieldbeat.host_tools.tests.village import EXAMPLE, rows, village
from fieldbeat.protocols import cbor

BOARD = "greenhouse_esp32"


def slots(count):
    """A plan with a slot for each unit."""
    lines = [f"gh-{n},valley,greenhouse.toml,1-1.{n}" for n in range(1, count + 1)]
    return "\n".join(["unit,site,config,slot", *lines]) + "\n"


class Hub:
    """Virtual boards at sockets 1-1.1, 1-1.2, ...; each has a link while it is plugged in.

    It is a `View` of a batch, too: `at(unit, state, call)` does something when a unit gets there.
    """

    def __init__(self, folder, boards):
        count = len(boards)
        self.folder = folder
        self.bench = Bench(5, folder / "bench")
        self.boards = [self.bench.add_board(board) for board in boards]
        self.written = [0] * count  # how often a tool has changed something in a flash
        for n, board in enumerate(self.boards):
            board.flash.load = partial(self._load, n, board.flash.load)
        self.sockets = folder / "hub"
        self.sockets.mkdir()
        for n in range(count):
            self._link(n)
        self.bench.start_real()
        self.plan = village(folder, slots(count))
        self.seen = []
        self._calls = {}

    def _link(self, n):
        link = self.sockets / str(n)
        link.symlink_to(self.boards[n].port)

    def _load(self, n, load, at, data):
        self.written[n] += 1
        load(at, data)

    def unplug(self, n):
        (self.sockets / str(n)).unlink()
        self.boards[n].unplug()

    def plug_in(self, n):
        self.boards[n].plug_in()
        self._link(n)

    def mac(self, n):
        return self.boards[n].mac.hex(":")

    @property
    def ports(self):
        return [f"--port={self.sockets}/{n}@1-1.{n + 1}" for n in range(len(self.boards))]

    def command(self, *more):
        return main(["batch", str(self.plan), "--virtual", *self.ports, *more])

    def at(self, unit, state, call, share=0.0):
        self._calls[unit, state] = call, share

    def show(self, event):
        self.seen.append((event.unit, event.state, event.detail, event.next_step))
        call, share = self._calls.get((event.unit, event.state), (None, 0))
        if call and (event.share or 0) >= share:
            del self._calls[event.unit, event.state]
            call()

    def progress(self, summary):
        pass

    def run(self, accept=accept, watch=False, again=(), registry=None, jobs=None):
        """Run the plan with this view; returns the summary."""
        with ExitStack() as last:
            kept = Journal(self.folder / "village.journal")
            last.callback(kept.close)
            units = registry or Registry()
            last.callback(units.close)
            jobs, anew = jobs or self.jobs(), set(again)
            matcher = Matcher(jobs, kept, units, anew)
            bench = batch_work.Bench(units, kept, matcher, accept, again=anew)
            find = batch_ports.named([port.removeprefix("--port=") for port in self.ports])
            return batch.Batch(jobs, bench, find, self, watch).run()

    def jobs(self, build_id=None):
        """The jobs of the plan, with an app of another build if one is named."""
        jobs = unit_job.from_folder(self.plan, virtual=True)
        if build_id is None:
            return jobs
        return [replace(job, files=job.files | _app(job, build_id)) for job in jobs]

    def states(self, unit):
        """The states of a unit, each once, in their order."""
        return list(dict.fromkeys(state for name, state, *_ in self.seen if name == unit))

    def end(self, unit):
        """The last word on a unit: state, what it is, what to do."""
        return [each[1:] for each in self.seen if each[0] == unit][-1]


def _app(job, build_id):
    app = cbor.decode(job.files["app.cbor"])
    return {"app.cbor": cbor.encode(app | {"build_id": build_id})}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path / "home"))
    made = []

    def make(count, boards=None):
        made.append(Hub(tmp_path, boards or [BOARD] * count))
        return made[0]

    yield make
    for each in made:
        each.bench.close()


def test_units_at_a_hub_become_what_the_plan_says(hub, capsys):
    hub = hub(2)
    assert hub.command("--json") == 0
    *events, summary = map(json.loads, capsys.readouterr().out.splitlines())
    first = [event["state"] for event in events if event["mac"] == hub.mac(0)]
    assert list(dict.fromkeys(first)) == ["flashing", "booting", "provisioning", "testing", "done"]
    assert summary["done"] == ["gh-1", "gh-2"] and summary["failed"] == []
    registry = Registry()
    units = registry.units()
    assert [(unit.mac, unit.state) for unit in units] == [
        (hub.mac(0), "provisioned"),
        (hub.mac(1), "provisioned"),
    ]
    assert len({key for unit in units for _, key in registry.keys(unit.kid)}) == 2
    assert [action for _, action, _ in registry.history("gh-1")][-1] == "accepted"
    sheet = (hub.folder / "village-labels.html").read_text()
    assert hub.mac(0) in sheet and "<b>gh-2</b>" in sheet

    assert hub.command() == 0  # told as done, and left alone
    told = capsys.readouterr().out
    assert told.count("was done: finished ") == 2 and "flashing" not in told


@pytest.mark.long
def test_a_technician_signs_for_each_unit_what_it_measured(hub, capsys):
    """One of them has no sensor where the board has one: the other is done all the same."""
    hub = hub(2)
    (hub.folder / "pass").write_text("four words of mine")
    (hub.folder / "pass").chmod(0o600)
    key = ("--key-file", str(hub.folder / "pass"))
    assert main(["technician", "new", "li", *key]) == 0
    name = next(name for name, board in hub.bench.boards.items() if board is hub.boards[1])
    FaultPanel(hub.bench).of(name).light.unplugged = True
    assert hub.command("--technician", "li", *key) == 1
    said = capsys.readouterr().out
    assert "gh-2 FAILED its self-test: light: i2c_nack" in said
    folder = hub.folder / "village-certificates"
    (good,), (bad,) = (sorted(folder.glob(f"gh-{n}-*.cert")) for n in (1, 2))
    assert main(["certificate", "verify", str(good), "--unit", "gh-1"]) == 0
    assert main(["certificate", "verify", str(bad), "--unit", "gh-2"]) == 1
    assert "genuine: gh-2 has FAILED" in capsys.readouterr().out
    sheet = (hub.folder / "village-labels.html").read_text()
    assert sheet.count("PASSED") == 1 and "gh-2" not in sheet
    assert len(list(folder.glob("*.html"))) == 2

    image = bytearray(hub.jobs()[0].image())
    file = hub.folder / "gh-1.img"
    selftest = ("selftest", "--port", hub.boards[0].port, "--image", str(file), "--json")
    file.write_bytes(image)
    assert main([*selftest]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["certificate", "show", str(good), "--json"]) == 0
    signed = json.loads(capsys.readouterr().out)
    assert told["firmware_sha256"] == signed["firmware_sha256"]
    assert len(told["firmware_sha256"]) == 64
    begin = image.index(bytes.fromhex("e9"), 0x10000)
    image[begin + 4000] ^= 1
    file.write_bytes(image)
    assert main([*selftest]) == 2
    assert "is another one than in" in capsys.readouterr().err

    (hub.folder / "village.journal").unlink()  # both are in use: nothing is written, nor compared
    before = list(hub.written)
    assert hub.command("--technician", "li", *key) == 1
    said = capsys.readouterr().out
    assert "gh-1  1-1.1  was done" in said and "gh-2 FAILED its self-test" in said
    assert hub.written == before
    (newest,) = set(folder.glob("gh-1-*.cert")) - {good}
    assert main(["certificate", "show", str(newest), "--json"]) == 0
    signed = json.loads(capsys.readouterr().out)
    assert (signed["verdict"], signed["firmware_sha256"]) == ("passed", None)


@pytest.mark.parametrize(
    ("state", "share", "again_from"),
    [
        ("looking", 0, "flashing"),
        ("flashing", 0.5, "flashing"),
        ("booting", 0, "booting"),
        ("provisioning", 0, "booting"),
        ("testing", 0, "booting"),
    ],
)
@pytest.mark.long
def test_a_pulled_cable_stops_one_unit_and_it_goes_on_where_it_was(hub, state, share, again_from):
    hub = hub(2)
    hub.at("" if state == "looking" else "gh-1", state, lambda: hub.unplug(0), share)
    summary = hub.run()
    assert summary.done == ["gh-2"] and summary.exit_code == 1
    assert hub.end("gh-1")[0] == "failed" and hub.end("gh-1")[2]
    hub.plug_in(0)
    hub.seen.clear()
    assert hub.run().exit_code == 0
    assert hub.states("gh-1")[0] == again_from and hub.end("gh-1")[0] == "done"
    assert hub.end("gh-2")[0] == "was done"


@pytest.mark.long
def test_a_port_that_goes_away_while_it_is_emptied_is_a_lost_one(hub, monkeypatch):
    """pyserial lets through what the system says of it, which is no OSError."""
    hub = hub(1)

    def opened(*what, **named):
        port = open_port(*what, **named)
        empty = port.reset_input_buffer

        def pulled():
            if any(hub.sockets.iterdir()):
                hub.unplug(0)
            empty()

        port.reset_input_buffer = pulled
        return port

    monkeypatch.setattr(serial_port, "open_port", opened)
    assert hub.run().exit_code == 1
    assert "no boot loader answers" in hub.end("gh-1")[1] and hub.end("gh-1")[2]


def test_another_board_that_gets_the_port_s_name_while_one_starts_is_left_as_it_is(hub):
    hub = hub(2)
    for n in range(2):
        hub.at(f"gh-{n + 1}", "booting", partial(hub.unplug, n))
    hub.run()  # both are written, and nobody is anybody yet
    for n in range(2):
        hub.plug_in(n)
    name, other = hub.sockets / "0", hub.sockets / "other"
    (hub.sockets / "1").rename(other)
    hub.at("gh-1", "booting", lambda: other.replace(name))
    assert hub.run().exit_code == 1
    assert "another board is at" in hub.end("gh-1")[1]
    with closing(Registry()) as registry:
        assert registry.unit("gh-1") is None
    name.unlink()
    for n in range(2):
        hub.plug_in(n)
    assert hub.run().exit_code == 0


@pytest.mark.long
def test_the_loader_is_entered_once_and_again_if_it_was_left_meanwhile(hub, monkeypatch):
    hub = hub(1)
    (board,) = hub.boards
    entered = []
    enter, take = board._enter_loader, Matcher.take

    def pressed(self, *what):
        """Somebody presses EN between the first look and the writing."""
        job = take(self, *what)
        board.reset()
        return job

    monkeypatch.setattr(board, "_enter_loader", lambda: (entered.append(board.state), enter()))
    assert hub.run().exit_code == 0
    assert len(entered) == 1
    monkeypatch.setattr(Matcher, "take", pressed)
    assert hub.run(again=["gh-1"]).exit_code == 0
    assert len(entered) == 3 and hub.end("gh-1")[0] == "done"


@pytest.mark.long
def test_the_wrong_unit_in_a_slot_is_not_touched(hub):
    hub = hub(2)
    assert hub.run().exit_code == 0
    before = list(hub.written)
    for n in range(2):
        (hub.sockets / str(n)).unlink()
    for n in range(2):  # the cables are exchanged
        (hub.sockets / str(n)).symlink_to(hub.boards[1 - n].port)
    hub.seen.clear()
    summary = hub.run(again=["gh-1"])
    assert summary.failed == ["gh-1"] and summary.done == ["gh-2"]
    state, detail, step = hub.end("gh-1")
    assert (state, detail) == ("failed", "gh-1 is in slot 1-1.2, the plan has it in 1-1.1")
    assert step == "plug gh-1 into 1-1.1, and gh-2 into 1-1.2; or correct the plan"
    assert hub.end("gh-2")[1] == "gh-2 is in slot 1-1.1, the plan has it in 1-1.2"
    assert hub.written == before and min(before) > 0


@pytest.mark.long
def test_two_boards_of_one_chip_in_each_others_slots_are_told_so(hub, capsys):
    """The heap of a station is too small for a loudspeaker; neither tool nor chip can know."""
    hub = hub(2, ["speaker_esp32_eth", BOARD])
    shutil.copy(EXAMPLE.with_name("speaker.toml"), hub.folder)
    village(hub.folder, slots(1) + "sp-1,valley,speaker.toml,1-1.2\n")
    (hub.folder / "pass").write_text("four words of mine")
    (hub.folder / "pass").chmod(0o600)
    assert main(["issuer", "new", "county", "--key-file", str(hub.folder / "pass")]) == 0
    assert hub.command() == 1
    said = capsys.readouterr()
    assert "sp-1  1-1.2  FAILED" in said.out and "safe mode" in said.out
    assert "the boards of sp-1, gh-1 were exchanged, which have one chip" in said.err
    for n in range(2):
        (hub.sockets / str(n)).unlink()
    for n in range(2):  # now the cables are right, and the boards have each other's names
        (hub.sockets / str(n)).symlink_to(hub.boards[1 - n].port)
    assert hub.command() == 1
    back = "if they were exchanged before they were written, 'Which unit is it?' in docs/batch.md"
    assert capsys.readouterr().out.count(back) >= 2


@pytest.mark.long
def test_one_that_fails_stops_no_other(hub):
    """A port that somebody has, one where nobody answers, a board with another chip."""
    hub = hub(3)
    rival = open_port(hub.boards[0].port)
    near, far = pty.openpty()
    tty.setraw(far)
    (hub.sockets / "1").unlink()
    (hub.sockets / "1").symlink_to(os.ttyname(far))
    try:
        summary = hub.run()
    finally:
        rival.close()
        os.close(near)
        os.close(far)
    assert summary.done == ["gh-3"] and summary.failed == ["gh-1", "gh-2"]
    assert "is busy" in hub.end("gh-1")[1] and "fuser" in hub.end("gh-1")[2]
    assert "no boot loader answers" in hub.end("gh-2")[1] and "BOOT" in hub.end("gh-2")[2]


@pytest.mark.long
def test_boards_that_appear_later_are_made_while_it_watches(hub):
    hub = hub(3)
    for n in (1, 2):
        hub.unplug(n)
    hub.at("gh-1", "done", lambda: hub.plug_in(1))
    hub.at("gh-2", "flashing", lambda: hub.unplug(1), share=0.4)
    hub.at("gh-2", "failed", lambda: (hub.plug_in(1), hub.plug_in(2)))
    summary = hub.run(watch=True)
    assert summary.exit_code == 0 and summary.done == ["gh-1", "gh-2", "gh-3"]
    states = [state for unit, state, *_ in hub.seen if unit == "gh-2" and state != "flashing"]
    assert states.count("failed") == 1 and states[-1] == "done"


@pytest.fixture
def _ctrl_c():
    """Heard also where the tests run in the background, whose shell has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.long
@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_stops_and_the_same_command_goes_on(hub):
    hub = hub(2)
    hub.at("gh-2", "flashing", lambda: signal.raise_signal(signal.SIGINT), share=0.3)
    summary = hub.run()
    assert summary.exit_code == 130 and "gh-2" in summary.stopped and not summary.failed
    assert hub.end("gh-2") == ("stopped", "", "")
    assert hub.run().exit_code == 0


@pytest.mark.long
def test_without_slots_rows_go_by_the_order_of_the_sockets(hub):
    hub = hub(3)
    village(hub.folder, rows(3))
    registry = Registry()
    assert hub.run(registry=registry).exit_code == 0
    registry = Registry()
    assert [registry.unit(f"gh-{n + 1}").mac for n in range(3)] == [hub.mac(n) for n in range(3)]
    village(hub.folder, rows(2))
    assert main(["batch", str(hub.plan), "--virtual", *hub.ports, "--json"]) == 0


@pytest.mark.long
def test_a_unit_that_does_not_pass_is_written_anew(hub):
    hub = hub(1)

    def refuse(job, link, just_flashed):
        raise NotAccepted("its tone is silent", "look at the amplifier")

    assert hub.run(refuse).exit_code == 1
    assert hub.end("gh-1") == ("failed", "its tone is silent", "look at the amplifier")
    hub.seen.clear()
    assert hub.run().exit_code == 0 and "flashing" in hub.states("gh-1")


@pytest.mark.long
def test_a_registry_without_room_fails_its_unit_with_words(hub):
    hub = hub(1)
    registry = Registry()
    pages = registry.database.one("PRAGMA page_count")[0]
    registry.database.one(f"PRAGMA max_page_count={pages}")
    for size in (2000, 100, 1):
        with pytest.raises(DatabaseError):
            while True:
                registry.note("x", "y", "z" * size)
    summary = hub.run(registry=registry)
    assert summary.exit_code == 1
    assert "full" in hub.end("gh-1")[1] and hub.end("gh-1")[2].startswith("free space")
    hub.seen.clear()
    assert hub.run().exit_code == 0 and "flashing" not in hub.states("gh-1")


@pytest.mark.long
def test_what_the_registry_has_is_asked_and_one_that_was_erased_is_made_anew(hub):
    hub = hub(2)
    assert hub.run().exit_code == 0
    (hub.folder / "village.journal").unlink()
    with hub.bench.world.lock:
        hub.boards[1].flash.load(0, b"\xff" * hub.boards[1].flash.size)
        hub.boards[1].reset()
    hub.seen.clear()
    assert hub.run().exit_code == 0
    assert hub.states("gh-1") == ["testing", "was done"]
    assert hub.end("gh-2")[0] == "done" and "flashing" in hub.states("gh-2")


@pytest.mark.long
def test_a_unit_in_use_that_is_silent_is_not_written_anew(hub, monkeypatch):
    """It may hang, and hold what it has not sent."""
    hub = hub(1)
    assert hub.run().exit_code == 0
    (hub.folder / "village.journal").unlink()
    with hub.bench.world.lock:  # its firmware does not start; its table of partitions is there
        hub.boards[0].flash.load(0x1000, b"\xff" * 0x1000)
        hub.boards[0].flash.load(0x10000, b"\xff" * 0x1000)
        before = bytes(hub.boards[0].flash.data)
        hub.boards[0].reset()
    monkeypatch.setattr(smp_link, "BOOT_S", 4.0)
    hub.seen.clear()
    assert hub.run().exit_code == 1
    assert "is silent" in hub.end("gh-1")[1] and "flashing" not in hub.states("gh-1")
    assert bytes(hub.boards[0].flash.data) == before
    hub.seen.clear()
    assert hub.run().exit_code == 1 and "flashing" not in hub.states("gh-1")  # nor the next time


@pytest.mark.long
def test_a_finished_unit_that_was_erased_is_made_anew(hub):
    hub = hub(2)
    assert hub.run().exit_code == 0
    masters = dict(Registry().keys(Registry().unit("gh-2").kid))
    with hub.bench.world.lock:
        hub.boards[1].flash.load(0, b"\xff" * hub.boards[1].flash.size)
        hub.boards[1].reset()
    hub.seen.clear()
    summary = hub.run()
    assert (summary.exit_code, summary.before) == (0, ["gh-1"])
    assert hub.end("gh-1")[0] == "was done" and "flashing" not in hub.states("gh-1")
    assert hub.end("gh-2")[0] == "done" and "flashing" in hub.states("gh-2")
    now = dict(Registry().keys(Registry().unit("gh-2").kid))
    assert len(now) == len(masters) + 1  # no counter goes back under a key
    hub.seen.clear()
    assert hub.run().exit_code == 0 and hub.end("gh-2")[0] == "was done"


@pytest.mark.long
@pytest.mark.parametrize("error", [NotAccepted, CannotTry])
def test_a_unit_in_use_is_not_written_anew_whatever_its_test_says(hub, error):
    """What it has not sent is in the file system that would be replaced."""
    hub = hub(1)
    assert hub.run().exit_code == 0
    (hub.folder / "village.journal").unlink()  # another laptop: only the registry knows it
    before = list(hub.written)

    def fail(job, link, just_flashed):
        raise error("light: i2c_nack", "look at its plug")

    for _ in range(2):
        assert hub.run(fail).exit_code == 1
        assert hub.end("gh-1") == ("failed", "light: i2c_nack", "look at its plug")
    assert hub.run().exit_code == 0
    assert hub.end("gh-1")[0] == "was done" and hub.written == before and min(before) > 0


@pytest.mark.long
def test_a_newer_app_is_not_done_by_what_the_registry_says_of_the_configuration(hub):
    hub = hub(1)
    assert hub.run().exit_code == 0
    (hub.folder / "village.journal").unlink()
    before, newer = list(hub.written), hub.jobs("newer")
    assert hub.run(jobs=newer).exit_code == 1
    assert "is in use already" in hub.end("gh-1")[1] and hub.end("gh-1")[2] == "--again gh-1"
    assert hub.written == before
    assert hub.run(jobs=newer, again=["gh-1"]).exit_code == 0
    assert hub.written != before


@pytest.mark.long
def test_what_somebody_else_wrote_meanwhile_is_noticed_and_written_anew(hub):
    hub = hub(1)
    hub.at("gh-1", "testing", lambda: hub.unplug(0))
    assert hub.run().exit_code == 1
    (other,) = hub.jobs("of somebody else")
    image = other.image()
    vfs = partition_table.find(partition_table.from_image(image, "image"), "vfs")
    with hub.bench.world.lock:
        hub.boards[0].flash.load(vfs.offset, image[vfs.offset : vfs.end])
    hub.plug_in(0)
    assert hub.run().exit_code == 1
    assert hub.end("gh-1")[1] == "gh-1 has another app than the plan"
    hub.seen.clear()
    assert hub.run().exit_code == 0 and "flashing" in hub.states("gh-1")


@pytest.mark.long
def test_a_plan_that_changed_touches_no_finished_unit_unless_it_is_asked(hub):
    hub = hub(1)
    assert hub.run().exit_code == 0
    text = (hub.folder / "greenhouse.toml").read_text()
    (hub.folder / "greenhouse.toml").write_text(text.replace("port = 5690", "port = 5691"))
    hub.seen.clear()
    assert hub.run().exit_code == 1
    assert hub.end("gh-1")[2] == "--again gh-1" and "flashing" not in hub.states("gh-1")
    assert hub.run(again=["gh-1"]).exit_code == 0
    assert cbor.decode(Registry().config("gh-1"))["uplink"]["port"] == 5691


def test_a_bad_plan_touches_nothing_and_a_busy_journal_neither(hub, capsys):
    hub = hub(1)
    village(hub.folder, slots(1) + "gh-1,valley,greenhouse.toml,1-1.1\n")
    assert hub.command() == 2
    told = capsys.readouterr().err
    assert "line 3: column unit: gh-1 is that of line 2" in told and "2 mistakes" in told
    village(hub.folder, slots(1))
    kept = Journal(hub.folder / "village.journal")
    assert hub.command() == 2
    kept.close()
    assert "another batch goes on with" in capsys.readouterr().err
    assert hub.written == [0]
    assert not (hub.folder / "home").exists() or not Registry().units()


@pytest.mark.long
def test_units_of_a_bundle(hub, capsys):
    hub = hub(1)
    bundle = hub.folder / "village.fieldbeat"
    assert main(["bundle", str(hub.plan), "-o", str(bundle), "--virtual"]) == 0
    hub.plan.unlink()
    (hub.folder / "greenhouse.toml").unlink()
    assert main(["batch", str(bundle), *hub.ports]) == 0
    assert "1 of 1 done" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.parametrize(("state", "begins"), [("flashing", "flashing"), ("testing", "booting")])
def test_a_crash_of_the_laptop_loses_no_step(hub, state, begins):
    hub = hub(1)
    command = [*(sys.executable, "-m", "fieldbeat.host_tools.cli"), "batch", str(hub.plan)]
    command += ["--virtual", "--json", *hub.ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert any(json.loads(line)["state"] == state for line in process.stdout)
        process.kill()
    assert hub.run().exit_code == 0
    assert hub.states("gh-1")[0] == begins
    assert ("flashing" in hub.states("gh-1")) == (begins == "flashing")
    (unit,) = Registry().units()
    assert (unit.state, unit.epoch) == ("provisioned", 1)
