# A camera at the parallel port, through the camera module of a MicroPython that was built with
# micropython-camera-API. Its picture lies in PSRAM beside the heap.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from .camera import Camera
from .errors import DriverError

_FRAME_MS = const(100)  # a pause in which others work; the module waits with nobody else running
_TRIES = const(3)


class DVPCamera(Camera):
    # make() opens the module's Camera, for JPEG and asleep.
    def __init__(self, make, data, regions=None):
        super().__init__(data, regions)
        self._make = make
        self._made = None
        self._settle_frames = data["settle_frames"]  # until exposure and white balance are right
        self._frame = b""  # the picture, or a memoryview of where it lies

    # Only a picture shows whether it is there, and takes as much current as this would.
    async def probe(self):
        pass

    async def _open(self, frame):
        try:
            self._camera().init()
            self._camera().reconfigure(frame_size=frame["code"])
        except (OSError, RuntimeError, ValueError) as error:
            raise DriverError("camera_silent", str(error))
        for _ in range(self._settle_frames):
            await self._grab()

    async def _close(self):
        if self._made:
            self._frame = b""
            self._camera().free_buffer()
            self._camera().deinit()

    async def _shoot(self, quality):
        self._camera().set_quality(quality)
        await self._grab()  # one that was on its way has the quality before
        await self._grab()
        return len(self._frame)

    async def _fetch(self, at, buffer):
        n = min(len(buffer), len(self._frame) - at)
        buffer[:n] = self._frame[at : at + n]
        return n

    # It takes a lot of current from then on, until it is closed.
    def _camera(self):
        if not self._made:
            self._made = self._make()
        return self._made

    async def _grab(self):
        camera = self._camera()
        for _ in range(_TRIES):
            self._frame = b""
            camera.free_buffer()
            try:
                self._frame = camera.capture() or b""
            except (OSError, RuntimeError) as error:
                raise DriverError("camera_silent", str(error))
            await asyncio.sleep_ms(_FRAME_MS)
            if len(self._frame):
                return
        raise DriverError("camera_silent", "no frame: check its ribbon and its supply")
