# What JPEG cameras have in common: a picture that fits a budget of bytes, whole or a region of it.
# It stays in the camera's memory; it is asked for piece by piece.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from .errors import DriverError

_TRIALS = const(6)  # shots in search of a quality; a shot takes as much current as the modem
_ENOUGH = const(70)  # per cent of the budget: no finer quality is looked for
_CROPS = const(3)
_TAIL = const(64)  # clones fill up what they send
_START = const(b"\xff\xd8")
_END = const(b"\xff\xd9")


class Camera:
    CHANNELS = ()  # nothing to measure

    # data: a map of drivers/maps/. regions: {name: (left, top, width, height)} in pixels of the
    # largest frame.
    def __init__(self, data, regions=None):
        self._frames = data["sizes"]
        quality = data["quality"]
        self._finest = quality["finest"]
        self._step = 1 if quality["coarsest"] > self._finest else -1
        self._grades = abs(quality["coarsest"] - self._finest)  # 0 is the finest
        self._first = abs(quality["first"] - self._finest)
        self._regions = regions or {}
        self._good = {}  # {frame's code: the grade that was taken last}
        self._share = {}  # {region: its share of a picture's bytes, in 1024ths}

    async def read(self):
        return ()

    # --- what a camera's own file has

    async def _open(self, frame):
        raise NotImplementedError

    # Nothing is kept after it. It never fails.
    async def _close(self):
        raise NotImplementedError

    # Takes a picture and keeps it. -> its size
    async def _shoot(self, quality):
        raise NotImplementedError

    # Some bytes of what it keeps, at least one. -> how many
    async def _fetch(self, at, buffer):
        raise NotImplementedError

    # --- pictures

    # A picture of at most so many bytes. Close it before the next one.
    async def capture(self, budget_bytes, region=None):
        try:
            if region is None:
                return await self._whole(budget_bytes)
            return await self._cut(budget_bytes, region)
        except BaseException:
            await self._close()
            raise

    async def _whole(self, budget):
        fitting = [frame for frame in self._frames if frame["from_bytes"] <= budget]
        for frame in reversed(fitting or self._frames[:1]):
            await self._open(frame)
            shot = await self._meet(frame, budget)
            if shot:
                return shot
            await self._close()
        raise DriverError("picture_large", "none of %d bytes" % budget)

    async def _cut(self, budget, region):
        from .cropped_shot import CroppedShot

        frame = self._frames[-1]
        if region not in self._regions:
            raise DriverError("config_bad", "no region %s, see its config" % region)
        left, top, width, height = self._regions[region]
        share = self._share.get(region)
        if share is None:  # that of its area
            share = max(1, 1024 * width * height // (frame["width"] * frame["height"]))
        await self._open(frame)
        for _ in range(_CROPS):
            whole = await self._meet(frame, budget * 1024 // share)
            if not whole:
                break
            shot = CroppedShot(whole, self._regions[region], region)
            await shot.measure()
            share = self._share[region] = max(1, shot.size * 1024 // whole.size + 1)
            if shot.size <= budget:
                return shot
        raise DriverError("picture_large", "no %s of %d bytes" % (region, budget))

    # The picture, None if it is too large at every quality.
    async def _meet(self, frame, budget):
        fine, coarse, best = 0, self._grades, None
        grade = self._good.get(frame["code"], self._first)
        for _ in range(_TRIALS):
            size = await self._shoot(self._finest + self._step * grade)
            if size > budget:
                fine = grade + 1
            else:
                best, coarse = grade, grade - 1
                if fine > coarse or size * 100 >= budget * _ENOUGH:
                    return await self._take(frame, grade, size)
            if fine > coarse:
                if best is None:
                    return None
                # What fitted once may not do so again: leaves move, clouds go.
                fine = coarse = best = min(best + 1 + self._grades // 16, self._grades)
            grade = (fine + coarse) // 2
        return None

    async def _take(self, frame, grade, size):
        self._good[frame["code"]] = grade
        size = await self._whole_size(size)
        return Shot(self, size, frame, self._finest + self._step * grade)

    # The picture without what fills it up; raises if it is none, or half of one.
    async def _whole_size(self, size):
        tail = bytearray(_TAIL)
        if size > 4:
            await self._fetch(0, memoryview(tail)[:8])
        if tail[:2] != _START:
            raise DriverError("picture_bad", "no JPEG: %s" % tail[:8].hex())
        start = max(0, size - _TAIL + 8) & ~7  # cameras count in eights
        end = 0
        while start + end < size:
            end += await self._fetch(start + end, memoryview(tail)[end : size - start])
        found = bytes(tail[:end]).rfind(_END)
        if found < 0:
            raise DriverError("picture_cut", "no end within %d bytes" % size)
        return start + found + 2


class Shot:
    closed = None  # called when it is

    def __init__(self, camera, size, frame, quality):
        self._camera = camera
        self._at = 0
        self.size = size
        self.width = frame["width"]
        self.height = frame["height"]
        self.quality = quality
        self.region = None

    # The next bytes; 0 at the end.
    async def readinto(self, buffer):
        left = self.size - self._at
        if not left:
            return 0
        view = memoryview(buffer)[: min(left, len(buffer))]
        n = await self._camera._fetch(self._at, view)
        self._at += n
        return n

    def rewind(self):
        self._at = 0

    async def close(self):
        closed, self.closed = self.closed, None  # once, even if it is closed twice
        try:
            await self._camera._close()
        finally:
            if closed:
                closed()
