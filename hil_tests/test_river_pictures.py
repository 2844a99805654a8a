"""Pictures of a whole virtual board over its modelled modem, at the real collector."""

from __future__ import annotations

import shutil
from functools import cache

import cv2
import numpy as np
import pytest
from fieldbeat.host_tools import picture_reading
from fieldbeat.host_tools.gauge import Agreement
from fieldbeat.protocols import event

from .faults.full_flash import FullFlash
from .photographs import photographs
from .river_pictures import (
    CREST_MM,
    CUTS_AT,
    FULL_BYTES,
    PictureSite,
    cut_and_resume,
    padded,
    probed,
)
from .river_site import BOARDS, UNIT
from .scenes import judge
from .scenes.scene import Scene, jpeg

WHOLE_S = 14
# Of many transfers two in a hundred take longer: where some answers in a row are lost.
WHOLE_AT_10_PERCENT_S = 18
OVERHEAD = 1.03
HEAP_BYTES = 24_000
ALARM_S = 15
FRAME = (800, 600)
CHUNKS = 86  # of 40 kB
# Of flash: 16 are left to records (firmware/picture_store.py), a picture of 40 kB takes 10.
FREE_BLOCKS = 16 + 8


@cache
def scene() -> bytes:
    """A rendered river, in a file of 40 kB."""
    return padded(jpeg(Scene(3).render(700), 80))


@pytest.fixture
def site(tmp_path):
    with PictureSite(workdir=tmp_path) as site:
        yield site


def test_40_kb_take_no_more_than_the_link_needs_and_little_heap(site):
    with probed():
        site.put_up()
    site.show(scene())
    site.flood()
    picture = site.until_full()
    assert site.data(picture) == scene() and picture.why == "alarm"
    assert 11.7 < site.seconds(picture) <= WHOLE_S
    assert 0 < site.heap_peak() <= HEAP_BYTES
    assert cv2.imdecode(np.frombuffer(site.data(picture), np.uint8), 1).shape == (600, 800, 3)


def test_every_tenth_datagram_is_lost(tmp_path):
    with PictureSite(seed=1, workdir=tmp_path) as site:
        site.put_up()
        site.show(scene())
        site.network.loss = 0.1
        site.flood()
        picture = site.until_full()
        assert site.data(picture) == scene()
        assert site.seconds(picture) <= WHOLE_AT_10_PERCENT_S
        assert site.network.counts["up_lost"] + site.network.counts["down_lost"] > 5


@pytest.mark.long
def test_five_power_cuts_cost_little_on_the_air(tmp_path):
    spent = []
    for cuts_at in ((), CUTS_AT):
        with PictureSite(workdir=tmp_path / str(len(cuts_at))) as site:
            site.put_up()
            site.show(scene())
            site.flood()
            had = [cut_and_resume(site, chunks) for chunks in cuts_at]
            assert all(0 < chunks < CHUNKS for chunks in had) and had == sorted(had)
            picture = site.until_full(600)
            assert site.data(picture) == scene() and len(site.whole()) == 1
            assert len(site.station.resets) == 1 + len(cuts_at)
            spent.append(site.on_the_air())
    assert spent[0] < spent[1] <= OVERHEAD * spent[0], spent


@pytest.mark.long
def test_a_collector_whose_store_was_put_back_gets_it_whole(site):
    site.put_up()
    site.show(scene())
    site.flood()
    assert site.run_until(lambda: site.chunks() > 20, 60)
    site.kill_collector()
    shutil.copy(site.workdir / "collector.db", site.workdir / "before.db")
    site.start_collector()
    had = site.chunks()
    assert site.run_until(lambda: site.chunks() > had + 40, 60)
    site.kill_collector()
    for old in site.workdir.glob("collector.db*"):
        old.unlink()
    shutil.copy(site.workdir / "before.db", site.workdir / "collector.db")
    site.start_collector()
    assert site.chunks() == had
    picture = site.until_full(600)
    assert site.data(picture) == scene()


