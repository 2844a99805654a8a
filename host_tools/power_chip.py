"""A processor's day: when it wakes, and what keeps it awake, as firmware/sleep*.py have it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator

from .power_day import DAY_S, Day

Busy = list[tuple[float, float]]  # from when on, for how long; in seconds of a day

SLICE_S = 50  # firmware/clock.py: a light sleep is no longer
LOOK_S, TOLD_S = 1.0, 0.05  # firmware/sleep.py: it looks whether all wait, and says so
SPARE_S = 1.5  # firmware/deep_wake.py: earlier than it is needed
SHORTEST_S = {"light": 0.2, "deep": 15.0}  # firmware/sleep_look.py
SETTLE_S, SPREAD_S = 15, 600  # of a wake after a round: firmware/roles/station.py
FIRST_WAKE_S = 5


def offsets(interval_s: float, tries: int = 4) -> list[float]:
    """Return places of the modem's wakes in their interval; a unit has one of its own."""
    spread_s = max(1.0, min(interval_s / 4, SPREAD_S))
    settle_s = min(SETTLE_S, interval_s / 2)
    return [settle_s + spread_s * (n + 0.5) / tries for n in range(tries)]


def plan(
    day: Day, round_s: float, shot_s: float, wake_s: float, offset_s: float, window_s: float
) -> Busy:
    """Return what keeps a processor busy in a day that ends with its flood."""
    slow_s = DAY_S - day.fast_s
    busy = [(t, round_s) for t in _times(0, slow_s, day.interval_s)]
    busy += [(t, round_s) for t in _times(slow_s, DAY_S, day.look_s)] if day.fast_s else []
    if day.scheduled:
        every_s = DAY_S * day.shots / day.scheduled
        busy += [(t + round_s, day.shots * shot_s) for t in _times(0, DAY_S, every_s)]
    if day.alarms:
        alarm_s = wake_s + shot_s * (day.pictures - day.scheduled) / day.alarms
        busy += [(slow_s + 1, alarm_s), (DAY_S - alarm_s, alarm_s)]
    busy += [(t + offset_s, wake_s) for t in _times(0, DAY_S, DAY_S / day.regular)]
    if day.starts:
        busy.append((0, max(window_s, FIRST_WAKE_S + wake_s)))
    return busy


def rehearse(busy: Busy, mode: str, boot_s: float) -> tuple[float, int]:
    """Return how long a processor is awake, and how often it sleeps.

    Args:
        mode: "never", "light" or "deep".
        boot_s: until the program runs, out of a deep sleep.
    """
    if mode == "never":
        return DAY_S, 0
    if mode == "light":
        boot_s = 0.0
        busy = busy + [(t, 0.0) for t in _times(0, DAY_S, SLICE_S)]
    lead_s = boot_s + SPARE_S if mode == "deep" else 0.0
    busy = sorted(busy)
    awake_s, sleeps, n, slept_s = 0.0, 0, 0, 0.0
    while n < len(busy):
        woke_s = max(slept_s, busy[n][0] - lead_s)
        look_s, until_s = woke_s + boot_s + LOOK_S, 0.0
        while True:
            while n < len(busy) and busy[n][0] <= look_s:
                until_s = max(until_s, sum(busy[n]))
                n += 1
            due_s = busy[n][0] if n < len(busy) else 2 * DAY_S
            if until_s <= look_s and due_s - lead_s - look_s - TOLD_S >= SHORTEST_S[mode]:
                break
            look_s += LOOK_S
        slept_s = look_s + TOLD_S
        awake_s += slept_s - woke_s
        sleeps += 1
    return min(DAY_S, awake_s), sleeps


def _times(begin_s: float, end_s: float, step_s: float) -> Iterator[float]:
    for n in range(int((end_s - begin_s) / step_s)):
        yield begin_s + n * step_s
