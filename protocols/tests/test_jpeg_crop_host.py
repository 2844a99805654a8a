"""Cropped files against OpenCV: no pixel is another one, for every layout that cameras use."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from protocols.tests.test_jpeg_crop import cut

WIDTH, HEIGHT = 332, 246
UNITS = {0x411111: (32, 8), 0x211111: (16, 8), 0x221111: (16, 16), 0x111111: (8, 8), None: (8, 8)}


def picture(
    sampling: int | None, restart: int, quality: int, optimize: int, part: int = 1
) -> bytes:
    random = np.random.default_rng(quality)
    size = HEIGHT // part, WIDTH // part, 3
    rough = random.integers(0, 256, size, dtype=np.uint8)
    smooth = cv2.normalize(cv2.GaussianBlur(rough, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_RST_INTERVAL, restart]
    options += [cv2.IMWRITE_JPEG_OPTIMIZE, optimize]
    if sampling is None:
        smooth = cv2.cvtColor(smooth, cv2.COLOR_BGR2GRAY)
    else:
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return cv2.imencode(".jpg", smooth, options)[1].tobytes()


def grey(data: bytes) -> np.ndarray:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert found is not None
    return found


@pytest.mark.parametrize("sampling", UNITS)
@pytest.mark.parametrize(("restart", "quality", "optimize"), [(0, 90, 0), (5, 40, 0), (0, 70, 1)])
def test_the_region_is_the_same_to_the_last_pixel(sampling, restart, quality, optimize):
    data = picture(sampling, restart, quality, optimize)
    whole = grey(data)
    wide, high = UNITS[sampling]
    for left, top, width, height in ((130, 60, 50, 100), (0, 0, 1, 1), (300, 200, 100, 100)):
        x, y = left // wide * wide, top // high * high
        right = min(-(-(left + width) // wide) * wide, WIDTH)
        bottom = min(-(-(top + height) // high) * high, HEIGHT)
        part = cut(data, (left, top, width, height), 100)
        assert (grey(part) == whole[y:bottom, x:right]).all()
        assert len(part) < len(data)


def test_a_byte_that_is_wrong_ends_in_a_picture_or_in_an_error():
    data = picture(0x211111, 0, 60, 0, 6)
    header = data.index(b"\xff\xda") + 14
    refused = 0
    for at in [*range(header), *range(header, len(data), 5)]:
        broken = bytearray(data)
        broken[at] ^= 0x11
        try:
            cut(bytes(broken), (20, 10, 20, 20))
        except ValueError:
            refused += 1
    assert refused > 100
