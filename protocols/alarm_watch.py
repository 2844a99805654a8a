# One alarm rule and what its channel says: when it fires, and when it may fire again.
# SPDX-License-Identifier: Apache-2.0
#
# It fires when every reading for hold_s was beyond the threshold, and not again before a reading
# was back by the hysteresis and pause_s have passed. Times are of a clock that never jumps.
#
# A reading that is missing (none came, or it is not to be believed) fires nothing and breaks
# nothing. But nobody knows what happened meanwhile: after GAP_S without a reading the hold begins
# anew, and after BLIND_S the rule is armed again, since the value may have been back. So what goes
# wrong with a sensor costs the time of a hold, or one sounding more, and no rule stays spent.
from .compat import const

GAP_S = const(30)
BLIND_S = const(600)


class Watch:
    # gap_s, blind_s: as above, for who reads less often than every few seconds.
    def __init__(self, rule, now_s, gap_s=GAP_S, blind_s=BLIND_S):
        self.rule = rule
        self.is_back = True  # the last reading was, by the hysteresis
        self._gap_s = gap_s
        self._blind_s = blind_s
        self._armed = True
        self._seen_s = now_s  # the last reading
        self._since_s = None  # the first of those that are beyond
        self._fired_s = None

    def update(self, now_s, value):
        # value: in counts of the rule's scale, None without a reading -> whether it fires now
        if value is None:
            return False
        rule = self.rule
        gap_s = now_s - self._seen_s
        self._seen_s = now_s
        beyond = rule.threshold - value if rule.below else value - rule.threshold
        self.is_back = beyond <= -rule.hysteresis
        if gap_s > self._blind_s or self.is_back:
            self._armed = True
        if beyond <= 0:
            self._since_s = None
            return False
        if self._since_s is None or gap_s > self._gap_s:
            self._since_s = now_s
        paused = self._fired_s is not None and now_s - self._fired_s < rule.pause_s
        if paused or not self._armed or now_s - self._since_s < rule.hold_s:
            return False
        self._armed = False
        self._fired_s = now_s
        return True

    # Over a deep sleep, in which the uptime goes on.
    def keep(self):
        return [self._armed, self._seen_s, self._since_s, self._fired_s]

    def resume(self, kept):
        self._armed, self._seen_s, self._since_s, self._fired_s = kept

    def is_blind(self, now_s):
        # For so long without a reading that the rule protects nobody.
        return now_s - self._seen_s > self._blind_s
