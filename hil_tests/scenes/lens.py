"""What sits on the lens or in front of it: dirt, a spider's web, a cover."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .face import noise

Picture = NDArray[Any]
LENSES = ("clean", "dirt", "web", "covered")


def through(picture: Picture, lens: str, random: np.random.Generator) -> Picture:
    """The picture as it comes through a lens in one of the states of `LENSES`."""
    if lens == "clean":
        return picture
    return {"dirt": _dirt, "web": _web, "covered": _covered}[lens](picture, random)


def _dirt(picture: Picture, random: np.random.Generator) -> Picture:
    """Mud splashes far out of focus, and a film that takes contrast everywhere."""
    height, width = picture.shape[:2]
    mud: Picture = np.zeros((height, width), np.float32)
    for _ in range(random.integers(12, 40)):
        at = (int(random.integers(0, width)), int(random.integers(0, height)))
        axes = (random.uniform(0.01, 0.09, 2) * height).astype(int) + 1
        angle = random.uniform(0, 180)
        strength = random.uniform(0.4, 1.0)
        layer = np.zeros_like(mud)
        cv2.ellipse(layer, at, axes.tolist(), angle, 0, 360, strength, -1)
        mud = np.maximum(mud, layer)
    mud = cv2.GaussianBlur(mud, (0, 0), height * random.uniform(0.012, 0.025))
    film = random.uniform(0.1, 0.45)
    hazy = cv2.GaussianBlur(picture, (0, 0), height * 0.03)
    picture = picture + (hazy - picture) * film
    return (
        picture
        + (np.array((44, 60, 70), np.float32) - picture) * np.clip(mud * 1.05, 0, 0.97)[..., None]
    )


def _web(picture: Picture, random: np.random.Generator) -> Picture:
    """Threads from a hub to the rim and round it, close to the lens: bright, thin and soft."""
    height, width = picture.shape[:2]
    threads: Picture = np.zeros((height, width), np.float32)
    hub = random.uniform((0.2, 0.2), (0.8, 0.8)) * (width, height)
    spokes = np.sort(random.uniform(0, 2 * np.pi, random.integers(9, 16)))
    spokes = np.append(spokes, spokes[0] + 2 * np.pi)
    ways = np.stack((np.cos(spokes), np.sin(spokes)), 1)
    reach = random.uniform(0.5, 1.1) * height
    for way in ways[:-1]:
        ends = np.rint((hub, hub + way * reach)).astype(int)
        cv2.line(threads, ends[0].tolist(), ends[1].tolist(), 1.0, 2, cv2.LINE_AA)
    for radius in np.arange(0.06, 0.9, random.uniform(0.05, 0.08)) * reach:
        sag = radius * random.uniform(0.93, 1.04, len(ways))[:, None]
        loop = np.rint(hub + ways * sag).astype(np.int32)
        cv2.polylines(threads, [loop[:, None]], False, 0.8, 1, cv2.LINE_AA)
    threads = cv2.GaussianBlur(threads, (0, 0), height * random.uniform(0.002, 0.005))
    veil = np.clip(threads * random.uniform(1.0, 1.8), 0, 0.9)[..., None]
    return picture + (np.array((225, 222, 218), np.float32) - picture) * veil


def _covered(picture: Picture, random: np.random.Generator) -> Picture:
    """A bag, a leaf, snow: the light of the scene, and nothing of its shape."""
    height, width = picture.shape[:2]
    tint = random.uniform(0.25, 1.0, 3).astype(np.float32)
    glow = 1 + 0.25 * cv2.resize(noise(random, (24, 32), 12), (width, height))
    return picture.mean((0, 1)) * tint * glow[..., None]
