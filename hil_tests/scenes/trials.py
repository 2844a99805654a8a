"""Many pictures with known truth: levels, variants and seeds by the number of a site.

Sites from TUNING were looked at while the reader was made; a test takes sites from TEST on, which
nothing was chosen by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .face import HEIGHT_MM, WIDTH_MM
from .scene import SIZE, Region, Scene, jpeg

TUNING, TEST = 1000, 50_000
LOW_WATER_MM = 150  # when the camera was mounted
MARKED_MM = (250, 1450)
MARKED_WITHIN_PX = 0.7  # how well a person marks a point
SHIFT_PX = 6
LEVELS_MM, CREST_MM = (80, 1250), (1250, 1370)  # of a face that ends at 1500


@dataclass(frozen=True)
class Variant:
    """What differs from picture to picture at one site."""

    light: str = "day"
    weather: str = "clear"
    lens: str = "clean"

    def __str__(self) -> str:
        words = (self.light, self.weather, self.lens)
        return " ".join(word for word in words if word not in ("clear", "clean"))


PLAIN = Variant()
HARDER = (
    Variant("dusk"),
    Variant(weather="rain"),
    Variant("dusk", "rain"),
    Variant(weather="glare"),
    Variant(weather="wind"),
    Variant("lamp"),
)
DOUBTFUL = (Variant(weather="fog"), Variant(lens="dirt"), Variant(lens="web"))
BLIND = (Variant("night"), Variant(lens="covered"))


@dataclass(frozen=True)
class Trial:
    """One picture as the unit would send it.

    `level_mm` is the river's; at the face, in that moment, waves add `waves_mm` to it.
    """

    site: int
    variant: Variant
    level_mm: float
    waves_mm: float
    shift_px: tuple[float, float]
    data: bytes
    region: Region | None


def marks(scene: Scene, size: tuple[int, int] = SIZE) -> list[dict[str, object]]:
    """The four points that a person marks, with a person's errors, as a calibration has them."""
    low, high = MARKED_MM
    random = np.random.default_rng((scene.number, 5))
    points: NDArray[Any] = scene.corners(size, low, high)
    points = points + random.uniform(-MARKED_WITHIN_PX, MARKED_WITHIN_PX, points.shape)
    names = [(edge, height) for height in (high, low) for edge in ("left", "right")]
    return [
        {"x": float(x), "y": float(y), "edge": edge, "height_mm": height}
        for (x, y), (edge, height) in zip(points, names, strict=True)
    ]


def face_size() -> dict[str, int]:
    return {"width_mm": WIDTH_MM, "low_mm": 0, "high_mm": HEIGHT_MM}


@lru_cache(maxsize=4)
def mounted(scene: Scene, size: tuple[int, int] = SIZE) -> bytes:
    """The picture that the gauge is calibrated with: low water, a clear day, good quality."""
    return jpeg(scene.render(LOW_WATER_MM, seed=1_000_000, size=size), 90)


def trials(
    site: int,
    variants: Sequence[Variant],
    rounds: int = 1,
    size: tuple[int, int] = SIZE,
    crop_bytes: tuple[int, int] | None = None,
    levels_mm: tuple[int, int] = LEVELS_MM,
) -> Iterator[Trial]:
    """Pictures of one site, `rounds` of each variant, each of another level.

    With `crop_bytes` they are crops of the gauge's region, of so many bytes at least and at most.
    """
    random = np.random.default_rng((site, 6))
    scene = Scene(site)
    for seed in range(rounds):
        for variant in variants:
            level = random.uniform(*levels_mm)
            shift = tuple(random.uniform(-SHIFT_PX, SHIFT_PX, 2).tolist())
            quality = int(random.integers(40, 90))
            waves = scene.waves_mm(variant.weather, seed)
            there = scene.but(lens=variant.lens, shift_px=shift)
            picture = there.render(level, variant.light, variant.weather, seed, size)
            if crop_bytes is None:
                data = jpeg(picture, quality)
                yield Trial(site, variant, level, waves, shift, data, None)
                continue
            region = scene.gauge_region(size)
            low, high = crop_bytes
            files = [jpeg(picture, q, region) for q in range(10, 96, 5)]
            data = max((file for file in files if len(file) <= high), key=len, default=files[0])
            if len(data) >= low:
                yield Trial(site, variant, level, waves, shift, data, region)
