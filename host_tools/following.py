"""Shows something as it changes, until Ctrl-C: on a screen, or a line of JSON for each change."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .output import console, print_json_line


def on_screen(picture: Callable[[], Any], every_s: float) -> None:
    """Show what `picture` returns for rich, in place of what it returned before."""
    from rich.live import Live

    with (
        suppress(KeyboardInterrupt),
        Live(picture(), console=console(), auto_refresh=False) as live,
    ):
        while True:
            time.sleep(every_s)
            live.update(picture(), refresh=True)


def as_json(look: Callable[[], Any], every_s: float) -> None:
    """Write what `look` returns, at once and whenever it is something else."""
    last: Any = None
    with suppress(KeyboardInterrupt):
        while True:
            now = look()
            if now != last:
                print_json_line(now)
                last = now
            time.sleep(every_s)
