# The level of water out of a part that measures a distance to it, or a depth: a radar, a pressure
# transmitter. level = datum + sign * value; the part's map says which value and which sign, and of
# how many readings the one in the middle counts.
# SPDX-License-Identifier: Apache-2.0
from .surface import Surface


class Level:
    # datum_mm: of the sensor's face above the zero of the gauge; without one there is no level.
    # level: the key of that name of the part's map.
    def __init__(self, part, level, datum_mm=None, rise_mm_s=None):
        self._part = part
        names = [name for name, _, _ in part.CHANNELS]
        self._index = names.index(level["of"])
        self._scale = part.CHANNELS[self._index][2]  # counts a metre
        self._sign = level["sign"]
        self._readings = level["readings"]
        self._datum_mm = datum_mm
        self._surface = Surface(rise_mm_s, self._sign < 0)  # a depth is 0 for as long as it is dry
        self.CHANNELS = (("level", "m", 1000),) + part.CHANNELS

    async def probe(self):
        await self._part.probe()

    async def read(self):
        found = []
        for _ in range(self._readings):
            found.append(await self._part.read())
        found.sort(key=lambda values: values[self._index])
        values = found[self._readings // 2]
        mm = values[self._index] * 1000 // self._scale
        self._surface.judge(mm)
        level_mm = None if self._datum_mm is None else self._datum_mm + self._sign * mm
        return (level_mm,) + values

    def keep(self):
        return self._surface.keep()

    def resume(self, kept, passed_ms):
        self._surface.resume(kept, passed_ms)
