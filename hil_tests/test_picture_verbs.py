"""`fieldbeat pictures`: rendered pictures of a river in a store, as a person asks for them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from fieldbeat.hil_tests.scenes import trials
from fieldbeat.hil_tests.scenes.scene import SIZE, Scene, jpeg
from fieldbeat.host_tools import gauge, gauge_calibration, jpeg_units, output, pictures
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.store import Contact, Store
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.protocols import blocks, cbor, event
from fieldbeat.protocols.block_sender import Sender
from fieldbeat.protocols.schema import Column, Schema

from protocols.tests.test_jpeg_crop import cut

UNIT = "river-07"
SITE = trials.TEST + 101
LEVEL_MM = 640
TAKEN_S = 1_717_243_200
LEVEL = Schema(30, 1, 300, [Column("level", "m", 1000, -10000, 30000, 0)])
THUMBNAIL, GAUGE, FULL = range(3)


def keep(store: Store, number: int, data: bytes, kind: int, taken_s: int, flags: int = 0) -> None:
    """Brings a picture into the store, block by block, with its event."""
    header = blocks.describe(
        number,
        len(data),
        400,
        lambda offset, size: data[offset : offset + size],
        taken_s - DEVICE_EPOCH_S,
        blocks.PICTURE,
    )
    sender = Sender(header, lambda offset, size: data[offset : offset + size])
    arrivals = pictures.Arrivals(store)
    with store.transaction():
        while sender.result is None:
            answer = arrivals.take(UNIT, sender.next(0), taken_s + 60)
            if answer:
                sender.receive(answer, 0)
        body = {
            event.PICTURE_WHY: event.ALARMED,
            event.PICTURE_KIND: kind,
            event.PICTURE_WIDTH: SIZE[0],
            event.PICTURE_HEIGHT: SIZE[1],
            event.PICTURE_SHA256: hashlib.sha256(data).digest(),
        }
        body |= {event.PICTURE_FLAGS: flags} if flags else {}
        record = store.add_record(UNIT, 1, number, 1, 0, b"")
        store.add_event(record, UNIT, event.PICTURE, taken_s, cbor.encode(body))


def level_of_sensor(store: Store, rn: int, t: int, level_mm: int) -> None:
    with store.transaction():
        record = store.add_record(UNIT, 1, rn, 1, 30, b"", "decoded")
        store.add_report(record, UNIT, LEVEL, [t], [[level_mm]], [[0]])


@pytest.fixture(scope="module")
def seen() -> dict[str, bytes]:
    """What the camera sees: rendering takes time."""
    scene = Scene(SITE)
    picture = scene.render(LEVEL_MM, seed=4)
    region = scene.gauge_region(SIZE)
    return {
        "full": jpeg(picture, 80),
        "gauge": cut(jpeg(picture, 70), region),
        "dark": jpeg(scene.render(LEVEL_MM, "night", seed=5), 80),
        "mounted": jpeg(scene.render(trials.LOW_WATER_MM, seed=1), 90),
    }


@pytest.fixture
def store(tmp_path, monkeypatch, seen):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    store = Store()
    store.add_frame(UNIT, 1, 1, TAKEN_S, "", b"")
    store.save_contact(Contact(UNIT, TAKEN_S, TAKEN_S))
    keep(store, 11, seen["full"], FULL, TAKEN_S)
    keep(store, 12, seen["gauge"], GAUGE, TAKEN_S + 3600)
    keep(store, 13, seen["dark"], FULL, TAKEN_S + 7200)
    level_of_sensor(store, 21, TAKEN_S - 120, LEVEL_MM + 8)
    level_of_sensor(store, 22, TAKEN_S + 3600, LEVEL_MM + 180)
    yield store
    store.close()


def asked(capsys, *words: str) -> tuple[int, dict]:
    code = main(["pictures", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


LOW, HIGH = trials.MARKED_MM


def calibrate(
    folder,
    picture: bytes,
    heights: tuple[int, int] = (HIGH, LOW),
    aside_px: float = 0,
    level_mm: int = trials.LOW_WATER_MM,
) -> int:
    """Calibrates as a person does, with the verb, and returns its exit code."""
    mounted, path = folder / "mounted.jpg", folder / "river-07.toml"
    mounted.write_bytes(picture)
    corners = Scene(SITE).corners(SIZE, LOW, HIGH)
    names = [(edge, height) for height in heights for edge in ("left", "right")]
    words = [
        f"--point={x + aside_px:.2f},{y:.2f},{edge},{height}"
        for (x, y), (edge, height) in zip(corners, names, strict=True)
    ]
    more = ["--level-mm", str(level_mm), "--high-mm", "1500", "--out", str(path)]
    return main(["pictures", "calibrate", str(mounted), *words, *more])


def calibration(folder, seen) -> str:
    """Calibrates and returns the file."""
    path = folder / "river-07.toml"
    assert calibrate(folder, seen["mounted"]) == 0
    gauge_calibration.load(path)
    return str(path)


MISTAKES = {
    "bare wall": ({"aside_px": -150}, "no marks that repeat every 100 mm"),
    "upside down": ({"heights": (LOW, HIGH)}, "upside down"),
    "outside": ({"aside_px": 500}, "outside of the picture's 800 x 600 pixels"),
    "one height 50 mm off": ({"heights": (HIGH + 50, LOW)}, "both heights are 2"),
    "one height 25 mm off": ({"heights": (HIGH, LOW + 25)}, "both heights are 1"),
    "above the face": (
        {"heights": (1550, LOW)},
        "1550 mm is not on the face, which is from 0 to 1500",
    ),
    "level": ({"level_mm": 600}, "the water line is seen at 1"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_calibration_with_a_mistake_is_refused(mistake, seen, tmp_path, capsys):
    options, told = MISTAKES[mistake]
    assert calibrate(tmp_path, seen["mounted"], **options) == 2
    error = capsys.readouterr().err
    assert told in error and f"look at {tmp_path / 'river-07.check.png'}" in error
    assert not (tmp_path / "river-07.toml").exists()
    assert cv2.imread(str(tmp_path / "river-07.check.png")) is not None  # the points, or the face


def test_a_level_that_is_far_too_low_is_refused(seen, tmp_path, capsys):
    assert calibrate(tmp_path, seen["full"]) == 2
    assert "cannot be read with it" in capsys.readouterr().err


def test_a_scale_beside_the_face_shows_which_numerals_are_expected(seen, tmp_path):
    """Heights that are all 100 mm too low look as good: only a person can see it there."""
    calibration(tmp_path, seen)
    right = cv2.imread(str(tmp_path / "river-07.check.png"))
    assert calibrate(tmp_path, seen["mounted"], (HIGH - 100, LOW - 100), level_mm=50) == 0
    wrong = cv2.imread(str(tmp_path / "river-07.check.png"))
    assert right.shape == wrong.shape == (1520, 230, 3)
    red = (right[:, 120:, 2].astype(int) - right[:, 120:, 0]) > 120
    rows = np.flatnonzero(red.any(1))
    assert {round(1510 - row) // 100 * 100 for row in rows} <= {200, 1400}  # marked: 250 and 1450
    moved = cv2.matchTemplate(wrong[300:500, :120], right[200:600, :120], cv2.TM_CCOEFF_NORMED)
    assert moved.max() > 0.9


@pytest.mark.long
def test_pictures_are_listed_and_shown(store, capsys):
    code, told = asked(capsys, "list", UNIT)
    assert code == 0
    assert [each["kind"] for each in told["pictures"]] == ["full", "gauge", "full"]
    code, told = asked(capsys, "show", "3")
    assert code == 0 and told["judged"]["night"] and told["why"] == "alarm"
    assert told["told_s"] == TAKEN_S + 7200
    assert main(["pictures", "show", "1"]) == 0
    assert "nothing wrong" in capsys.readouterr().out
    assert main(["pictures", "list", UNIT]) == 0
    assert "2024-06-01" in capsys.readouterr().out
    assert main(["pictures", "show", "9"]) == 2
    assert "there is no picture 9" in capsys.readouterr().err


def test_pictures_are_exported_as_they_were_taken(store, capsys, tmp_path, seen):
    code, told = asked(capsys, "export", UNIT, "--to", str(tmp_path / "out"))
    assert code == 0 and len(told["written"]) == 3
    path = tmp_path / "out" / "river-07_20240601T130000Z_gauge_2.jpg"
    assert path.read_bytes() == seen["gauge"]


def test_a_picture_that_was_changed_in_the_store_is_found_and_not_used(
    store, capsys, tmp_path, seen
):
    toml = calibration(tmp_path, seen)
    bent = bytearray(seen["gauge"])
    bent[len(bent) // 2] ^= 1
    store.database.write("UPDATE pictures SET data = ? WHERE id = 2", bytes(bent))
    capsys.readouterr()
    _, told = asked(capsys, "list", UNIT)
    assert [each["changed"] for each in told["pictures"]] == [False, True, False]
    verbs = (
        ("list", UNIT),
        ("show", "2"),
        ("export", UNIT, "--to", str(tmp_path / "out")),
        ("sheet", UNIT, "--out", str(tmp_path / "sheet.png")),
        ("read", UNIT, "--calibration", toml, "--threshold-mm", "250"),
    )
    for words in verbs:
        assert main(["pictures", *words]) == 1, words
        found = capsys.readouterr()
        assert f"not the bytes that {UNIT} sealed: picture 2" in found.err
        assert ("CHANGED" in found.out) is (words[0] in ("list", "show"))
    assert [path.name[-10:] for path in (tmp_path / "out").iterdir() if "gauge" in path.name] == []
    assert main(["pictures", "show", "1"]) == 0


def test_a_sheet_of_pictures(store, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert main(["pictures", "sheet", UNIT, "--out", str(sheet)]) == 0
    height, width, _ = cv2.imread(str(sheet)).shape
    assert width <= 2560 and height >= 480  # a crop of the gauge is as high as it can be
    assert main(["pictures", "sheet", "nobody", "--out", str(sheet)]) == 2
    assert main(["pictures", "sheet", UNIT, "--out", str(tmp_path / "a" / "b.png")]) == 2


def test_the_gauge_is_read_beside_the_sensor(store, capsys, tmp_path, seen):
    toml = calibration(tmp_path, seen)
    capsys.readouterr()
    region = ",".join(map(str, Scene(SITE).gauge_region(SIZE)))
    words = ("read", UNIT, "--calibration", toml, "--region", region)
    code, told = asked(capsys, *words)
    full, crop, dark = told["readings"]
    assert abs(full["level_mm"] - LEVEL_MM) <= 20 and abs(crop["level_mm"] - LEVEL_MM) <= 20
    assert full["sensor_mm"] == LEVEL_MM + 8 and full["agreement"] == "agrees"
    assert crop["agreement"] == "disagrees" and code == 1
    assert dark["level_mm"] is None and dark["agreement"] == "cannot tell"
    assert "night" in dark["flags"]
    code, told = asked(capsys, *words, "--threshold-mm", "250")
    assert code == 0 and [item["agreement"] for item in told["readings"]][:2] == ["agrees"] * 2
    assert main(["pictures", *words]) == 1
    assert "disagrees" in capsys.readouterr().out


def test_a_crest_beyond_what_can_be_read_is_told_as_such(store, capsys, tmp_path, seen):
    toml = calibration(tmp_path, seen)
    assert "levels from 30 to 1370 mm can be read" in capsys.readouterr().out
    picture = jpeg(Scene(SITE).render(1450, seed=4), 80)
    keep(store, 14, picture, FULL, TAKEN_S + 9000)
    level_of_sensor(store, 23, TAKEN_S + 9000, 1450)
    words = ("read", UNIT, "--calibration", toml, "--last", "1")
    assert main(["pictures", *words, "--json"]) == 1
    said = capsys.readouterr()
    (crest,) = json.loads(said.out)["readings"]
    assert crest["why"] == "the sensor's level is beyond 30 to 1370 mm, which can be read"
    assert (crest["level_mm"], crest["agreement"]) == (None, "cannot tell")
    assert "if the sensor is right, a gauge that reaches" in said.err


@pytest.fixture
def crops(store, tmp_path):
    """Adds crops of the gauge at levels at which a decimetre up or down is seen as well."""
    scene = Scene(SITE)
    for n, level_mm in enumerate((640, 1000)):
        data = cut(jpeg(scene.render(level_mm, seed=6), 70), scene.gauge_region(SIZE))
        keep(store, 14 + n, data, GAUGE, TAKEN_S + 9000 + 300 * n)
        level_of_sensor(store, 23 + n, TAKEN_S + 9000 + 300 * n, level_mm)
    return store


@pytest.mark.parametrize("off_px", [-64, -32, 32, 64])
@pytest.mark.long
def test_a_region_that_is_off_by_a_decimetre_gives_no_level(off_px, crops, capsys, tmp_path, seen):
    toml = calibration(tmp_path, seen)
    capsys.readouterr()
    learned = gauge_calibration.load(Path(toml))
    left, top, width, height = Scene(SITE).gauge_region(SIZE)
    for each in pictures.of_unit(crops, UNIT)[-2:]:
        data = pictures.data_of(crops, each)
        place = jpeg_units.grown((left, top, width, height), data, SIZE)
        image = gauge.load_picture(data)
        assert gauge.read_gauge(image, learned, place).level_mm is not None
        wrong = place[0], place[1] + off_px, *place[2:]
        assert gauge.read_gauge(image, learned, wrong).level_mm is None


@pytest.mark.long
def test_a_region_by_which_the_picture_would_have_another_size_is_refused(
    crops, capsys, tmp_path, seen
):
    toml = calibration(tmp_path, seen)
    left, top, width, height = Scene(SITE).gauge_region(SIZE)
    wrong = ((0, 0), (width, 9999), (width, height + 16), (width - 40, height))
    for size in wrong:
        region = ",".join(map(str, (left, top, *size)))
        words = ["pictures", "read", UNIT, "--calibration", toml, "--region", region]
        assert main(words) == 2, size
        assert "--region" in capsys.readouterr().err


@pytest.mark.long
def test_who_gives_no_region_is_told_of_it(crops, capsys, tmp_path, seen):
    toml = calibration(tmp_path, seen)
    words = ["pictures", "read", UNIT, "--calibration", toml, "--last", "2"]
    assert main(words) == 1
    assert "give the region of the unit's config as --region" in capsys.readouterr().err


def test_units_and_channels_that_nobody_knows_are_told(store, capsys, tmp_path, seen):
    toml = calibration(tmp_path, seen)
    capsys.readouterr()
    out = str(tmp_path / "out")
    for words in (["list"], ["export", "--to", out], ["read", "--calibration", toml]):
        assert main(["pictures", words[0], "nope", *words[1:]]) == 2
        assert "no unit 'nope'" in capsys.readouterr().err
    assert main(["pictures", "read", UNIT, "--calibration", toml, "--channel", "bogus"]) == 2
    assert "--channel: level" in capsys.readouterr().err


@pytest.mark.parametrize("points", [["1,2,left,3"], ["nan,2,left,3"], ["1,2,left,3"] * 5])
def test_points_of_no_use_are_told(points, tmp_path, capsys, seen):
    (tmp_path / "mounted.jpg").write_bytes(seen["mounted"])
    words = [f"--point={each}" for each in points]
    more = ["--out", str(tmp_path / "x.toml"), "--level-mm", "150", "--high-mm", "1500"]
    assert main(["pictures", "calibrate", str(tmp_path / "mounted.jpg"), *words, *more]) == 2
    assert "next:" in capsys.readouterr().err


def test_what_is_no_point_and_no_region_is_told(store, capsys, tmp_path, seen):
    toml = calibration(tmp_path, seen)
    assert main(["pictures", "read", UNIT, "--calibration", toml, "--region", "1,2"]) == 2
    assert "left,top,width,height" in capsys.readouterr().err
    picture = str(tmp_path / "mounted.jpg")
    more = ["--out", toml, "--level-mm", "150", "--high-mm", "1500", "--point", "1,2,up,3"]
    assert main(["pictures", "calibrate", picture, *more]) == 2
    assert "357,62,left,1450" in capsys.readouterr().err


def test_80_columns_cut_no_time(store, capsys, monkeypatch, tmp_path, seen):
    toml = calibration(tmp_path, seen)
    capsys.readouterr()
    monkeypatch.setattr(output, "WIDTH_WITHOUT_TERMINAL", 80)
    region = ",".join(map(str, Scene(SITE).gauge_region(SIZE)))
    assert main(["pictures", "list", UNIT]) == 0
    lines = capsys.readouterr().out
    assert "2024-06-01T12:00:00Z" in lines and "…" not in lines and "flags" not in lines
    assert main(["pictures", "read", UNIT, "--calibration", toml, "--region", region]) == 1
    told = capsys.readouterr().out
    assert "2024-06-01T13:00:00Z" in told and "greatest" in told and "…" not in told
    assert "gauge and sensor disagree: go and look; see picture 2 (gauge 6" in told


def test_only_a_picture_of_all_is_calibrated(seen, tmp_path, capsys):
    assert calibrate(tmp_path, seen["gauge"]) == 2
    told = capsys.readouterr().err
    assert "it is a picture of the gauge alone" in told and "--kind full" in told


def test_who_has_only_pictures_of_the_night_is_told_to_wait(store, seen, tmp_path, capsys):
    words = ["read", UNIT, "--calibration", calibration(tmp_path, seen), "--last", "1"]
    assert main(["pictures", *words]) == 1
    assert "next: all are dark or covered: wait for one by day" in capsys.readouterr().err


def test_a_picture_of_the_night_is_not_calibrated(seen, tmp_path, capsys):
    assert calibrate(tmp_path, seen["dark"]) == 2
    told = capsys.readouterr().err
    assert "mounted.jpg: it is dark; next: take a picture by day" in told


def test_a_calibration_does_not_take_the_place_of_its_picture(seen, tmp_path, capsys):
    mounted = tmp_path / "mounted.png"
    mounted.write_bytes(seen["mounted"])
    for out, told in (("mounted.toml", "over"), ("mounted.png", "it is no .toml")):
        words = ["--point=1,1,left,250", "--level-mm", "150", "--high-mm", "1500"]
        out = ["--out", str(tmp_path / out)]
        assert main(["pictures", "calibrate", str(mounted), *words, *out]) == 2
        assert told in capsys.readouterr().err and mounted.read_bytes() == seen["mounted"]


def test_show_wants_the_id_of_a_picture(store, capsys):
    assert main(["pictures", "show", UNIT]) == 2
    assert f"'{UNIT}' is no id of a picture; next: see 'fieldbeat pict" in capsys.readouterr().err
