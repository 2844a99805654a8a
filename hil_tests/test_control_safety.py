"""What keeps an actuator within its limits when something else is broken, seen from outside."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools import boards, partition_table
from fieldbeat.protocols.control_rules import LEVEL
from fieldbeat.protocols.reason_codes import CODES
from littlefs import LittleFS

from .control_site import BOARD, ControlSite, actuator, rule, table
from .test_control import ALWAYS, BOOT_S, INPUTS
from .virtual.board import HARD, SOFT, WATCHDOG
from .virtual.nvs import NOT_ENOUGH_SPACE, Nvs, NvsError


@pytest.fixture
def site(tmp_path):
    with ControlSite(seed=1, workdir=tmp_path) as site:
        site.hold(air_temperature=20.0, air_humidity=60.0, illuminance=1000.0)
        yield site


def always(*rows, **options):
    """Actuators that are wanted all the time."""
    return table(INPUTS, list(rows), [rule(n + 1, n, ALWAYS) for n in range(len(rows))], **options)


# Files that cannot be read


def spoil(station, path: str) -> None:
    """What lies there can no longer be read; a folder is gone."""
    vfs = partition_table.find(boards.load(BOARD).partition_table(), "vfs")
    disk = LittleFS(block_size=4096, block_count=vfs.size // 4096, mount=False)
    disk.context.buffer = bytearray(station.flash.data[vfs.offset : vfs.end])
    disk.mount()
    if path == APP:
        disk.rename(APP, "/gone")
    else:
        with disk.open(path, "wb") as file:
            file.write(b"none")
    station.flash.load(vfs.offset, bytes(disk.context.buffer))


def test_an_nvs_that_does_not_keep_how_outputs_rest_stops_them_and_nothing_else(site, monkeypatch):
    """They are at rest by the files; boot.py, which needs none, would not know how."""
    set_blob = Nvs.set_blob

    def refuse(nvs, space, key, data):
        if key == "rest":
            raise NvsError(NOT_ENOUGH_SPACE)
        return set_blob(nvs, space, key, data)

    monkeypatch.setattr(Nvs, "set_blob", refuse)
    station = site.put_up(always(actuator("fan"), actuator("roof"), actuator("mist")), run_s=60)
    site.run_for(2 * 3600)  # and nobody forgives it after an hour
    assert "ordered" in site.type("operate fan 100 60")
    site.run_for(60)
    observer = site.observer
    for name in ("fan", "roof.open", "roof.close"):
        assert not observer.runs(name), name
    assert site.relays.coils[0]  # it has no pin, and opens by itself
    code = CODES["fs_corrupt"]
    assert site.faults_told() == [("fan", code, 0), ("roof", code, 0)]
    (samples,) = site.store.database.one("SELECT COUNT(*) FROM samples")
    assert samples > 30  # it measures and reports
    assert "fs_corrupt" in site.type("counters") and "is at fault" in site.type("selftest fan")
    monkeypatch.undo()
    station.reset()
    site.run_for(BOOT_S + 60)
    assert observer.is_on("fan") and observer.is_on("roof.open")


APP = "/a"
CONFIG, PROFILE, BOARD_FILE = "/config.cbor", "/profile.cbor", "/board.cbor"


@pytest.mark.parametrize("how", [HARD, SOFT, WATCHDOG])
@pytest.mark.parametrize("broken", [CONFIG, PROFILE, BOARD_FILE, APP])
def test_what_is_driven_goes_to_rest_whatever_cannot_be_read(site, broken, how):
    """A program that resets the chip without a word, as one that has no memory does."""
    station = site.put_up(always(actuator("fan"), actuator("roof"), actuator("mist")), run_s=60)
    observer = site.observer
    driven = ("fan", "roof.open")
    assert all(observer.is_on(name) for name in driven) and site.relays.coils[0]
    spoil(station, broken)
    if how == SOFT:
        station._soft_reset()
    else:
        station._boot(how)
    assert all(observer.is_on(name) for name in driven)  # pins stay as they are
    site.run_for(BOOT_S)
    assert not any(observer.is_on(name) for name in driven)
    site.run_for(60)
    assert not any(observer.is_on(name) for name in driven)
    if broken in (CONFIG, PROFILE):  # the board's file alone knows of its relays on RS485
        assert not site.relays.coils[0], station.output[-1500:].decode()
    if broken != APP:
        assert "safe mode" in site.type("status")


# A line that is cut


ON_S, OPENS_S = 25.0, 26.5  # what the relay board is told, and what a turn of the line may add
PLAIN = '[fitted.mist]\nmap = "relays_8"\n[fitted.feed]\nmap = "relays_8"\n'


def test_a_relay_whose_line_is_cut_opens_by_itself(site):
    rows = [actuator("mist"), actuator("feed", max_run_s=20, min_pause_s=60)]
    site.put_up(always(*rows), run_s=60)
    observer = site.observer
    assert observer.is_on("mist")
    assert observer.runs("mist")[0][1] - observer.runs("mist")[0][0] > ON_S  # it is told again
    site.run_for(200)
    assert len(observer.runs("mist")) == 1  # without a gap
    assert site.run_until(lambda: observer.is_on("feed"), 200)
    site.run_for(10)
    site.relays.faults.unplugged = True
    cut_s = observer.now_s
    site.run_for(120)
    assert site.relays.faults.fired["unplugged"]
    for name in ("mist", "feed"):
        assert observer.runs(name)[-1][1] <= cut_s + OPENS_S
    observer.check(rows)  # one that was near its longest run opened at its end
    assert {name for name, _, _ in site.faults_told()} == {"mist", "feed"}


def test_a_relay_whose_chip_stands_still_opens_by_itself(site):
    station = site.put_up(always(actuator("mist")), run_s=60)
    station.hold()
    site.run_for(OPENS_S)
    assert not site.observer.is_on("mist")


# A program that hangs


WATCHDOG_S = 30.0


def test_a_program_that_hangs_is_ended_within_half_a_minute(site):
    station = site.put_up(always(actuator("fan"), actuator("mist")), run_s=60)
    observer, hardware = site.observer, station.hardware
    hardware.faults.hang = 1000
    begin_s = observer.now_s
    site.run_for(60)
    assert hardware.faults.fired["hang"] and station.resets[-1] == WATCHDOG
    for name in ("fan", "mist"):
        assert observer.runs(name)[0][1] - begin_s <= WATCHDOG_S + BOOT_S, name
    site.run_for(60)
    assert observer.is_on("fan") and observer.is_on("mist")


def test_work_that_takes_long_is_no_hang(site):
    station = site.put_up(always(actuator("fan")), run_s=60)
    for _ in range(5):
        station.hardware.faults.hang = 15
        site.run_for(40)
    assert station.hardware.faults.fired["hang"] == 5 and len(station.resets) == 1
    assert len(site.observer.runs("fan")) == 1


# A clock that jumps


@pytest.mark.longest
def test_a_clock_that_jumps_over_a_day_gives_no_second_daily_maximum(site):
    rows = [actuator("fan", max_day_s=300)]
    site.put_up(always(*rows), run_s=600)
    assert site.observer.on_s("fan") == pytest.approx(300, abs=8)
    site.faults.server_clock_off_s = 86_400
    site.type("uplink")
    site.run_for(600)
    assert site.faults.fired["server_clock_off_s"]
    assert site.observer.on_s("fan") == pytest.approx(300, abs=8)
    site.run_for(17 * 3600)  # over midnight, which the jump did not move
    assert site.observer.on_s("fan") == pytest.approx(600, abs=16)


# A motor that a reset has stopped on its way


@pytest.mark.parametrize("safe", [0, 100])
def test_a_motor_that_a_reset_has_stopped_finds_its_safe_end_first(site, safe):
    rows = [actuator("roof", safe=safe)]
    site.put_up(table(INPUTS, rows, [rule(1, 0, ALWAYS, value=60)]), run_s=400)
    assert site.roof.position == pytest.approx(0.6, abs=0.02)
    site.type("operate roof 90 600")
    site.run_for(20)
    begin_s = site.observer.now_s
    site.station.reset()
    site.run_for(400)
    first, then = ("roof.open", "roof.close") if safe else ("roof.close", "roof.open")
    (to_the_end, *_), (back, *_) = (
        [run for run in site.observer.runs(way) if run[1] > begin_s] for way in (first, then)
    )
    assert begin_s + 2 < to_the_end[0] < to_the_end[1] < back[0]
    assert site.roof.position == pytest.approx(0.6, abs=0.02)


# Sensors


BAD = [
    *(("air", "unplugged", True), ("air", "bad_crc", True), ("air", "slow", 50)),
    *(("air", "stuck", True), ("air", "forced", {"air_temperature": 130.0})),
    *(("co2", "unplugged", True), ("co2", "bad_crc", True), ("light", "unplugged", True)),
    *(("soil", "unplugged", True), ("soil", "other_address", 2), ("soil", "cut", 3)),
    *(("soil", "slow", 400), ("soil", "stuck", True), ("soil", "bad_crc", True)),
    *(("weather", "unplugged", True), ("weather", "other_address", 1)),
    *(("solution", "unplugged", True), ("flow", "humming", True)),
]
SENSED = {
    "air": "air_temperature",
    "co2": "co2",
    "light": "illuminance",
    "soil": "soil_moisture",
    "weather": "wind_speed",
    "solution": "supply_temperature",
    "flow": "water_flow",
}


def driven_by(channel: str):
    """A heater that is on while a channel has whatever value."""
    on = [LEVEL, 0, -10_000, 1, False, 0]
    return table([channel], [actuator("heater")], [rule(1, 0, on)], stale_s=30)


@pytest.mark.parametrize("part, fault, value", BAD)
def test_a_rule_whose_sensor_is_broken_is_blind(site, part, fault, value):
    site.put_up(driven_by(SENSED[part]), run_s=40)
    assert site.observer.is_on("heater")
    faults = site.part(part).faults
    setattr(faults, fault, value)
    begin_s = site.observer.now_s
    site.run_for(60)
    assert faults.fired[fault]
    assert site.observer.runs("heater")[0][1] - begin_s <= 30 + 2 * 10 + 6


@pytest.mark.long
def test_a_rule_whose_sensor_always_says_the_same_is_blind(site):
    """Exactly the same for six rounds, which no live one does."""
    site.put_up(driven_by("air_temperature"), run_s=40)
    site.run_for(2 * 3600)
    assert len(site.observer.runs("heater")) == 1
    site.part("air").faults.frozen = True
    begin_s = site.observer.now_s
    site.run_for(7 * 900)
    assert site.observer.runs("heater")[0][1] - begin_s <= 6 * 900 + 60


@pytest.mark.parametrize("max_run_s", [16, 17, 24])
def test_a_relay_that_opens_by_itself_is_not_closed_once_more(site, max_run_s):
    """Its board was told the rest of the run, which is over just before it is told again."""
    rows = [actuator("mist", max_run_s=max_run_s, min_pause_s=30)]
    site.put_up(always(*rows), run_s=400)
    assert len(site.observer.runs("mist")) >= 6
    site.observer.check(rows)
