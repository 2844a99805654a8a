"""`fieldbeat ui` by its keys, at 80 x 24: with store, boards and modem, and without."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("textual", reason="pip install 'fieldbeat[ui]'")
from fieldbeat.hil_tests.virtual.bench import Bench
from fieldbeat.hil_tests.virtual.loader_pace import LoaderPace
from fieldbeat.host_tools import tables
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.sealing import PASSPHRASE
from fieldbeat.host_tools.serial_port import open_port
from fieldbeat.host_tools.signing import Signer
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.tests.sender import Sender, boot_record, schema_record
from fieldbeat.host_tools.tests.test_certificate import BROKEN, CHECKS, GOOD
from fieldbeat.host_tools.tests.test_show import FULL, hour
from fieldbeat.host_tools.tests.village import rows, village
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.host_tools.ui import Choices, Screen
from fieldbeat.host_tools.ui_signal import SignalPane
from fieldbeat.host_tools.views import Reading
from textual.pilot import Pilot
from textual.widgets import Static

from .survey_desk import SurveyDesk

BOARD = "greenhouse_esp32"
SIZE = (80, 24)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(app: Screen) -> str:
    """What stands on the screen, as text."""
    lines = app.screen._compositor.render_strips()
    text = "\n".join("".join(segment.text for segment in line) for line in lines)
    assert len(lines) in (0, SIZE[1]) and "Traceback" not in text  # 0: a dialog is not drawn yet
    return text


async def until(pilot: Pilot, text: str, seconds: int = 15) -> str:
    """Wait until the screen has a text; return all of it, on one line."""
    for _ in range(seconds * 20):
        await pilot.pause(0.05)
        now = shown(pilot.app)  # type: ignore[arg-type]
        words = re.sub(r"\s+", " ", now)
        if text in words:
            return words
    raise AssertionError(f"no {text!r} in\n{now}")


def play(choices: Choices, story: Callable[[Pilot], Awaitable[None]]) -> Screen:
    """Run the program with somebody at its keys."""
    app = Screen(choices)

    async def run() -> None:
        async with app.run_test(size=SIZE) as pilot:
            await story(pilot)

    asyncio.run(run())
    return app


async def typed(pilot: Pilot, text: str) -> None:
    """Type into the field that has the focus, instead of what stands there."""
    pilot.app.focused.value = text  # type: ignore[union-attr]
    await pilot.pause()


def a_store() -> None:
    """A collector has heard two of three units."""
    registry, store = Registry(), Store()
    collector, now_s = Collector(store, registry), time.time()
    start = int(now_s) - DEVICE_EPOCH_S - 3 * 3600
    for n in (1, 2, 3):
        sender = Sender(registry, f"gh-{n}")
        registry.describe(f"gh-{n}", "x", state="provisioned", site="riverside")
        if n < 3:
            records = [boot_record(1, (FULL,), start - 60), schema_record(2, FULL)]
            records.append(hour(3, start, faulty=n == 2))
            collector.handle(sender.seal(records), ("192.0.2.7", 4000), now_s - 60)
    collector.flush()
    store.close()
    registry.close()


def test_units_are_shown_as_the_verb_shows_them():
    a_store()

    async def story(pilot: Pilot) -> None:
        now = await until(pilot, "riverside provisioned never")
        assert "gh-1 riverside provisioned" in now and "-97 dBm 3.91 V" in now
        await until(pilot, "gh-1: latest values")
        await pilot.press("down")
        assert "sensor fault" in await until(pilot, "gh-2: latest values")

    play(Choices(), story)


def test_units_are_shown_before_anything_was_collected():
    registry = Registry()
    Sender(registry, "gh-1")
    registry.describe("gh-1", "x", state="provisioned", site="riverside")
    registry.close()

    async def story(pilot: Pilot) -> None:
        assert "nothing was collected in" in await until(pilot, "gh-1 riverside provisioned")

    play(Choices(), story)


def test_what_is_missing_or_wrong_is_told_in_words(home):
    village(home, rows(2))
    (home / "bad.csv").write_text("unit,config\nGH,none.toml\n")

    async def story(pilot: Pilot) -> None:
        await until(pilot, "nothing was collected in")  # neither registry nor store
        await pilot.press("f3", "f6")
        await until(pilot, "error: no plan is named; next: give a .csv")
        await pilot.press("enter")  # the first file
        await until(pilot, "unit = 'GH': must be 1 to 32")
        await typed(pilot, "village.csv")
        await pilot.press("enter")
        await until(pilot, "village.csv: ok, 2 units; F6 starts")
        await typed(pilot, "gone.csv")
        await pilot.press("f6")
        await until(pilot, "error: gone.csv")
        await typed(pilot, "village.csv")
        await pilot.press("tab")
        await typed(pilot, "/dev/none")
        await pilot.press("f6")
        await until(pilot, "error: no unit is plugged in; next:")
        await pilot.press("shift+tab", "end", "ctrl+u")
        await until(pilot, "bad.csv")  # all plans are offered again
        await typed(pilot, "village.csv")
        await pilot.press("tab", "tab")
        await typed(pilot, "li")
        await pilot.press("f6")
        await until(pilot, "error: no technician 'li' is in")
        await pilot.press("f4", "f6")
        await until(pilot, "error: no port is named")
        await pilot.press("shift+tab", "shift+tab")
        await typed(pilot, "/dev/none")
        await pilot.press("tab")
        await typed(pilot, "bc26")
        await pilot.press("f6")
        await until(pilot, "error: there is no port /dev/none; next: plug")
        await pilot.press("f5")
        await until(pilot, "holds no certificate")
        await pilot.press("shift+tab")
        await typed(pilot, "nowhere")
        await pilot.press("enter")
        await until(pilot, "error: there is no folder nowhere; next:")
        await pilot.press("ctrl+q")

    app = play(Choices(virtual=True), story)
    assert not app.is_running and app.return_code == 0


@pytest.fixture
def bench(home):
    with closing(Bench(5, home / "bench")) as made:
        for _ in range(2):
            made.add_board(BOARD)
        made.start_real()
        yield made


@pytest.fixture
def boards(bench):
    return [board.port for board in bench.boards.values()]


@pytest.mark.long
def test_a_batch_of_two_one_of_which_is_busy(home, boards):
    village(home, rows(2))
    rival = open_port(boards[1])

    async def story(pilot: Pilot) -> None:
        await pilot.press("f3", "f6")
        await until(pilot, "1 of 2 done, 0 at work, 0 failed, 1 to come", 90)
        now = await until(pilot, "error: 1 of 2 units are not done; next:")
        assert "is busy" in now and "fuser" in now and "village-labels.html" in now
        rival.close()
        await pilot.press("f6")
        await until(pilot, "2 of 2 done, 0 at work, 0 failed", 90)
        assert "was done" in await until(pilot, "labels: village-labels.html")
        await pilot.press("ctrl+c")

    ports = tuple(f"{port}" for port in boards)
    app = play(Choices(Path("village.csv"), ports, virtual=True), story)
    assert app.return_code == 0
    registry = Registry()
    assert [unit.state for unit in registry.units()] == ["provisioned", "provisioned"]
    registry.close()


def a_technician(home: Path) -> Path:
    """`li`, and the file of his passphrase."""
    file = home / "pass"
    file.write_text("four words of mine")
    file.chmod(0o600)
    assert main(["technician", "new", "li", "--key-file", str(file)]) == 0
    return file


def test_whoever_mistypes_a_passphrase_is_told_and_asked_again(home):
    village(home, rows(1))
    a_technician(home)

    async def story(pilot: Pilot) -> None:
        async def answer(*keys: str) -> None:
            await pilot.press("f6")
            now = await until(pilot, "Passphrase of li")
            assert "F3 Batch" in now and "village.csv" in now  # the screen stays
            await pilot.press(*keys)

        await pilot.press("f3")
        await answer("f2", *"some words")
        assert "some words" not in shown(pilot.app)  # type: ignore[arg-type]
        await pilot.press("enter")
        await until(pilot, "does not open with this passphrase")
        for key in ("escape", "ctrl+c"):
            await answer(key)
            await until(pilot, "interrupted")
        await answer(*"four words of mine", "enter")
        await until(pilot, "error: no unit is plugged in")
        assert pilot.app.query_one("TabbedContent").active == "batch"  # type: ignore[attr-defined]
        await answer("ctrl+q")

    app = play(Choices(Path("village.csv"), ("/dev/none",), "li", virtual=True), story)
    assert app.return_code == 0


def test_a_registry_is_opened_by_its_passphrase(home):
    village(home, rows(1))
    registry = Registry()
    registry.vault.lock_by(PASSPHRASE, b"seven small boats")
    registry.close()

    async def story(pilot: Pilot) -> None:
        await pilot.press("f3", "f6")
        await until(pilot, "Passphrase of")
        await pilot.press(*"seven", "enter")
        await until(pilot, "That does not open it. Passphrase of")
        await pilot.press(*"seven small boats", "enter")
        await until(pilot, "error: no unit is plugged in")

    play(Choices(Path("village.csv"), ("/dev/none",), virtual=True), story)


@pytest.mark.long
def test_ctrl_c_stops_after_the_present_step_and_it_goes_on(home, bench, boards):
    village(home, rows(2))
    for board in bench.boards.values():  # a real line takes seconds: it is seen
        board.loader_pace = LoaderPace()

    async def story(pilot: Pilot) -> None:
        await pilot.press("f3", "f6")
        await until(pilot, "flashing", 30)
        await pilot.press("ctrl+c")
        await until(pilot, "interrupted, 2 units are not done", 60)
        await pilot.press("f6")
        await until(pilot, "2 of 2 done", 90)

    play(Choices(Path("village.csv"), tuple(boards), virtual=True), story)


def test_the_signal_at_three_places(home, monkeypatch, capsys):
    desk = SurveyDesk("bc26", home, monkeypatch, capsys)
    desk.move(-115)

    async def story(pilot: Pilot) -> None:
        place = pilot.app.query_one(SignalPane).place
        desk.at(60, lambda: (desk.move(-92), place("2 m higher")))
        desk.at(120, lambda: (desk.move(-133), place("cellar")))
        desk.at(180, lambda: place("q"))
        await pilot.press("f4", "f6")
        now = await until(pilot, "log: survey-2026-06-01T080003Z.csv", 60)
        assert "best: 2 m higher" in now and "next: drill here" in now
        assert "cellar: no-go" in now and "start: weak" in now

    try:
        play(Choices(ports=(desk.pty.path,), modem="bc26"), story)
    finally:
        desk.close()
    assert len((home / "survey-2026-06-01T080003Z.csv").read_text().splitlines()) > 100


def test_what_people_and_units_call_things_is_no_markup(home):
    """To Textual, [/roof] would be the end of something that never began."""
    odd = "north [2 m] [/roof]"
    a_store()
    registry = Registry()
    registry.describe("gh-3", "x", site=odd)
    registry.close()
    (home / f"{odd.replace('/', 'b')}.csv").write_text("unit,config\n")
    (home / "survey-1.csv").write_text("at,spot,rsrp_dbm\n")
    (home / "node.toml").write_text('[node]\nboard = "greenhouse_esp32"\n')
    reading = Reading(odd, 21, 21.0, "21.0", odd, "normal", True)

    async def story(pilot: Pilot) -> None:
        await until(pilot, odd)
        pilot.app.query_one("#unit-details", Static).update(tables.latest(odd, [reading], 30.0))
        await until(pilot, f"{odd} 21.0 {odd}")
        await pilot.press("f3")
        now = await until(pilot, "north [2 m] [broof].csv")
        assert "survey-1.csv" not in now and "node.toml" not in now  # they are no plans
        await until(pilot, "F6 Start")
        pane = pilot.app.query_one(SignalPane)
        pane._show([None, -90.0], f"-90 dBm {odd}", [f"{odd}: go: -90 dBm"])
        await pilot.press("f4")
        now = await until(pilot, f"{odd}: go: -90 dBm")
        assert f"-90 dBm {odd}" in now and "-90 to -90 dBm" in now
        pane._show([None], "no signal", [])
        assert "dBm" not in await until(pilot, "no signal")

    play(Choices(), story)


def test_results_of_a_folder(home, capsys):
    file = a_technician(home)
    registry, folder = Registry(), home / "village-certificates"
    signer = Signer.of(registry, "li", file)
    at_s = int(time.time())
    kept = signer.write(replace(GOOD, at_s=at_s), folder)
    signer.write(replace(GOOD, unit="gh-02", at_s=at_s, checks=(*CHECKS, BROKEN)), folder)
    registry.close()
    (folder / "gh-03.cert").write_bytes(kept.file.read_bytes()[:-9])
    kept.file.rename(home / kept.file.name)  # as 'selftest' leaves it
    kept.page.rename(home / kept.page.name)

    async def story(pilot: Pilot) -> None:
        await pilot.press("f5")
        await until(pilot, "FAILED")
        now = shown(pilot.app)  # type: ignore[arg-type]
        lines = {line.split()[0]: line for line in now.splitlines() if "gh-0" in line[:8]}
        assert "passed" in lines["gh-01"] and "li" in lines["gh-01"]
        assert "air: sensor_absent" in lines["gh-02"] and "NOT VALID" in lines["gh-03"]
        assert list(lines) == ["gh-03", "gh-02", "gh-01"]  # the last one first
        await pilot.press("f8")
        await until(pilot, "error: there is no page village-certificates/gh-03.html; next:")
        for _ in range(2):
            await pilot.press("down", "f8")
        await until(pilot, "open it in a browser, and print it")

    opened: list[str] = []
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(Screen, "open_url", lambda self, url, **_: opened.append(url))
    try:
        play(Choices(), story)
    finally:
        monkeypatch.undo()
    pages = [*folder.glob("*.html"), *home.glob("*.html")]
    assert len(pages) == 2 and sorted(opened) == sorted(page.as_uri() for page in pages)


def test_without_a_terminal_or_the_library(capsys, monkeypatch):
    assert main(["ui"]) == 2
    assert "there is no terminal; next: run it in a terminal" in capsys.readouterr().err
    for name in [name for name in sys.modules if name.startswith("fieldbeat.host_tools.ui")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual.message", None)
    monkeypatch.setitem(sys.modules, "textual.app", None)
    assert main(["ui"]) == 2
    assert "needs Textual; next: pip install 'fieldbeat[ui]'" in capsys.readouterr().err
