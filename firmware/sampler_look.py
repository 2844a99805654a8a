# Some channels between the rounds of a sampler, in no report: for alarms and for control.
# SPDX-License-Identifier: Apache-2.0
from protocols.schema import NORMAL

from .sampler import judge


# -> {name: counts, None without a value that can be believed}. What fails is not counted, since it
# may be every few seconds: the next round counts it.
async def look(sampler, names):
    found, columns = {}, []
    for c, (column, channel) in enumerate(zip(sampler.schema.columns, sampler.channels)):
        if column.name in names:
            columns.append((c, column, channel))
    while columns:
        source = columns[0][2][0]
        async with sampler.lock:  # each for itself, as in a round
            await sampler.read(source)
            for c, column, channel in columns:
                if channel[0] is source:
                    value, quality = judge(column, *channel)
                    good = quality == NORMAL and not sampler.is_stuck(c, False)
                    found[column.name] = value if good else None
        columns = [each for each in columns if each[2][0] is not source]
    return found
