# The place that the sensors stand in: values that the host sets.
# SPDX-License-Identifier: Apache-2.0


class Scene:
    def __init__(self, values):
        self._first = values
        self.begin()

    def begin(self):
        self.values = dict(self._first)

    def value(self, name, now_us):
        if name not in self.values:
            raise KeyError("no channel %r in the scene; it has %s" % (name, sorted(self.values)))
        return self.values[name]
