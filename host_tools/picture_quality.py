"""What is wrong with a picture, whatever it shows: each flag with its figure.

One picture does not tell a splash of mud from a shadow. A film of dirt, fog and a lens out of
focus all take the detail, and are one flag, `blurred`.
"""

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
NIGHT_BELOW = 18.0  # mean brightness of 255
COVERED_BELOW = 0.02  # share of the blocks in which there is anything to see
BLURRED_BELOW = 0.3  # detail beside that of the reference
GLARE_ABOVE = 0.01  # share of the pixels that are saturated
FROZEN_BELOW = 0.6  # mean difference to the picture before, in grey levels


class Quality(NamedTuple):
    """Flags, and the figures behind them; `figures` has one for each flag.

    A figure is None where there was no other picture to know it by; the flag is then not set.
    """

    night: bool
    covered: bool
    blurred: bool
    glare: bool
    frozen: bool
    figures: dict[str, float | None]

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
        reference: a good one of the same view, say the calibration's, to know blur and haze.
    """
    small = _small(picture)
    light = float(small.mean())
    seen = _detail(small)
    night = light < NIGHT_BELOW
    structured = float((seen > SOMETHING).mean())
    left = None if reference is None else _left(seen, _detail(_small(reference)))
    glare = float((small > SATURATED).mean())
    changed = None if before is None else _changed(small, _small(before))
    figures = {
        "night": light,
        "covered": structured,
        "blurred": left,
        "glare": glare,
        "frozen": changed,
    }
    return Quality(
        night,
        not night and structured < COVERED_BELOW,
        not night and left is not None and left < BLURRED_BELOW,
        glare > GLARE_ABOVE,
        changed is not None and changed < FROZEN_BELOW,
        figures,
    )


def _small(picture: Picture) -> Grey:
    return cv2.resize(grey(picture), SMALL, interpolation=cv2.INTER_AREA)


def _detail(small: Grey) -> Grey:
    """Contrast of fine structure in each block, as a share of its brightness."""
    fine = cv2.GaussianBlur(small, (0, 0), 0.8) - cv2.GaussianBlur(small, (0, 0), 3)
    energy = cv2.resize(fine * fine, BLOCKS, interpolation=cv2.INTER_AREA)
    light = cv2.resize(small, BLOCKS, interpolation=cv2.INTER_AREA)
    return np.sqrt(energy) / (light + 10)


def _changed(small: Grey, before: Grey) -> float:
    """How far the blocks are from those of another picture, in nearly all of them."""
    apart = cv2.resize(cv2.absdiff(small, before), BLOCKS, interpolation=cv2.INTER_AREA)
    return float(np.quantile(apart, 0.9))


def _left(seen: Grey, wanted: Grey) -> float:
    """What is left of the detail, in the usual one of the blocks that are rich in it."""
    rich = wanted > np.median(wanted)
    return float(np.median(seen[rich] / wanted[rich]))
