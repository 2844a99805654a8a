# A sampler whose channels are looked at between its rounds, too: for alarm rules.
# SPDX-License-Identifier: Apache-2.0
from protocols import schema

from .sampler import Sampler, judge


class WatchedSampler(Sampler):
    # Whether a channel is there, with this unit and scale, and a part that gives it.
    def measures(self, name, unit, scale):
        for column, (_, index, _) in zip(self.schema.columns, self._channels):
            if column.name == name:
                return index is not None and (column.unit, column.scale) == (unit, scale)
        return False

    # Some channels now, in no report: {name: counts, None without a value that can be believed}.
    # What fails is not counted, since it may be every few seconds: the next round counts it.
    async def look(self, names):
        found, read = {}, []
        async with self._lock:
            for column, (source, index, scale) in zip(self.schema.columns, self._channels):
                if column.name not in names:
                    continue
                if source not in read:
                    read.append(source)
                    await self._read(source)
                value, quality = judge(source, index, scale, column)
                found[column.name] = value if quality == schema.NORMAL else None
        return found