def test_an_alarm_overtakes_a_picture(site):
    site.put_up()
    site.show(scene())
    site.flood()
    assert site.run_until(lambda: site.chunks() > 10, 60)
    site.level_mm = CREST_MM
    begin_s = site.now_s
    assert site.run_until(lambda: 2 in site.alarms(), ALARM_S), site.alarms()
    assert site.alarms()[2] - begin_s <= ALARM_S and 10 < site.chunks() < CHUNKS
    assert site.data(site.until_full()) == scene()


def test_the_picture_of_an_alarm_that_nobody_answers_for_is_tried_again_soon(site):
    site.put_up()
    site.show(scene())
    site.flood()
    assert site.run_until(lambda: 1 in site.alarms(), 60)
    site.network.away(True)
    site.run_for(60)
    assert not site.whole()
    site.network.away(False)
    assert site.data(site.until_full(180)) == scene()  # not at the next wake, in an hour


@pytest.mark.long
def test_where_the_flash_is_full_the_oldest_of_the_schedule_makes_room(site):
    site.put_up("every_s = 3600\n")
    site.network.away(True)
    site.run_for(8 * 3600)
    site.station.power_off()
    full = FullFlash(site.station, FREE_BLOCKS, by_statvfs=True)
    site.station.power_on()
    site.run_for(60)
    site.show(scene())  # also for the thumbnail, which it is too large for
    site.flood()
    site.run_for(600)
    site.network.away(False)
    assert site.data(site.until_full(600)) == scene() and not full.was_full()
    site.run_for(600)
    came = {picture.sha256 for picture in site.pictures()}
    lost = [sha256 not in came for sha256, why in site.told() if why == event.SCHEDULE]
    assert lost == [True] * 2 + [False] * 6  # oldest first
    assert "picture_lost 2 " in site.says("counters")


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.long
def test_what_each_board_sees_is_what_the_collector_reads(tmp_path, board):
    """The camera's own picture of the scene; the UART board's modem has 57,600 baud."""
    with PictureSite(workdir=tmp_path) as site:
        site.put_up(board=board)
        site.flood()
        picture = site.until_full(600)
        image = picture_reading.image_of(site.store, picture)
        assert image.shape[:2] == (picture.height, picture.width)
        assert picture.size <= FULL_BYTES and picture.unit == UNIT


@pytest.mark.long
def test_photographs_go_over_as_they_are(tmp_path):
    files = [file for file in photographs() if file.suffix == ".jpg"]
    if not files:
        pytest.skip("no photographs: pip install mahotas")
    fitting = [data for data in (file.read_bytes() for file in files) if len(data) <= FULL_BYTES]
    assert len(fitting) >= 2
    for number, data in enumerate(fitting):
        with PictureSite(workdir=tmp_path / str(number)) as site:
            site.put_up()
            site.show(data)
            site.flood()
            assert site.data(site.until_full()) == data


@pytest.mark.long
def test_the_gauge_in_a_picture_of_its_own_contradicts_a_sensor_that_is_wrong(site):
    """The river stands at 0.9 m, and the level sensor says 3.19 m."""
    site.river.base_mm = 900
    region = Scene(site.world.seed).gauge_region(FRAME)
    site.put_up(f"every_s = 0\n[fitted.camera.regions]\ngauge = {list(region)}\n")
    site.flood()
    site.until_full()
    site.run_for(900)  # for the report
    calibration = judge.calibrated(site.world.seed, FRAME)
    found, _ = picture_reading.read(site.store, UNIT, calibration, "level", 30, region, 2)
    assert [each.picture.kind for each in found] == ["gauge", "full"]
    for each in found:
        assert each.reading.level_mm == pytest.approx(900, abs=20)
        assert each.agreement is Agreement.DISAGREES and each.sensor_mm == pytest.approx(
            3190, abs=9
        )
