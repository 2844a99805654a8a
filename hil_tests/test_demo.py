"""The demos: a collector that may end early or not at all, their time, and what they make."""

from __future__ import annotations

import io
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from fieldbeat.hil_tests import endings
from fieldbeat.hil_tests.demo import __main__, common, greenhouse, river, speaker
from fieldbeat.host_tools import clips, node_config, signed_commands
from fieldbeat.host_tools.deliveries import Deliveries
from fieldbeat.host_tools.orders import Order, Orders
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.protocols import command, receipt, receipt_reader
from fieldbeat.protocols.reason_codes import CODES
from rich.console import Console

from .river_site import RiverSite
from .virtual.river_view import RiverView
from .virtual.site import Site


@pytest.fixture(autouse=True)
def signals():
    """The demo takes signals over for its process; the tests go on in this one."""
    numbers = (signal.SIGALRM, *endings.SIGNALS)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def played(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "FOLDER", tmp_path)
    return greenhouse.Greenhouse(Console(file=io.StringIO()))


def program(tmp_path, text):
    file = tmp_path / "program"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_nothing_is_awaited_from_a_collector_that_ended(played, tmp_path, monkeypatch):
    monkeypatch.setattr(common, "FIELDBEAT", program(tmp_path, "exit 3"))
    with (
        common.collector(played),
        pytest.raises(common.DemoError, match="the collector ended with 3"),
    ):
        played.wait("a report", lambda: False, 60)


def test_a_collector_is_ended_whatever_happens(played, tmp_path, monkeypatch):
    monkeypatch.setattr(common, "FIELDBEAT", program(tmp_path, "trap '' INT; exec sleep 600"))
    monkeypatch.setattr(common, "END_S", 0.2)
    started = []

    class Started(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(common.subprocess, "Popen", Started)
    with common.collector(played):
        pass
    (tmp_path / "store.sqlite").write_bytes(b"no database" * 100)
    with (
        pytest.raises(common.FieldbeatError, match="no SQLite database"),
        common.collector(played),
    ):
        pass
    assert len(started) == 2 and all(process.returncode is not None for process in started)


def test_what_is_typed_can_be_copied_and_what_it_says_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "FOLDER", tmp_path)
    monkeypatch.setattr(common, "FIELDBEAT", program(tmp_path, "echo " + "seven " * 20))
    screen = io.StringIO()
    common.Demo(Console(file=screen, width=80)).run("flash", "--port", "/dev/" + "long" * 30)
    command, *said = screen.getvalue().splitlines()
    assert command == "$ fieldbeat flash --port /dev/" + "long" * 30
    assert [set(line.split()) for line in said] == [{"seven"}, {"seven"}]


def test_time_that_is_too_short_is_no_success(played, monkeypatch):
    def play(started):
        started.steps = 3
        raise common.TimeUp

    monkeypatch.setattr(type(played), "play", play)
    assert common.run(played, 2) == 1
    assert "2 s were over in step 3\n" in played.console.file.getvalue()
    monkeypatch.setattr(type(played), "is_there", True, raising=False)
    del played.is_there
    assert common.run(played, 2) == 0


def test_ctrl_c_before_its_aim_is_said_so(played, monkeypatch):
    def play(started):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(played), "play", play)
    assert common.run(played, 0) == 130
    assert "ended before there were 24 hours of a greenhouse" in played.console.file.getvalue()


@pytest.mark.parametrize(("words", "seconds"), [([], 300), (["speaker"], 120), (["river"], 240)])
@pytest.mark.parametrize("given", ["abc", "-5", "nan", "inf"])
def test_what_is_no_time(given, words, seconds, monkeypatch, capsys):
    monkeypatch.setenv("DEMO_FOR", given)
    assert __main__.main(words) == 2
    said = f"error: DEMO_FOR={given} is no number of seconds; next: say DEMO_FOR={seconds} make"
    assert capsys.readouterr().err.startswith(said)
    assert common.seconds_to_play("", 90) == 0 and common.seconds_to_play("1.5", 90) == 1.5


def test_a_role_that_has_no_demo(capsys):
    assert __main__.main(["camera"]) == 2
    said = "error: there is no demo 'camera'; next: choose ROLE=greenhouse or ROLE=speaker"
    said += " or ROLE=river\n"
    assert capsys.readouterr().err == said
    assert __main__.role([]) is greenhouse.Greenhouse


# What the loudspeakers are made of


def test_the_configs_are_those_of_the_examples_with_the_demo_s_own_collector(played):
    for example, changes in (
        (greenhouse.CONFIG, {"host": "127.0.0.1"}),
        (river.CONFIG, {"host": "127.0.0.1"}),
        (speaker.CONFIG, {"name": "pole-9", "site": "school", "host": "127.0.0.1"}),
    ):
        found = node_config.load(played.write_config("made", ROOT / example, **changes)).tables
        assert (found.uplink.host, found.uplink.port) == ("127.0.0.1", played.port)
    assert (found.node.name, found.node.site) == ("pole-9", "school")


def test_the_clip_can_be_played(tmp_path):
    speaker.write_gong(tmp_path / "gong.wav")
    assert clips.names(clips.read(tmp_path)) == ["gong"]


@pytest.fixture
def poles(tmp_path):
    """The demo of the loudspeakers, with an alert that two of them have."""
    with closing(Store(tmp_path / "store.sqlite")) as store, closing(registry(tmp_path)) as units:
        orders = Orders(store)
        now_s = time.time()
        orders.add(
            Order(ID, command.ALERT, 2, 1, False, now_s, 0, now_s + 600, "district", "a test"),
            [signed_commands.Made(ID, b"", tuple(units.units()))],
        )
        demo = speaker.Speaker(Console(file=io.StringIO(), width=120))
        yield demo, orders, Deliveries(store)


