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
            self._made = load(modules, function)(*args)
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


def _forget(names):
    for name in names:
        if name in sys.modules:
            package, leaf = name.rsplit(".", 1)
            del sys.modules[name]
            delattr(sys.modules[package], leaf)
