"""Reads the water's level off a staff gauge in a picture.

    calibration = gauge_calibration.load(Path("river-07.toml"))
    reading = read_gauge(picture, calibration)
    agreement(reading, sensor_mm)
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import gauge_place, gauge_waterline
from .gauge_calibration import (
    MM_PER_ROW,
    Calibration,
    Picture,
    Region,
    grey,
    straightened,
)