ROOT = Path(__file__).resolve().parents[1]
ID = b"an alert"


def registry(folder):
    units = Registry(folder / "registry.sqlite")
    for name in ("pole-1", "pole-2"):
        units.allocate(name, "a test")
        units.describe(name, "a test", "", site="riverside", role="speaker", groups="")
    return units


def tell(deliveries, unit, stage, reason=None):
    found = receipt_reader.Receipt(ID, stage, reason, *[None] * 5)
    deliveries.note_receipt(unit, 1, 1 + stage, found, time.time())


def test_an_alert_is_followed_until_all_have_told_its_end(poles):
    demo, orders, deliveries = poles
    tell(deliveries, "pole-1", receipt.DONE)
    tell(deliveries, "pole-2", receipt.STARTED)

    def last_one():  # the demo looks after it at each turn
        tell(deliveries, "pole-2", receipt.DONE)

    demo.check_collector = last_one
    demo.follow(orders)
    shown = demo.console.file.getvalue()
    assert "$ fieldbeat alert status --follow" in shown
    assert [line.split()[3] for line in shown.splitlines() if "pole-" in line] == ["done"] * 2


@pytest.mark.parametrize("stage", [receipt.REFUSED, receipt.INTERRUPTED])
def test_a_loudspeaker_that_was_not_heard_is_no_success(poles, stage):
    demo, orders, deliveries = poles
    tell(deliveries, "pole-1", receipt.DONE)
    tell(deliveries, "pole-2", stage, CODES["no_sound"])
    with pytest.raises(common.DemoError, match="not every loudspeaker has sounded"):
        demo.follow(orders)
    assert "no sound measured" in demo.console.file.getvalue()


def test_a_loudspeaker_that_does_not_tell_is_not_waited_for_for_ever(poles, monkeypatch):
    demo, orders, _ = poles
    monkeypatch.setattr(speaker, "SOUNDED_S", 0)
    with pytest.raises(common.DemoError, match="not every loudspeaker has sounded"):
        demo.follow(orders)


# The river


def _become_own(folder):
    """The site's registry, with its key file beside it, and its store become those of the demo."""
    for made, own in (
        ("registry.db", "registry.sqlite"),
        ("registry.db.key", "registry.db.key"),
        ("collector.db", "store.sqlite"),
    ):
        (folder / "bench" / made).rename(folder / own)


@pytest.fixture
def station(tmp_path, monkeypatch):
    """The demo of the river, and a station that is where the demo leaves real time."""
    monkeypatch.setattr(common, "FOLDER", tmp_path)
    monkeypatch.setattr(river, "QUIET_S", 60)
    monkeypatch.setattr(river, "STORM_MM", (8,))
    monkeypatch.setattr(river, "STORM_STEP_S", 600)
    demo = river.River(Console(file=io.StringIO(), width=160))
    demo.environment["FIELDBEAT_HOME"] = str(tmp_path)
    with RiverSite(seed=1, workdir=tmp_path / "bench", start="2024-06-01T02:00:00Z") as site:
        config = demo.write_config("river", ROOT / river.CONFIG, host="127.0.0.1")
        river.write_region(config, RiverView(site.world, site.scene))
        board = site.add_station(node_config.load(config))
        site.run_for(120)
        site.kill_collector()  # of the site; the demo has one of its own
        _become_own(tmp_path)
        yield demo, site, board


@pytest.mark.long
def test_a_flood_is_told_seen_and_read(station, tmp_path):
    demo, site, board = station
    demo.flood(site, board, 3000)
    demo.results(board.fitted.parts["view"])
    said = demo.console.file.getvalue()
    for words in ("alarm: 1 begins, level is 0.9", "full picture", "thumbnail picture", "agrees"):
        assert words in said, said
    assert "it agrees with the sensor" in said
    for name in ("pictures.png", "river.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_a_flood_without_an_alarm_is_no_success(station):
    demo, site, board = station
    with pytest.raises(common.DemoError, match="there was no alarm"):
        demo.flood(site, board, 120)


# The greenhouse


@pytest.fixture
def house(tmp_path, monkeypatch):
    """The demo of the greenhouse, and a station that is where the demo leaves real time."""
    monkeypatch.setattr(common, "FOLDER", tmp_path)
    monkeypatch.setattr(greenhouse, "AWAY_S", 3600)
    demo = greenhouse.Greenhouse(Console(file=io.StringIO(), width=160))
    demo.environment["FIELDBEAT_HOME"] = str(tmp_path)
    with Site(seed=1, workdir=tmp_path / "bench", start="2024-06-01T03:10:00Z") as site:
        config = demo.write_config("station", ROOT / greenhouse.CONFIG, host="127.0.0.1")
        site.add_station(node_config.load(config))
        site.run_for(120)
        site.kill_collector()  # of the site; the demo has one of its own
        _become_own(tmp_path)
        yield demo, site, config


@pytest.mark.long
def test_a_day_goes_on_without_its_link_and_all_of_it_comes(house, tmp_path):
    demo, site, config = house
    demo.day(site, config, 3 * 3600)
    demo.results(config, site.world.utc_s)
    said = demo.console.file.getvalue()
    assert said.count("no link") == 1 and "roof" in said, said
    assert "decided by rule" in said and "lost" not in said.replace("Nothing got lost", "")
    assert (tmp_path / "greenhouse.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.longest
def test_a_day_in_which_the_link_was_never_away_is_no_success(house):
    demo, site, config = house
    with pytest.raises(common.DemoError, match="never away"):
        demo.day(site, config, 60)
