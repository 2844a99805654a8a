"""Light and weather over a picture that is otherwise ideal: linear 0 to 255, BGR."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .face import noise

Picture = NDArray[Any]
LIGHTS = ("day", "dusk", "night", "lamp")
WEATHERS = ("clear", "wind", "rain", "glare", "fog")
# What reaches the sensor by the colours B, G, R; and its noise after the gain for that.
TINTS = {"day": (1.0, 1.0, 1.0), "dusk": (0.58, 0.48, 0.44), "night": (0.030, 0.024, 0.020)}
NOISE = {"day": 1.8, "dusk": 4.5, "night": 6.0, "lamp": 4.0}


def light_at(second_of_day: float) -> str:
    """The light by the clock: day from 7 to 18, dusk an hour on either side, else night."""
    hour = second_of_day / 3600 % 24
    if 7 <= hour < 18:
        return "day"
    return "dusk" if 6 <= hour < 19 else "night"


def shade(
    random: np.random.Generator, light: str, weather: str, shape: tuple[int, int]
) -> Picture:
    """The shadow of a tree, in a third of the sunny pictures, and a gentle gradient in all."""
    ends = random.uniform(0.88, 1.08, 2)
    down = np.interp(np.arange(shape[0]), (0, shape[0]), ends).astype(np.float32)[:, None]
    shadow: Picture = np.broadcast_to(down, shape)
    if light == "day" and weather in ("clear", "wind", "glare") and random.random() < 0.33:
        small = noise(random, (48, 64), 5, 12) > random.uniform(-0.3, 0.6)
        leaves = cv2.resize(small.astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
        leaves = cv2.GaussianBlur(leaves, (0, 0), shape[0] * 0.008)
        shadow = shadow * (1 - random.uniform(0.25, 0.5) * np.clip(leaves, 0, 1))
    return shadow


def lit(picture: Picture, light: str, random: np.random.Generator) -> Picture:
    """The scene as this light shows it. `lamp` is an infrared lamp at the camera, at night."""
    if light != "lamp":
        return picture * np.array(TINTS[light], np.float32) * random.uniform(0.85, 1.1)
    height, width = picture.shape[:2]
    grey = picture @ np.array((0.2, 0.4, 0.4), np.float32)
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    spot = np.exp(-((x / 0.9) ** 2 + ((y - random.uniform(-0.2, 0.2)) / 1.1) ** 2))
    return np.repeat((grey * spot * random.uniform(0.7, 0.95))[..., None], 3, 2).astype(np.float32)


def through_air(
    picture: Picture, weather: str, light: str, random: np.random.Generator
) -> Picture:
    """The same through fog, rain or the sun's glare."""
    veil = {"fog": _fog, "rain": _rain, "glare": _glare}.get(weather)
    brightness = float(np.mean(TINTS.get(light, (0.3,))))
    return veil(picture, random, brightness) if veil else picture


def _fog(picture: Picture, random: np.random.Generator, brightness: float) -> Picture:
    through = random.uniform(0.03, 0.5)
    height = picture.shape[0]
    soft = cv2.GaussianBlur(picture, (0, 0), height * 0.004)
    return soft * through + 205 * brightness * (1 - through)


def _rain(picture: Picture, random: np.random.Generator, brightness: float) -> Picture:
    height, width = picture.shape[:2]
    streaks: Picture = np.zeros((height, width), np.float32)
    lean = random.uniform(-0.25, 0.25)
    for _ in range(random.integers(150, 600)):
        x, y = random.integers(0, (width, height)).tolist()
        length = int(random.uniform(0.02, 0.08) * height)
        end = (int(x + lean * length), y + length)
        cv2.line(streaks, (x, y), end, random.uniform(0.1, 0.4), 1, cv2.LINE_AA)
    streaks = cv2.GaussianBlur(streaks, (0, 0), 0.7)[..., None]
    picture = picture * 0.85 + 190 * brightness * 0.13
    return picture + (215 * brightness - picture) * streaks


def _glare(picture: Picture, random: np.random.Generator, brightness: float) -> Picture:
    """What is brighter than the sensor takes blooms; the sun's light wanders in the lens."""
    height, width = picture.shape[:2]
    over = np.maximum(picture - 250, 0)
    bloom = sum(cv2.GaussianBlur(over, (0, 0), height * s) for s in (0.006, 0.03)) * 0.5
    x, y = np.meshgrid(np.arange(width) / height, np.arange(height) / height)
    sun = random.uniform((-0.2, -0.3), (width / height + 0.2, 0.1))
    far = np.hypot(x - sun[0], y - sun[1])
    flare = random.uniform(40, 110) * np.exp(-far / 0.45) * brightness
    ghost = sun + (np.array((width / height / 2, 0.5)) - sun) * random.uniform(1.1, 1.8)
    disc = np.hypot(x - ghost[0], y - ghost[1]) < random.uniform(0.03, 0.07)
    flare += cv2.GaussianBlur(disc.astype(np.float32), (0, 0), 2) * 30 * brightness
    return picture + bloom + flare[..., None].astype(np.float32)


def sensed(picture: Picture, light: str, random: np.random.Generator) -> NDArray[Any]:
    """What the sensor makes of it: optics a little soft, noise of photons and of the gain."""
    soft = 0.9 if light == "dusk" else 0.65
    picture = cv2.GaussianBlur(picture, (0, 0), soft)
    grain = random.standard_normal(picture.shape, np.float32)
    picture = picture + grain * (NOISE[light] + 0.012 * np.clip(picture, 0, 255))
    return np.clip(picture, 0, 255).astype(np.uint8)
