# MicroPython's collections and a Counter.
# SPDX-License-Identifier: Apache-2.0
from typing import Alias

from ucollections import *


class _Counter(dict):
    def __getitem__(self, key):
        return self.get(key, 0)


Counter = Alias(_Counter)  # a class derives from Counter[str]
