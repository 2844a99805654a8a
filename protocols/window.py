# What a value was some time ago, out of a few marks: for sums of a count, for a rate of rise.
# SPDX-License-Identifier: Apache-2.0
from .compat import const

_MARKS = const(6)  # a window: more of them would be more exact, and more to keep over a sleep


class Window:
    # Times are of a clock that never jumps.
    def __init__(self, span_s):
        self.span_s = span_s
        self.marks = []  # [time, value], oldest first: one that is as old as the span, or younger

    # Returns the mark as old as the span, with up to a sixth and the pause between two samples
    # more; else the oldest that is there. What is older than half a span more was not followed.
    def add(self, now_s, value):
        marks, begin_s = self.marks, now_s - self.span_s
        while len(marks) > 1 and marks[1][0] <= begin_s:
            marks.pop(0)
        if marks and marks[0][0] < begin_s - self.span_s // 2:
            marks.pop(0)
        if not marks or now_s - marks[-1][0] >= self.span_s // _MARKS:
            marks.append([now_s, value])
        return marks[0]
