"""Interface: what plays the surroundings of a board, its sensors and its modem."""

from __future__ import annotations

from typing import Any, Protocol


class Stimulus(Protocol):
    """`faults.soil.unplugged = True`, `faults.fired`, `faults.unfired()`: as on every bench."""

    faults: Any

    def parts(self) -> list[str]:
        """What is played: `air`, `modem`, `soil`, ..."""

    def set(self, name: str, value: float) -> None:
        """Holds a value of the place: `air_temperature`, `soil_moisture`, ..."""

    def clear(self) -> None:
        """Values as at the beginning, no faults, and none remembered."""

    def close(self) -> None: ...
