"""The river's surface: ripples as a sum of waves, and what a ray that meets it brings back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]
TILE_MM = 2048  # the waves repeat after this
TEXEL_MM = 4
WAVES = 18
SLOPES = {"clear": 0.035, "glare": 0.06, "fog": 0.03, "rain": 0.09, "wind": 0.10}


def lookup(texture: Plane, u: Plane, v: Plane, border: int = cv2.BORDER_REPLICATE) -> Plane:
    """Texture at texels (u, v) of any shape; remap itself takes no more than 32,767 in a row."""
    shape, size = u.shape, u.size
    pad = -size % 1024 if size else 1024  # a gauge that is wholly under water has no dry point
    u, v = (np.pad(axis.ravel(), (0, pad)).reshape(-1, 1024) for axis in (u, v))
    maps = u.astype(np.float32), v.astype(np.float32)
    found = cv2.remap(texture, *maps, cv2.INTER_LINEAR, borderMode=border)
    found = found.reshape(-1, *texture.shape[2:])[:size]
    return found.reshape(*shape, *texture.shape[2:])


@dataclass(frozen=True)
class Ripples:
    """Heights in mm and slopes over one tile of the surface, at one moment."""

    height: Plane
    slope_x: Plane
    slope_y: Plane

    @classmethod
    def at_random(cls, random: np.random.Generator, weather: str) -> Ripples:
        """Waves from 6 cm to 80 cm, whose slopes together have the weather's mean square."""
        at = np.arange(TILE_MM // TEXEL_MM) * TEXEL_MM
        lengths = np.geomspace(60, 800, WAVES)
        headings = random.uniform(0, 2 * np.pi) + random.normal(0, 0.7, WAVES)
        ways = np.stack((np.cos(headings), np.sin(headings)))
        kx, ky = np.round(ways * TILE_MM / lengths) * 2 * np.pi / TILE_MM  # whole in a tile
        k = np.maximum(np.hypot(kx, ky), 1e-3)
        steep = SLOPES[weather] * random.uniform(0.6, 1.3) * (2 / WAVES) ** 0.5 / k
        phases = random.uniform(0, 2 * np.pi, WAVES)
        across = np.exp(1j * kx[:, None] * at)
        along = np.exp(1j * (ky[:, None] * at + phases[:, None])).T
        # The sum over all waves is a product of matrices.
        height = (along * steep @ across).imag.astype(np.float32)
        slope_x, slope_y = (
            (along * steep * part @ across).real.astype(np.float32) for part in (kx, ky)
        )
        if weather == "rain":
            _add_rings(random, height, slope_x, slope_y)
        return cls(height, slope_x, slope_y)

    def sample(self, field: Plane, x: Plane, y: Plane) -> Plane:
        """A field at points in mm; the tile goes on without end."""
        u, v = (np.clip(axis / TEXEL_MM, -16_000, 16_000) for axis in (x, y))
        return lookup(field, u, v, cv2.BORDER_WRAP)


def _add_rings(random: np.random.Generator, height: Plane, slope_x: Plane, slope_y: Plane) -> None:
    """Drops: rings a few centimetres wide that spread and fade."""
    side = height.shape[0]
    grid = np.arange(-20, 21, dtype=np.float32) * TEXEL_MM
    gx, gy = np.meshgrid(grid, grid)
    far = np.hypot(gx, gy) + 1e-3
    for _ in range(random.integers(150, 500)):
        radius = random.uniform(6, 60)
        wave = np.exp(-(((far - radius) / 8) ** 2)) * 30 / (20 + radius)
        phase = (far - radius) * 2 * np.pi / 22
        row, column = random.integers(0, side - 41, 2)
        patch = np.s_[row : row + 41, column : column + 41]
        height[patch] += wave * np.sin(phase) * 1.2
        slope_x[patch] += wave * np.cos(phase) * 0.3 * gx / far
        slope_y[patch] += wave * np.cos(phase) * 0.3 * gy / far


def reflect(rays: Plane, slope_x: Plane, slope_y: Plane) -> tuple[Plane, Plane]:
    """Rays (3, n) after the surface, and the share of light that it reflects (Schlick)."""
    normal = np.stack((-slope_x, -slope_y, np.ones_like(slope_x)))
    normal /= np.sqrt((normal**2).sum(0))
    along = (rays * normal).sum(0)
    cosine = np.clip(-along / np.sqrt((rays**2).sum(0)), 0, 1)
    return rays - 2 * along * normal, 0.02 + 0.98 * (1 - cosine) ** 5
