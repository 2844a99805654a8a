"""What the reader makes of many pictures: errors where it told a level, and how often it did."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from fieldbeat.host_tools import gauge, gauge_learning
from fieldbeat.host_tools.gauge_calibration import Calibration, FaceSize, Point

from .scene import SIZE, Scene
from .trials import LEVELS_MM, LOW_WATER_MM, Trial, Variant, face_size, marks, mounted, trials


def calibrated(site: int, size: tuple[int, int] = SIZE) -> Calibration:
    """As a person would have done it when the camera was mounted."""
    scene = Scene(site)
    picture = gauge.load_picture(mounted(scene, size))
    points = [Point.model_validate(mark) for mark in marks(scene, size)]
    face = FaceSize.model_validate(face_size())
    return gauge_learning.learn(picture, points, face, LOW_WATER_MM)


@dataclass
class Score:
    """Of one variant. Errors are against the water at the face in that moment; `off_mm` is what
    they are against the river's level, waves included."""

    errors_mm: list[float] = field(default_factory=list)
    off_mm: list[float] = field(default_factory=list)
    refused: int = 0
    processor_s: float = 0.0

    @property
    def asked(self) -> int:
        return len(self.errors_mm) + self.refused

    def percentile(self, percent: float) -> float:
        """Of the errors without their signs; none at all is no error."""
        return float(np.percentile(np.abs(self.errors_mm or [0.0]), percent))

    def off(self, percent: float) -> float:
        """The same with the waves."""
        return float(np.percentile(np.abs(self.off_mm or [0.0]), percent))

    def add(self, level_mm: float | None, trial: Trial) -> None:
        if level_mm is None:
            self.refused += 1
            return
        self.off_mm.append(level_mm - trial.level_mm)
        self.errors_mm.append(level_mm - trial.level_mm - trial.waves_mm)


def read(trial: Trial, calibration: Calibration) -> gauge.Reading:
    return gauge.read_gauge(gauge.load_picture(trial.data), calibration, trial.region)


def judge(asked: Iterable[tuple[Trial, Calibration]]) -> dict[Variant, Score]:
    """Scores of each variant."""
    scores: dict[Variant, Score] = {}
    for trial, calibration in asked:
        score = scores.setdefault(trial.variant, Score())
        start = time.process_time()
        reading = read(trial, calibration)
        score.processor_s += time.process_time() - start
        score.add(reading.level_mm, trial)
    return scores


def asked_of(
    sites: Iterable[int],
    variants: tuple[Variant, ...],
    rounds: int = 1,
    size: tuple[int, int] = SIZE,
    crop_bytes: tuple[int, int] | None = None,
    levels_mm: tuple[int, int] = LEVELS_MM,
) -> Iterator[tuple[Trial, Calibration]]:
    """Trials of many sites, each with its own calibration."""
    for site in sites:
        calibration = calibrated(site, size)
        for trial in trials(site, variants, rounds, size, crop_bytes, levels_mm):
            yield trial, calibration
