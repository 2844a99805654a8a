"""Where the camera stands, and what a pixel of it looks at.

World in millimetres: x along the bank, y away from the camera, z up from the gauge's zero; the
face lies in the plane y = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[Any]


@dataclass(frozen=True)
class Pose:
    """`eye` and `target` in mm; `focal`: focal length / picture height; roll in radians."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    focal: float
    roll: float = 0.0

    @classmethod
    def on_the_bank(cls, random: np.random.Generator) -> Pose:
        """A pole on the bank, some metres from the gauge and above it."""
        eye = random.uniform((-1600, -5600, 2300), (1600, -4200, 3300))
        target = random.uniform((-60, 0, 690), (60, 0, 760))
        focal = 0.48 * float(np.linalg.norm(eye - target)) / 900
        return cls(tuple(eye), tuple(target), focal, random.uniform(-0.03, 0.03))

    def axes(self) -> NDArray[Any]:
        """Rows: right, down and forward of the camera."""
        forward = np.subtract(self.target, self.eye)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, (0, 0, 1))
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        c, s = np.cos(self.roll), np.sin(self.roll)
        return np.array([c * right + s * down, c * down - s * right, forward])

    def project(self, points: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
        """Pixels (n, 2) of world points (n, 3) in a picture of `size` (width, height)."""
        seen = (np.asarray(points, float) - self.eye) @ self.axes().T
        scale = self.focal * size[1] / seen[:, 2:]
        return seen[:, :2] * scale + (np.array(size) - 1) / 2

    def rays(
        self,
        size: tuple[int, int],
        window: tuple[int, int, int, int],
        fine: int,
        shift_px: tuple[float, float],
    ) -> Vectors:
        """Directions (3, height * fine, width * fine) of a window (left, top, width, height)."""
        across, along = (
            (np.arange(window[2 + axis] * fine) + 0.5) / fine
            + (window[axis] - shift_px[axis] - size[axis] / 2)
            for axis in range(2)
        )
        right, down, forward = self.axes()
        focal_px = self.focal * size[1]
        rays = (
            right[:, None, None] * across[None, None, :]
            + down[:, None, None] * along[None, :, None]
            + (forward * focal_px)[:, None, None]
        )
        return (rays / focal_px).astype(np.float32)
