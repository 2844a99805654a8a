"""Sleep of a virtual board: what may wake the chip, and what has.

Sources are those of MicroPython's `esp32` module: the timer, EXT0, EXT1 and, out of light sleep
only, levels of ordinary pins. A UART is none of them, but the low level of its start bit at a pin
of `wake_on_gpio` is; the bytes that come until the chip is awake are lost.
Not modelled: touch pads, the ULP, pulls that the chip forgets in deep sleep, the drift of its RTC.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable

from .buses import Buses
from .world import Event, World

# machine.wake_reason(): ESP-IDF's esp_sleep_wakeup_cause_t
EXT0, EXT1, TIMER, GPIO = 2, 3, 4, 7
REASONS = {EXT0: "EXT0", EXT1: "EXT1", TIMER: "timer", GPIO: "pin"}
# Datasheets, RTC_GPIO: the pins that are awake in deep sleep.
RTC_PINS = {
    "esp32": {0, 2, 4, *range(12, 16), *range(25, 28), *range(32, 40)},
    "esp32s3": set(range(22)),
}
CONSOLE_RX = {"esp32": 3, "esp32s3": 44}


class Sleep:
    """The sources that a program has armed; `end(reason)` is called once for each `begin`."""

    def __init__(self, world: World, chip: str, buses: Buses) -> None:
        self.world = world
        self.chip = chip
        self.buses = buses
        self.lost = 0  # bytes that came at a UART, or the console, while it slept
        self._timer: Event | None = None
        self._end: Callable[[int], object] | None = None
        self._light = False
        buses.lines_changed = self._look
        self.forget()

    def forget(self) -> None:
        """A reset: the program has armed nothing yet."""
        self._armed: dict[int, tuple[int, int]] = {}  # source: (mask of its pins, level)

    def op_wake_on(self, source: int, payload: bytes) -> int:
        """Arms the pins of a source; a mask of none disarms it."""
        level, mask = struct.unpack("<Bq", payload)
        reachable = sum(1 << pin for pin in RTC_PINS[self.chip])
        if source != GPIO and mask & ~reachable:
            raise OSError(errno.EINVAL, "no RTC pin")
        if mask:
            self._armed[source] = mask, level
        else:
            self._armed.pop(source, None)
        return 0

    def begin(self, duration_ms: int, light: bool, end: Callable[[int], object]) -> None:
        """Sleeps for so long, for ever if that is negative, or until a source wakes it."""
        self._end, self._light = end, light
        if duration_ms >= 0:
            self._timer = self.world.call_after(duration_ms * 1000, lambda: self._wake(TIMER))
        self._look()

    def stop(self) -> None:
        """A reset, or the end of the supply: nobody is waited for any more."""
        self._end = None
        if self._timer is not None:
            self._timer.cancel()

    def heard(self, pin: int, size: int) -> None:
        """Bytes come at a UART of a chip in light sleep: they are lost, and may wake it."""
        self.lost += size
        mask, level = self._armed.get(GPIO, (0, 0))
        if mask >> pin & 1 and not level:
            self._wake(GPIO)

    def _look(self) -> None:
        """A level at some pin may have changed."""
        if self._end is None:
            return
        for source, (mask, level) in self._armed.items():
            pins = [pin for pin in range(49) if mask >> pin & 1]
            if source == GPIO:  # the line of a UART rests high
                pins = [pin for pin in pins if self._light and pin in self.buses.contacts]
            meets = [self.buses.pin_get(pin) == level for pin in pins]
            # EXT1 of an ESP32 knows "any is high" and "all are low".
            met = all(meets) if source == EXT1 and not level else any(meets)
            if pins and met:
                self._wake(source)
                return

    def _wake(self, reason: int) -> None:
        end, self._end = self._end, None
        if end is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        # Not within what has woken it: a model, or the program's own request.
        self._timer = self.world.call_after(0, lambda: end(reason))
