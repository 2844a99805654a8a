"""What is wrong with a picture, whatever it shows: each flag with its figure."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .gauge_calibration import Grey, Picture, grey

SMALL = (320, 240)  # pixels, so that figures do not depend on the size of the picture
BLOCKS = (16, 12)
SOMETHING = 0.02
SATURATED = 248
PATCH = 0.5
NIGHT_BELOW = 18.0  # mean brightness of 255
COVERED_BELOW = 0.02  # share of the blocks in which there is anything to see
DIRTY_ABOVE = 0.35  # share of the blocks that have lost their detail since the calibration
BLURRED_BELOW = 0.45  # detail beside that of the calibration
GLARE_ABOVE = 0.01  # share of the pixels that are saturated
FROZEN_BELOW = 0.6  # mean difference to the picture before, in grey levels


class Quality(NamedTuple):
    """Flags, and the figures behind them; `figures` has one for each flag."""

    night: bool
    covered: bool
    dirty: bool
    blurred: bool
    glare: bool
    frozen: bool
    figures: dict[str, float]

    def flags(self) -> list[str]:
        """The names of the flags that are set."""
        return [name for name in self._fields[:-1] if getattr(self, name)]


def assess(
    picture: Picture, before: Picture | None = None, reference: Picture | None = None
) -> Quality:
    """Judge a picture.

    Args:
        picture: grey or BGR.
        before: the one before it from the same camera, to know whether it is frozen.
        reference: a good one of the same view, say the calibration's, to know dirt and haze.
    """
    small = _small(picture)
    light = float(small.mean())
    seen = _detail(small)
    night = light < NIGHT_BELOW
    figures = {
        "night": light,
        "covered": float((seen > SOMETHING).mean()),
        "dirty": float("nan"),
        "blurred": float("nan"),
        "glare": float((small > SATURATED).mean()),
        "frozen": float("nan"),
    }
    if reference is not None:
        figures["dirty"], figures["blurred"] = _lost(seen, _detail(_small(reference)))
    if before is not None:
        apart = cv2.resize(
            cv2.absdiff(small, _small(before)), BLOCKS, interpolation=cv2.INTER_AREA
        )
        figures["frozen"] = float(np.quantile(apart, 0.9))
    covered = not night and figures["covered"] < COVERED_BELOW
    clear = not night and not covered  # else dirt and blur cannot be told from darkness
    return Quality(
        night,
        covered,
        clear and figures["dirty"] > DIRTY_ABOVE,
        clear and figures["blurred"] < BLURRED_BELOW,
        figures["glare"] > GLARE_ABOVE,
        figures["frozen"] < FROZEN_BELOW,
        figures,
    )


def _small(picture: Picture) -> Grey:
    return cv2.resize(grey(picture), SMALL, interpolation=cv2.INTER_AREA)


def _detail(small: Grey) -> Grey:
    """Contrast of fine structure in each block, as a share of the picture's brightness."""
    fine = cv2.GaussianBlur(small, (0, 0), 0.8) - cv2.GaussianBlur(small, (0, 0), 3)
    energy = cv2.resize(fine * fine, BLOCKS, interpolation=cv2.INTER_AREA)
    return np.sqrt(energy) / (small.mean() + 10)


def _lost(seen: Grey, wanted: Grey) -> tuple[float, float]:
    """Share of the blocks that lost far more detail than the others; and what is left in all."""
    rich = wanted > np.median(wanted)
    left = seen[rich] / wanted[rich]
    usual = float(np.median(left))
    return float((left < PATCH * usual).mean()), usual
