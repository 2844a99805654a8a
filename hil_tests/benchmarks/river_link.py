"""A whole river station at its modelled NB-IoT modem: pictures, alarms, and a quiet day."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from fieldbeat.hil_tests.benchmarks import Figure
from fieldbeat.hil_tests.river_pictures import (
    CUTS_AT,
    FULL_BYTES,
    PictureSite,
    cut_and_resume,
    padded,
    probed,
)
from fieldbeat.hil_tests.river_site import BOARDS
from fieldbeat.hil_tests.river_wave import River
from fieldbeat.hil_tests.scenes.scene import Scene, jpeg
from fieldbeat.hil_tests.virtual.site import Site

LINK = "28 kbit/s, 1.2 s, datagrams of 512 bytes"
SITE, LEVEL_MM, QUALITY = 3, 700, 80
LOSS, SEEDS = 0.1, 20
WAVES = 24


def figures() -> list[Figure]:
    data = padded(jpeg(Scene(SITE).render(LEVEL_MM), QUALITY))
    return [*pictures(data), *alarms()]


def passed(site: PictureSite, data: bytes, board: str = BOARDS[0]) -> None:
    """Lets the full picture of an alarm be this file; it begins to be sent."""
    with probed():
        site.put_up(board=board)
    site.show(data)
    site.flood()


def once(
    data: bytes, seed: int = 5, loss: float = 0.0, board: str = BOARDS[0]
) -> tuple[float, int]:
    """Seconds that a picture takes, and the heap that it takes of the unit."""
    with PictureSite(seed) as site:
        passed(site, data, board)
        site.network.loss = loss
        seconds = site.seconds(site.until_full(900))
        return seconds, site.heap_peak()


def on_the_air(data: bytes, cuts_at: tuple[int, ...]) -> int:
    """Bytes up of one picture, with power cuts in the middle of it."""
    with PictureSite() as site:
        passed(site, data)
        for chunks in cuts_at:
            cut_and_resume(site, chunks)
        site.until_full(900)
        return site.on_the_air()


def pictures(data: bytes) -> Iterator[Figure]:
    floor_s = 8 * FULL_BYTES / 28_000
    seconds, heap = once(data)
    yield Figure(
        "40 kB, whole board: no loss", seconds, "s", 14, f"{LINK}; bits alone {floor_s:.1f}"
    )
    lossy = [once(data, seed, LOSS)[0] for seed in range(1, SEEDS + 1)]
    worst = f"mean of {SEEDS}, the worst {max(lossy):.1f}"
    yield Figure("40 kB, whole board: 10 % loss", statistics.fmean(lossy), "s", 18, worst)
    plain, cut = on_the_air(data, ()), on_the_air(data, CUTS_AT)
    cuts = f"{len(CUTS_AT)} power cuts in mid-transfer, {plain} bytes without"
    yield Figure("40 kB: bytes more on the air", 100 * (cut / plain - 1), "%", 3, cuts)
    yield Figure(
        "40 kB: heap at its highest", heap, "bytes", 24_000, "of 64 bits, over the wake's begin"
    )
    slow, _ = once(data, board=BOARDS[1])
    yield Figure(f"40 kB, {BOARDS[1]}", slow, "s", None, "its BC95 has a line of 57,600 baud")


def alarms() -> Iterator[Figure]:
    waits = []
    for seed in range(1, WAVES + 1):
        with Site(seed) as site:
            river = River(site)
            site.run_for(2 * 3600 + 37 * seed)
            waits.append(river.alarm_after_s(river.rise()))
    name = "mark crossed to alarm stored, modem asleep"
    rate = "2 m in 90 min: 3 mm of the sensor's noise are 7 s"
    yield Figure(name, statistics.median(waits), "s", 15, f"median of {WAVES} waves")
    yield Figure(f"{name}: worst", max(waits), "s", 15, rate)
    with Site() as site:
        river = River(site)
        site.run_for(3 * 3600)  # its start is told, too
        size = river.day_bytes()
    yield Figure("a quiet day without pictures", size, "bytes", 2048, "frames both ways")
