# SPDX-License-Identifier: Apache-2.0
from protocols.jpeg_crop import Cropper
from protocols.tests.support import raises, vectors


def rows():
    for whole, window, cropped, _ in vectors("jpeg_crop.hex"):
        yield (
            bytes.fromhex(whole),
            [int(text) for text in window.split(" ")],
            bytes.fromhex(cropped),
        )


def cut(data, window, chunk=None):
    cropper, out = Cropper(*window), b""
    for at in range(0, len(data), chunk or len(data)):
        cropper.feed(data[at : at + (chunk or len(data))])
        out += bytes(cropper.out)
        cropper.out = bytearray()
        if cropper.done:
            break
    if not cropper.done:
        cropper.end()
    return out + bytes(cropper.out)


def test_golden_crops_in_any_pieces():
    for whole, window, cropped in rows():
        for chunk in (None, 1, 7, 256):
            assert cut(whole, window, chunk) == cropped


def test_what_comes_out_tells_its_size_and_can_be_cut_again():
    whole, window, cropped = list(rows())[0]
    cropper = Cropper(*window)
    cropper.feed(whole)
    cropper.end()
    assert (cropper.width, cropper.height) == (
        48,
        16,
    )  # 20 to 50 grow to 16 to 64, 10 to 22 to 8 to 24
    assert cut(cropped, (0, 0, 48, 16)) == cropped


def test_one_that_is_cut_off_is_told_and_no_length_hangs():
    for whole, window, cropped in rows():
        for size in range(len(whole) - 2):
            try:
                found = cut(whole[:size], window)
            except ValueError:
                continue
            assert found == cropped  # what the region needs was there


def test_what_is_no_such_jpeg():
    whole, window, _ = list(rows())[0]
    progressive = whole.replace(b"\xff\xc0", b"\xff\xc2", 1)
    for data, part, why in (
        (b"\x00" * 100, window, "no marker"),
        (progressive, window, "not baseline"),
        (whole, (80, 0, 8, 8), "outside"),
        (whole[:2] + b"\xff\xfe\xff\xff" + b"x" * 5000, window, "no scan"),
        (whole[:20] + b"\x12" + whole[21:], window, "no marker"),
    ):
        assert why in str(raises(ValueError, cut, data, part)), why


def test_codes_that_there_are_not():
    whole, window, _ = list(rows())[0]
    start = whole.find(b"\xff\xda") + 14
    error = raises(ValueError, cut, whole[:start] + b"\xff\x00" * 40 + whole[start:], window)
    assert str(error) in ("no such code", "no code for a mean", "cut off")
