# SPDX-License-Identifier: Apache-2.0
from typing import Alias

Callable = Iterable = Iterator = Sequence = Alias()
