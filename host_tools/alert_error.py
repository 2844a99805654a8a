"""What an order that cannot be made is told by."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from .errors import CannotTry


class AlertError(CannotTry):
    """The order cannot be made as it was asked for."""
