# Dates as text and back.
# SPDX-License-Identifier: Apache-2.0
from firmware.civil import from_iso, to_iso
from protocols.tests.support import raises


def test_known_dates():
    for seconds, text in (
        (0, "2024-01-01T00:00:00Z"),
        (59 * 86400 + 86399, "2024-02-29T23:59:59Z"),
        (60 * 86400, "2024-03-01T00:00:00Z"),
        (366 * 86400 - 1, "2024-12-31T23:59:59Z"),
        (366 * 86400, "2025-01-01T00:00:00Z"),
        (1461 * 86400 + 59 * 86400, "2028-02-29T00:00:00Z"),
        (2398377599, "2099-12-31T23:59:59Z"),
    ):
        assert to_iso(seconds) == text and from_iso(text) == seconds


def test_every_day_of_eight_years_and_their_order():
    texts = [to_iso(day * 86400 + 3661) for day in range(0, 2922, 7)]
    assert texts == sorted(texts)
    for day in range(2922):
        assert from_iso(to_iso(day * 86400)) == day * 86400


def test_forms_and_offsets():
    for text in (
        "2024-03-01 01:02:03",
        "2024-03-01T01:02:03.5",
        "2024-03-01T01:02:03.123456Z",
        "2024-03-01T09:02:03+08:00",
        "2024-02-29T21:32:03.0-0330",
    ):
        assert to_iso(from_iso(text)) == "2024-03-01T01:02:03Z", text


def test_what_is_no_time():
    for text in (
        "",
        "2024-03-01",
        "2024-03-01T01:02",
        "2024-3-01T01:02:030",
        "2024-00-01T00:00:00",
        "2024-13-01T00:00:00",
        "2023-12-31T23:59:59",
        "2100-01-01T00:00:00",
        "2025-02-29T00:00:00",
        "2024-04-31T00:00:00",
        "2024-01-00T00:00:00",
        "2024-01-01T24:00:00",
        "2024-01-01T00:60:00",
        "2024-01-01T00:00:60",
        "2024-01-01T00:00:00+08:00",
        "2024-01-01T00:00:00+8",
        "2024-01-01T00:00:00*08:00",
        "2024-01-01T00:00:00ZZ",
        "2024-01-01T-1:00:00",
    ):
        raises(ValueError, from_iso, text)
