# A region of a picture, cut out of the JPEG while it is read: see protocols/jpeg_crop.py.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const
from protocols.jpeg_crop import Cropper

from .errors import DriverError

_CHUNK = const(256)


class CroppedShot:
    closed = None

    def __init__(self, shot, window, region):
        self._shot = shot
        self._window = window
        self._chunk = bytearray(_CHUNK)
        self.quality = shot.quality
        self.region = region
        self.size = 0
        self._begin()

    def _begin(self):
        self._shot.rewind()
        self._cropper = Cropper(*self._window)
        self._out = 0  # of what it has made, so much was taken

    # Its size is known only when all of it was made once.
    async def measure(self):
        size = 0
        while await self._make():
            size += len(self._cropper.out)
        self.size = size
        self.width, self.height = self._cropper.width, self._cropper.height
        self._begin()

    # Something to take; False at the end.
    async def _make(self):
        cropper = self._cropper
        cropper.out = bytearray()
        self._out = 0
        try:
            while not (cropper.out or cropper.done):
                n = await self._shot.readinto(self._chunk)
                if n:
                    cropper.feed(memoryview(self._chunk)[:n])
                else:
                    cropper.end()
        except ValueError as error:
            raise DriverError("picture_bad", str(error))
        return len(cropper.out) > 0

    async def readinto(self, buffer):
        if self._out == len(self._cropper.out) and not await self._make():
            return 0
        n = min(len(buffer), len(self._cropper.out) - self._out)
        buffer[:n] = memoryview(self._cropper.out)[self._out : self._out + n]
        self._out += n
        return n

    async def close(self):
        closed, self.closed = self.closed, None
        try:
            await self._shot.close()
        finally:
            if closed:
                closed()
