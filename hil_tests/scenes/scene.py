"""A river with a staff gauge: ask for a picture at a level, and know the truth to the millimetre.

    scene = Scene(7)
    picture = scene.render(812, light="dusk", weather="rain", seed=3, size=(800, 600))
    data = jpeg(picture, 80, scene.gauge_region((800, 600)))

A scene's number chooses where the camera stands and how the gauge has weathered; a picture's seed
chooses ripples, light and noise. The same numbers give the same picture, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import face, lens
from . import light as lights
from .pose import Pose
from .river import River, concrete
from .water import Ripples

Picture = NDArray[Any]
Plane = NDArray[Any]
Region = tuple[int, int, int, int]  # left, top, width, height
FINE = 2  # rays a pixel and side where the gauge is; one elsewhere
SIZE = (800, 600)


def jpeg(picture: Picture, quality: int, region: Region | None = None) -> bytes:
    """The picture, or a region of it, as a JPEG file; `quality` from 1 to 100."""
    if region:
        left, top, width, height = region
        picture = picture[top : top + height, left : left + width]
    return cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()


@lru_cache(maxsize=2)
def textures(number: int) -> tuple[Plane, Plane]:
    """Gauge and wall of a site."""
    random = np.random.default_rng((number, 2))
    return face.weathered(random), concrete(random)


@dataclass(frozen=True)
class Scene:
    """One site. `shift_px`: how far the picture has moved since the camera was mounted."""

    number: int
    lens: str = "clean"
    shift_px: tuple[float, float] = (0.0, 0.0)
    pose: Pose | None = None

    def but(self, **changes: Any) -> Scene:
        """The same site with another lens, shift or pose."""
        return replace(self, **changes)

    @cached_property
    def camera(self) -> Pose:
        return self.pose or Pose.on_the_bank(np.random.default_rng((self.number, 1)))

    def corners(self, size: tuple[int, int], low_mm: int, high_mm: int) -> NDArray[Any]:
        """Pixels of the face's left and right edge, at `high_mm` and then at `low_mm`.

        Those that a person would click on when the camera has just been mounted: without shift.
        """
        half = face.WIDTH_MM / 2
        edges = [(x, 0, z) for z in (high_mm, low_mm) for x in (-half, half)]
        return self.camera.project(np.array(edges), size)

    def gauge_region(self, size: tuple[int, int], margin_px: int = 24) -> Region:
        """The part of the picture that holds the gauge, whatever the level."""
        points = self.corners(size, 0, face.HEIGHT_MM)
        low = np.maximum(np.floor(points.min(0)).astype(int) - margin_px, 0)
        high = np.minimum(np.ceil(points.max(0)).astype(int) + margin_px, size)
        return (int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))

    def render(
        self,
        level_mm: float,
        light: str = "day",
        weather: str = "clear",
        seed: int = 0,
        size: tuple[int, int] = SIZE,
    ) -> Picture:
        """The picture, BGR; `light` of `light.LIGHTS`, `weather` of `light.WEATHERS`."""
        random = self._moment(seed)
        ripples = Ripples.at_random(random, weather)
        sunny = weather == "glare"
        river = River(self.camera.eye, *textures(self.number), level_mm, ripples, random, sunny)
        picture = self._traced(river, size)
        picture *= lights.shade(random, light, weather, picture.shape[:2])[..., None]
        picture = lights.lit(picture, light, random)
        picture = lights.through_air(picture, weather, light, random)
        picture = lens.through(picture, self.lens, random)
        return lights.sensed(picture, light, random)

    def waves_mm(self, weather: str = "clear", seed: int = 0) -> float:
        """How far the water stands above the level at the face, in that picture's moment."""
        ripples = Ripples.at_random(self._moment(seed), weather)
        across = np.linspace(-face.WIDTH_MM / 2, face.WIDTH_MM / 2, 31, dtype=np.float32)
        return float(ripples.sample(ripples.height, across, np.zeros_like(across)).mean())

    def _moment(self, seed: int) -> np.random.Generator:
        return np.random.default_rng((self.number, 3, seed))

    def _traced(self, river: River, size: tuple[int, int]) -> Plane:
        whole = self._window(river, size, (0, 0, *size), 1)
        left, top, width, height = window = self.gauge_region(size, 48)
        fine = self._window(river, size, window, FINE)
        whole[top : top + height, left : left + width] = fine
        return whole

    def _window(self, river: River, size: tuple[int, int], window: Region, fine: int) -> Plane:
        rays = self.camera.rays(size, window, fine, self.shift_px)
        found = river.colours(rays.reshape(3, -1)).reshape(*rays.shape[1:], 3)
        return cv2.resize(found, window[2:], interpolation=cv2.INTER_AREA)
