# What all actuators have: a value from 0, at rest, to 100.
# SPDX-License-Identifier: Apache-2.0


class Output:
    CHANNELS = (("value", "%", 1),)
    SLOW = False  # put() waits for a bus that others use: whoever calls it holds the lock
    GRADUAL = False  # it has more than on and off
    renew_s = 60  # a slow one that is on is told so again, also when its supply has failed
    safe = 0  # what it is to have in doubt
    lost = False  # it cannot say any more where it stands
    value = 0

    async def probe(self):
        pass

    async def read(self):
        return (self.value,)

    # Ms until it wants to be called again; 0: it waits for nothing.
    def tend(self):
        return 0
