# Code that is seldom needed: loaded for a use and forgotten after it, for its heap is worth more.
# SPDX-License-Identifier: Apache-2.0
import gc
import sys


# modules: full names, separated by spaces; the first is imported, and may import the others. Calls
# its function and forgets of the modules what was not there before.
def call(modules, function, *args):
    new = _missing(modules)
    try:
        return load(modules, function)(*args)
    finally:
        _forget(new)


class Brief:
    # Stands for a part that remembers nothing: its driver is made for each reading, and goes with
    # its code. A station reads for some ms every half minute, and so has one driver at a time and
    # not all: 13 kB of the heap of a climate station, 10 kB of a greenhouse's. channels: how they
    # are looked up where the driver does not know them.
    def __init__(self, modules, driver, *args, channels=None):
        self._call = modules, driver
        self._args = args
        self._channels = channels

    @property
    def CHANNELS(self):
        return call(*self._channels) if self._channels else self._made().CHANNELS

    async def probe(self):
        await self._made().probe()

    async def read(self):
        return await self._made().read()

    # What awaits one of its functions holds its code.
    def _made(self):
        return call(*self._call + self._args)


class Later:
    # Stands for the object function(*args), which is made when it is first used. It and its
    # modules go when it was not used between two calls of rest().
    def __init__(self, modules, function, *args):
        self._call = modules, function, args
        self._made = self._new = None
        self._used = False

    def __getattr__(self, name):
        if not self._made:
            modules, function, args = self._call
            self._new = _missing(modules)
            try:
                self._made = load(modules, function)(*args)
            finally:
                if not self._made:  # what found no room leaves nothing behind
                    _forget(self._new)
        self._used = True
        return getattr(self._made, name)

    def rest(self):
        if not self._used:
            self.forget()
        self._used = False

    # Whoever is inside it at the moment finishes undisturbed.
    def forget(self):
        if self._made:
            self._made = None
            _forget(self._new)


def _missing(modules):
    return [name for name in modules.split() if name not in sys.modules]


def load(modules, name):
    gc.collect()
    return getattr(__import__(modules.split()[0], None, None, (name,)), name)


# For good.
def made(modules, function, *args):
    return load(modules, function)(*args)


def _forget(names):
    for name in names:
        if name in sys.modules:
            package, leaf = name.rsplit(".", 1)
            del sys.modules[name]
            delattr(sys.modules[package], leaf)
