# SPDX-License-Identifier: Apache-2.0
from drivers.camera import Camera
from drivers.errors import DriverError
from drivers.tests.support import Clock, fails, run
from protocols.tests.support import vectors

SIZES = [
    {"width": 160, "height": 120, "code": 1, "from_bytes": 0},
    {"width": 320, "height": 240, "code": 6, "from_bytes": 7000},
    {"width": 72, "height": 40, "code": 10, "from_bytes": 20000},
]
DATA = {"sizes": SIZES, "quality": {"finest": 95, "coarsest": 5, "first": 70}}


def jpeg(size):
    data = bytearray(size)
    data[:2], data[-2:] = b"\xff\xd8", b"\xff\xd9"
    return data


# Takes pictures that `make(width, quality)` gives.
class Album(Camera):
    def __init__(self, make, data=DATA, **options):
        super().__init__(data, **options)
        self.make = make
        self.log = []
        self.picture = b""

    async def _open(self, frame):
        self.width = frame["width"]
        self.log.append(self.width)

    async def _close(self):
        self.log.append("close")

    async def _shoot(self, quality):
        self.log.append(quality)
        self.picture = self.make(self.width, quality)
        return len(self.picture)

    async def _fetch(self, at, buffer):
        n = min(len(buffer), 256, len(self.picture) - at)
        buffer[:n] = self.picture[at : at + n]
        return n


def by_quality(width, quality):
    return jpeg(width * width // 8 * (20 + quality) // 60 + 600)


async def everything(shot, size=64):
    data, buffer = bytearray(), bytearray(size)
    while True:
        n = await shot.readinto(buffer)
        if not n:
            break
        data += memoryview(buffer)[:n]
    await shot.close()
    return data


def reason(album, budget=8000, region=None):
    return fails(DriverError, Clock(), album.capture(budget, region)).reason


def shots(album):
    return [entry for entry in album.log if isinstance(entry, int) and entry < 100]


def test_the_largest_frame_that_the_budget_is_for():
    for budget, width in ((3000, 160), (6999, 160), (7000, 320), (19999, 320)):
        album = Album(by_quality)
        shot = run(Clock(), album.capture(budget))
        assert (shot.width, shot.region) == (width, None) and shot.size <= budget
        assert run(Clock(), everything(shot)) == album.picture and album.log[-1] == "close"


def test_few_shots_find_a_quality_and_the_next_picture_begins_there():
    for budget in (2800, 4000, 7200, 9000, 15000):
        album = Album(by_quality)
        shot = run(Clock(), album.capture(budget))
        tried = shots(album)
        assert len(tried) <= 6 and budget * 7 // 10 <= shot.size <= budget or shot.quality == 95
        assert shot.quality == tried[-1]
        run(Clock(), album.capture(budget))
        assert shots(album) == tried + tried[-1:]


def test_a_scene_that_changes_all_the_time_is_within_the_budget_all_the_same():
    turn = [0]

    def restless(width, quality):
        turn[0] += 1
        return jpeg(len(by_quality(width, quality)) * (100 + turn[0] * 37 % 25) // 100)

    for budget in range(2600, 7000, 250):
        album = Album(restless)
        assert run(Clock(), album.capture(budget)).size <= budget


def test_a_smaller_frame_where_no_quality_is_coarse_enough():
    album = Album(lambda width, quality: jpeg(9000 if width == 320 else 2500))
    shot = run(Clock(), album.capture(8000))
    assert (shot.width, shot.size) == (160, 2500) and "close" in album.log
    assert reason(Album(lambda width, quality: jpeg(9000))) == "picture_large"


def test_quality_that_counts_the_other_way():
    data = dict(DATA, quality={"finest": 20, "coarsest": 240, "first": 54})
    album = Album(lambda width, quality: jpeg(6000 - 20 * quality), data)
    shot = run(Clock(), album.capture(3000))
    assert shot.size <= 3000 and 150 <= shot.quality <= 240


def test_half_a_picture_none_and_garbage():
    for picture, expected in (
        (jpeg(2000)[:-2], "picture_cut"),
        (jpeg(2000)[:1000] + bytes(1000), "picture_cut"),
        (b"", "picture_bad"),
        (b"\xff\xd8", "picture_bad"),
        (b"\0" * 2000, "picture_bad"),
    ):
        album = Album(lambda width, quality, picture=picture: picture)
        assert reason(album) == expected and album.log[-1] == "close"


def test_what_fills_up_a_picture_is_left_out():
    for fill in (0, 1, 7, 50):
        album = Album(lambda width, quality, fill=fill: jpeg(2001) + bytes(fill))
        shot = run(Clock(), album.capture(3000))
        assert shot.size == 2001 and run(Clock(), everything(shot)) == jpeg(2001)


def cropped():
    whole, window, part, _ = list(vectors("jpeg_crop.hex"))[0]
    window = [int(text) for text in window.split(" ")]
    return bytes.fromhex(whole), window, bytes.fromhex(part)


def test_a_region_is_cut_out_of_the_largest_frame():
    whole, window, part = cropped()
    album = Album(lambda width, quality: whole, regions={"gauge": window})
    shot = run(Clock(), album.capture(900, "gauge"))
    assert (shot.width, shot.height, shot.region, shot.size) == (48, 16, "gauge", len(part))
    for size in (8, 64, 512):
        assert run(Clock(), everything(shot, size)) == part
        shot._begin()
    assert album.log[0] == 72


def test_a_region_that_is_too_large_is_tried_again_by_what_was_learnt():
    whole, window, part = cropped()
    album = Album(lambda width, quality: whole, regions={"gauge": window})
    assert reason(album, len(part) - 1, "gauge") == "picture_large"
    assert album._share["gauge"] == len(part) * 1024 // len(whole) + 1
    assert reason(album, 900, "gate") == "config_bad"


def test_a_region_of_a_damaged_picture():
    whole, window, _ = cropped()
    broken = whole[:400] + b"\xff\xd9" + whole[400:]
    album = Album(lambda width, quality: broken, regions={"gauge": window})
    assert reason(album, 900, "gauge") == "picture_bad"
