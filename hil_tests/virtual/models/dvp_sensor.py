"""A camera sensor at the parallel port, as the module `camera` of a board's MicroPython has it.

What was set counts for the frame after the next one; the first frames after the start are dark.
"""

from __future__ import annotations

from ..river_view import RiverView
from .faults import Faults

# FrameSize numbers of micropython-camera-API, those whose shape the scene has
SIZES = {1: (160, 120), 6: (320, 240), 10: (640, 480), 11: (800, 600), 12: (1024, 768)}
EXPOSURES = (0.2, 0.5, 0.8)  # of the first frames


class DvpSensor:
    """Faults: `absent` (it does not answer on its I2C lines), `no_frame` (capture gives nothing),
    `half` (the end of the picture is missing), `garbage` (no JPEG).
    """

    NAME = "OV2640"

    def __init__(self, view: RiverView) -> None:
        self.view = view
        self.faults = Faults(absent=False, no_frame=False, half=False, garbage=False)
        self.taken = 0
        self.is_on = False
        self._supplied = True

    def supplied(self, on: bool) -> None:
        """Its supply comes or goes."""
        self._supplied = on
        self.is_on = self.is_on and on

    def start(self) -> bool:
        """Begins to send frames; False if it is not there."""
        self.is_on = self._supplied and not self.faults.take("absent")
        self._frames = 0
        self._next: tuple[int, int] | None = None
        return self.is_on

    def stop(self) -> None:
        """No clock any more."""
        self.is_on = False

    def frame(self, frame_size: int, quality: int) -> bytes:
        """The next frame; nothing if there is none."""
        size, self._next = self._next or (frame_size, quality), (frame_size, quality)
        if size[0] != frame_size:  # another size begins anew
            size = frame_size, quality
        self._frames += 1
        self.taken += 1
        if not self.is_on or self.faults.take("no_frame"):
            return b""
        if self.faults.take("garbage"):
            return bytes(range(256)) * 8
        exposure = EXPOSURES[self._frames - 1] if self._frames <= len(EXPOSURES) else 1.0
        data = self.view.jpeg(SIZES[size[0]], max(1, size[1]), exposure)
        return data[: len(data) // 2] if self.faults.take("half") else data
