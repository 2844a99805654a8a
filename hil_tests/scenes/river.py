"""The river at one moment: what colour a ray from the camera brings back, linear 0 to 255, BGR."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import face
from .water import Ripples, lookup, reflect

Plane = NDArray[Any]
WALL_MM = 350  # of the embankment behind the gauge
WALL_TOP_MM = 2300
WALL_TEXEL_MM = 4
SKY = np.array((215, 205, 196), np.float32)
SUNLIGHT = 900  # of its mirror image, far more than the sensor takes
TURBID_MM = 35  # depth in which a third of what lies under water is still seen
LIFT = 1.3  # refraction brings nearer what lies below


def concrete(random: np.random.Generator) -> Plane:
    """An embankment of 4 m by 4 m, from its top down, with joints, pores and stains."""
    shape = (1024, 1024)
    grey = random.uniform(95, 150) + 9 * face.noise(random, shape, 2, 5, 40, 200)
    rows = np.arange(shape[0])[:, None]
    grey = grey - 22 * (rows % 128 < 3) - 10 * (face.noise(random, shape, 11) > 1.6)
    tint = np.array((0.92, 1.0, 1.02), np.float32) * random.uniform(0.96, 1.04, 3)
    return (grey[..., None] * tint).astype(np.float32)


@dataclass(frozen=True)
class River:
    """`eye` of the camera in mm; textures of gauge and wall; the rest is of the moment."""

    eye: tuple[float, float, float]
    face: Plane
    wall: Plane
    level_mm: float
    ripples: Ripples
    random: np.random.Generator
    sunny: bool = False

    @cached_property
    def wet_mm(self) -> float:
        """How far up waves have wetted gauge and wall."""
        return self.random.uniform(15, 60)

    @cached_property
    def darker(self) -> tuple[float, float]:
        """What share of its light wetted enamel loses, and wetted concrete."""
        return self.random.uniform(0, 0.15), self.random.uniform(0.15, 0.35)

    @cached_property
    def body(self) -> Plane:
        return np.array((62, 92, 98), np.float32) * np.float32(self.random.uniform(0.6, 1.25))

    @cached_property
    def gloss(self) -> float:
        return self.random.uniform(1.0, 2.0)

    @cached_property
    def sun(self) -> Plane:
        way = self.random.normal((0, 1, 0.45), (0.35, 0, 0.12))
        return np.array(way / np.linalg.norm(way), np.float32)

    def colours(self, rays: Plane) -> Plane:
        """Colours (n, 3) of rays (3, n) from the eye."""
        x, z = self._meet(rays, 0)
        waves = self.level_mm + self.ripples.sample(self.ripples.height, x, np.zeros_like(x))
        gauge = self._is_face(x, z)
        dry = gauge & (z > waves)
        xw, zw = self._meet(rays, WALL_MM)
        water = (rays[2] < 0) & ~dry & (gauge | (zw <= self.level_mm))
        rest = ~dry & ~water
        found = np.empty((x.size, 3), np.float32)
        found[dry] = self._face_at(x[dry], z[dry])
        found[rest] = self._wall_at(xw[rest], zw[rest])
        found[water] = self._surface(rays[:, water])
        return found

    def _surface(self, rays: Plane) -> Plane:
        """The water: its own colour, what shines through it, and what it mirrors."""
        t = (self.level_mm - self.eye[2]) / rays[2]
        at = np.stack([self.eye[axis] + t * rays[axis] for axis in range(3)])
        fields = self.ripples.slope_x, self.ripples.slope_y
        out, share = reflect(rays, *(self.ripples.sample(field, *at[:2]) for field in fields))
        share = np.clip(share * self.gloss, 0, 0.9)[:, None]
        colour = self._under(rays) * (1 - share) + self._mirrored(at, out) * share
        if self.sunny:
            cosine = np.minimum((self.sun @ out) / np.sqrt((out**2).sum(0)), 1)
            colour += SUNLIGHT * np.exp((cosine - 1) * 160)[:, None]
        return colour

    def _under(self, rays: Plane) -> Plane:
        x, z = self._meet(rays, 0)
        depth = np.maximum(self.level_mm - z, 0) * LIFT
        seen = self._is_face(x, z) & (depth < 5 * TURBID_MM)
        colour = np.repeat(self.body[None], x.size, 0)
        drowned = self._face_at(x[seen], self.level_mm - depth[seen]) * 0.7
        colour[seen] += (drowned - colour[seen]) * np.exp(-depth[seen] / TURBID_MM)[:, None]
        return colour

    def _mirrored(self, start: Plane, way: Plane) -> Plane:
        """What rays from points of the surface meet: gauge, wall or sky."""
        ahead = np.maximum(way[1], 1e-3)
        t = -start[1] / ahead
        x, z = start[0] + t * way[0], start[2] + t * way[2]
        hits = self._is_face(x, z) & (t > 0) & (z > self.level_mm - 1)
        t = (WALL_MM - start[1]) / ahead
        colour = self._wall_at(start[0] + t * way[0], start[2] + t * way[2])
        colour[hits] = self._face_at(x[hits], z[hits])
        return colour

    def _meet(self, rays: Plane, y: float) -> tuple[Plane, Plane]:
        """x and z in mm where rays from the eye meet the plane of that y."""
        t = (y - self.eye[1]) / rays[1]
        return self.eye[0] + t * rays[0], self.eye[2] + t * rays[2]

    def _is_face(self, x: Plane, z: Plane) -> NDArray[np.bool_]:
        return (abs(x) < face.WIDTH_MM / 2 + face.POST_MM) & (z < face.HEIGHT_MM + face.POST_MM)

    def _wetness(self, z: Plane, darker: float) -> Plane:
        """1 where it is dry, less where it is dark with water."""
        above = np.clip((z - self.level_mm - self.wet_mm) / 6, -20, 20)
        return (1 - darker / (1 + np.exp(above)))[:, None]

    def _face_at(self, x: Plane, z: Plane) -> Plane:
        u = x + face.WIDTH_MM / 2 + face.POST_MM - 0.5
        v = face.HEIGHT_MM + face.POST_MM - z - 0.5
        return lookup(self.face, u, v) * self._wetness(z, self.darker[0])

    def _wall_at(self, x: Plane, z: Plane) -> Plane:
        u, v = x / WALL_TEXEL_MM + 512, (WALL_TOP_MM - z) / WALL_TEXEL_MM
        colour = lookup(self.wall, u, v) * self._wetness(z, self.darker[1])
        colour[z > WALL_TOP_MM] = SKY
        return colour
