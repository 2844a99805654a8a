"""What a camera sees of the scene's river: its staff gauge, rendered at the moment's level.

view = RiverView(world, scene)
view.jpeg((800, 600), quality=70)
"""

from __future__ import annotations

from typing import Any

import cv2

from ..scenes import light
from ..scenes.scene import Scene as Site
from .models.faults import Faults
from .scene import HOUR_US, Scene
from .world import World

UTC_OFFSET_H = 8  # as of Scene
RAINY_MM_H = 0.5  # from there on it is seen
MOMENT_US = 60_000_000  # ripples and noise are others in each; a shot within it costs little
SITES = 40


class RiverView:
    """Pictures by the world's time; the site is one of 40, by the world's seed.

    `truth` has (us, level in mm) of each picture that was rendered.
    Faults: `lens` ("dirt", "web", "covered"), `frozen` (the last picture again), `weather` and
    `light` (names of scenes/light.py in place of what scene and clock say).
    """

    def __init__(self, world: World, scene: Scene) -> None:
        self.world = world
        self.river = scene.river
        self.site = Site(world.seed % SITES)
        self.faults = Faults(lens="", frozen=False, weather="", light="")
        self.truth: list[tuple[int, float]] = []
        self._key: Any = None
        self._picture: Any = None

    def light(self) -> str:
        """Day, dusk or night, by the local clock."""
        second = self.world.utc_s + UTC_OFFSET_H * HOUR_US / 1e6
        return self.faults.take("light") or light.light_at(second % 86_400)

    def weather(self) -> str:
        """Rain where it rains."""
        rainy = self.river.rain_mm_h(self.world.now_us) >= RAINY_MM_H
        return self.faults.take("weather") or ("rain" if rainy else "clear")

    def picture(self, size: tuple[int, int]) -> Any:
        """The picture, BGR."""
        if self._picture is not None and self.faults.take("frozen"):
            return cv2.resize(self._picture, size, interpolation=cv2.INTER_AREA)
        moment = self.world.now_us // MOMENT_US
        key = size, moment, self.light(), self.weather(), self.faults.take("lens") or "clean"
        if key != self._key:
            level_mm = self.river.level_mm(self.world.now_us)
            site = self.site.but(lens=key[4])
            self._picture = site.render(level_mm, key[2], key[3], moment % 1_000_000, size)
            self._key = key
            self.truth.append((self.world.now_us, level_mm))
        return self._picture

    def jpeg(self, size: tuple[int, int], quality: int, exposure: float = 1.0) -> bytes:
        """The same as a file, 4:2:2 as cameras have it; `quality` from 1 to 100."""
        picture = self.picture(size)
        if exposure < 1:
            picture = cv2.convertScaleAbs(picture, alpha=exposure)
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422]
        return cv2.imencode(".jpg", picture, options)[1].tobytes()
