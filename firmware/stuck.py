# Sensors that say the same for too long: one that lives always has noise. Loaded where a profile
# asks for it: "stuck_rounds" of a channel is how many equal rounds in a row are a fault, 0 never.
# SPDX-License-Identifier: Apache-2.0


class Stuck:
    def __init__(self, channels):
        # A list of [rounds that are too many, the last raw value, how often in a row], or None.
        self._channels = []
        for channel in channels:
            rounds = channel.get("stuck_rounds", 0)
            self._channels.append([rounds, None, 0] if rounds else None)

    # Whether channel c is stuck, with the raw value of a round. What is between rounds (counts is
    # false) is judged, but proves nothing by itself. After a reset it begins anew.
    def holds(self, c, value, counts=True):
        state = self._channels[c]
        if state is None:
            return False
        if value != state[1]:
            if counts:
                state[1], state[2] = value, 1
            return False
        if counts and state[2] < state[0]:
            state[2] += 1
        return state[2] >= state[0]
