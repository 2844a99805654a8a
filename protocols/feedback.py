# Whether an actuator did what it was told, by a channel that shows it: water flows, or not.
# SPDX-License-Identifier: Apache-2.0
from .compat import const

# Verdicts.
_WELL = const(0)
_NO_EFFECT = const(1)  # it runs, and nothing shows it
_STUCK = const(2)  # it is at rest, and still it shows


class Feedback:
    # above: counts of the channel; within_s: so long after a change it may show the other. kept:
    # what one of them remembers, for another one: whether it runs, since when, the last verdict.
    def __init__(self, above, within_s, now_s, kept=None):
        self._above = above
        self._within_s = within_s
        self.kept = kept or [False, now_s, _WELL]

    # runs: whether it was told to; value: None where nobody knows, which changes nothing.
    def judge(self, now_s, runs, value):
        kept = self.kept
        if runs != kept[0]:
            kept[:] = [runs, now_s, _WELL]
        if value is not None and now_s - kept[1] >= self._within_s:
            shows = value > self._above
            kept[2] = _WELL if shows == runs else _NO_EFFECT if runs else _STUCK
        return kept[2]

    # Seconds until it can be judged, None if it can already.
    def due_s(self, now_s):
        left_s = self.kept[1] + self._within_s - now_s
        return left_s if left_s > 0 else None
