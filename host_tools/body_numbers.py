"""Numbers in the body of a record, which nobody has checked before."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any


def whole(value: Any) -> int:
    """Return a number that counts something.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError
    return value
