"""What every real power switch shares: `on`, `off`, `cycle` and `close` over one `set`."""

from __future__ import annotations

import time

from ..benches.bench_file import Switch


class RealSwitch:
    """Implements `Power` for a subclass that has `set(on)` and `is_on()`."""

    def __init__(self, table: Switch) -> None:
        self.table = table
        self._used = False

    def set(self, on: bool) -> None:
        raise NotImplementedError

    def is_on(self) -> bool:
        raise NotImplementedError

    def on(self) -> None:
        self._used = True
        self.set(True)

    def off(self) -> None:
        self._used = True
        self.set(False)

    def cycle(self) -> None:
        self.off()
        time.sleep(self.table.off_s)
        self.on()

    def close(self) -> None:
        """Leaves the supply as the file asks; a switch that nobody touched stays as it is."""
        if self._used or self.table.after == "off":
            self.set(self.table.after == "on")
