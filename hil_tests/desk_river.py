"""The river of a desk: whoever runs `fieldbeat bench up` types what it shall do.

level 2.60      the water stands at 2.60 m above the zero of the gauge
rain 0.6        so many mm fall within the next minute: the bucket tips
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from fieldbeat.host_tools.language import tr

from .virtual.bench import Bench
from .virtual.river import River
from .virtual.world import World

RAIN_S = 60
MOST = {"level": 10.0, "rain": 100.0}


def orders() -> str:
    """What may be typed."""
    return tr("type 'level 2.60' (m above the gauge's zero) or 'rain 0.6' (mm within a minute)")


def has_river(bench: Bench) -> bool:
    """Whether a board of the bench stands at the scene's river."""
    fitted = [board.fitted for board in bench.boards.values() if board.fitted]
    return any("rain" in each.parts or "radar" in each.parts for each in fitted)


def order(river: River, now_us: int, text: str) -> str:
    """Does what was typed and returns what to say of it."""
    verb, _, number = text.strip().partition(" ")
    try:
        amount = float(number.removesuffix("mm").removesuffix("m"))
    except ValueError:
        return orders()
    if verb not in MOST or not 0 <= amount <= MOST[verb]:
        return orders()
    if verb == "rain":
        river.storm(now_us / 1e6, (amount,), RAIN_S)
        return tr("{amount:g} mm fall within a minute").format(amount=amount)
    river.base_mm += 1000 * amount - river.level_mm(now_us)
    told = tr("the water stands at {amount:.3f} m; a jump is believed when it has lasted for 30 s")
    return told.format(amount=amount)


def listen(world: World, obey: Callable[[int, str], str]) -> None:
    """Takes orders from stdin, line by line, as long as somebody may type there.

    Args:
        obey: does what was typed at a time in us, and returns what to say of it.
    """
    stdin = sys.stdin.fileno()

    def take(_flags: int) -> None:
        # Who runs in the background would be stopped by reading.
        away = os.isatty(stdin) and os.tcgetpgrp(stdin) != os.getpgrp()
        data = b"" if away else os.read(stdin, 4096)
        if not data:
            world.unwatch(stdin)
        for line in data.decode(errors="replace").splitlines():
            print(obey(world.now_us, line), flush=True)

    try:
        world.watch(stdin, take)
    except OSError:  # a file, or nothing: nobody types
        return
