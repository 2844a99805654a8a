# Counts of what went wrong since boot, by the reasons of the protocol; reported in health events.
# SPDX-License-Identifier: Apache-2.0


class Counters:
    def __init__(self):
        self._counts = {}

    def count(self, reason, n=1):
        self._counts[reason] = self._counts.get(reason, 0) + n

    # {reason name: count}, a copy.
    def snapshot(self):
        return dict(self._counts)
